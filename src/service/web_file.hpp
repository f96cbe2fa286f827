// SPDX-License-Identifier: Apache-2.0
#pragma once

// Keeps a server's security as its web configuration file says. Safe from any thread.

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "sockdiag/configuration/web_configuration.hpp"
#include "sockdiag/http/web_security.hpp"

namespace sockdiag {

class WebFile {
 public:
  // Throws ConfigError.
  WebFile(std::string path, WebSecurity::Options options);

  [[nodiscard]] const std::shared_ptr<WebSecurity>& security() const noexcept { return security_; }

  // Reads the file and those that it names. Throws ConfigError; then nothing changes.
  void reload();

  // Returns whether one of the files has changed since they were read, well or not, and none since
  // the call before: the first half of a file that is being written may ask for no login.
  [[nodiscard]] bool has_changed();

 private:
  const std::string path_;
  std::mutex mutex_;
  std::vector<FileStamp> stamps_;  // when the files were read
  std::vector<FileStamp> seen_;    // when has_changed() looked last
  std::shared_ptr<WebSecurity> security_;
};

// Looks once a second whether the file has changed, on a thread of its own, since a file system may
// hang.
class WebFileWatch {
 public:
  // Throws std::system_error if the thread cannot start. `on_change` must not throw.
  WebFileWatch(WebFile& file, std::function<void()> on_change);

 private:
  std::jthread thread_;
};

}  // namespace sockdiag
