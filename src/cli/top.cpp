// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>

#include "documents.hpp"
#include "live_table.hpp"
#include "network_namespace.hpp"
#include "screen.hpp"
#include "sockdiag/http/http_client.hpp"
#include "subcommands.hpp"
#include "terminal.hpp"
#include "watch.hpp"

namespace sockdiag {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kAskEvery(2);
constexpr int kExitOfSignal = 128;

constexpr Text kNoAnswer("NO ANSWER", "没有应答");
constexpr Text kLeaves("q leaves", "按 q 退出");

std::string local_time(double timestamp) {
  const auto seconds = static_cast<std::time_t>(timestamp);
  std::tm time{};
  std::array<char, 16> text{};
  ::localtime_r(&seconds, &time);
  return {text.data(), std::strftime(text.data(), text.size(), "%H:%M:%S", &time)};
}

// What is shown, taken anew at each sample.
class Picture {
 public:
  Picture(const ReportOptions& options, const Configuration& configuration)
      : style_(style_of(options)),
        place_(place_looked_at(options, configuration.path, style_.language)) {
    if (options.url) {
      url_ = parse_http_url(*options.url);
    } else {
      watch_.emplace(configuration);
    }
  }

  // Throws as diagnose(). An exporter that has answered before may be starting anew: what it said
  // stays, and the picture says so.
  void renew() {
    try {
      if (watch_) watch_->sample();
      const Documents documents =
          watch_ ? watch_->documents(style_.language) : ask_exporter(*url_, style_.language);
      look_ = read_documents(documents, url_ ? authority_of(*url_) : "");
      answered_ = true;
    } catch (const RequestError&) {
      if (!look_.samples.timestamp) throw;
      answered_ = false;
    }
  }

  [[nodiscard]] Clock::duration interval() const {
    return watch_ ? Clock::duration(watch_->interval()) : Clock::duration(kAskEvery);
  }

  [[nodiscard]] std::vector<std::string> lines(Screen::Size size) {
    style_.columns = size.columns;
    const std::string who = url_ ? authority_of(*url_) : place_;
    const std::string when = look_.samples.timestamp ? local_time(*look_.samples.timestamp) : "-";
    std::string how(kLeaves.in(style_.language));
    if (!answered_) how = std::string(kNoAnswer.in(style_.language)) + "  " + how;
    return live_table(who + "  " + when + "  " + how, look_.findings, look_.samples, style_,
                      size.rows);
  }

 private:
  Style style_;
  std::string place_;  // without a URL
  std::optional<HttpUrl> url_;
  std::optional<Watch> watch_;  // without a URL
  Look look_;
  bool answered_ = true;
};

}  // namespace

int top(const ReportOptions& options, const Configuration& configuration) {
  Screen screen;
  Picture picture(options, configuration);
  Screen::Event event = Screen::Event::due;
  auto next = Clock::now();
  while (event != Screen::Event::left) {
    if (event == Screen::Event::due) {
      picture.renew();
      next = Clock::now() + picture.interval();
    }
    screen.draw(picture.lines(screen.size()));
    event = screen.wait_until(next);
  }
  return screen.signal() == 0 ? EXIT_SUCCESS : kExitOfSignal + screen.signal();
}

}  // namespace sockdiag
