// SPDX-License-Identifier: Apache-2.0
#include "web_file.hpp"

#include <chrono>
#include <condition_variable>
#include <exception>
#include <stop_token>
#include <utility>

namespace sockdiag {
namespace {

constexpr std::chrono::seconds kBetweenLooks(1);

// Calls `set_up` with the settings in the file. What it refuses becomes a ConfigError.
template <typename SetUp>
auto load(const std::string& path, std::vector<FileStamp>& stamps, SetUp set_up) {
  const SecuritySettings settings = load_web_configuration(path, stamps);
  try {
    return set_up(settings);
  } catch (const TlsError& error) {
    throw ConfigError(path + ": tls_server_config: " + error.what());
  }
}

// Returns true when a second is over, false when the thread has to end.
bool wait_a_second(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, kBetweenLooks, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace

WebFile::WebFile(std::string path, WebSecurity::Options options)
    : path_(std::move(path)), security_(load(path_, stamps_, [&](const SecuritySettings& settings) {
        return std::make_shared<WebSecurity>(settings, std::move(options));
      })) {}

void WebFile::reload() {
  const std::lock_guard lock(mutex_);
  load(path_, stamps_, [&](const SecuritySettings& settings) { security_->replace(settings); });
}

bool WebFile::has_changed() {
  const std::lock_guard lock(mutex_);
  std::vector<FileStamp> now;
  for (const FileStamp& each : stamps_) now.push_back(stamp_of(each.path));
  const bool is_settled = now == seen_;
  seen_ = std::move(now);
  return is_settled && seen_ != stamps_;
}

WebFileWatch::WebFileWatch(WebFile& file, std::function<void()> on_change)
    : thread_([&file, on_change = std::move(on_change)](const std::stop_token& stop) {
        while (wait_a_second(stop)) {
          try {
            if (file.has_changed()) on_change();
          } catch (const std::exception&) {  // no memory: the next look may find some
          }
        }
      }) {}

}  // namespace sockdiag
