// SPDX-License-Identifier: Apache-2.0
#pragma once

// Whether the exporter still lives: its sampling loop turns, and its server answers. A watchdog is
// fed for as long as both hold, so that what hangs is restarted.

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>

namespace sockdiag {

// The sampling loop hangs when it has not turned for that long: a dump of a million sockets takes
// a second or two.
inline constexpr std::chrono::seconds kHungAfter(60);

class Liveness {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Watchdog {
    std::chrono::nanoseconds period;  // within which it has to be fed
    std::function<bool()> answers;    // asks the server; takes a second or so where it does not
    std::function<void()> feed;
  };

  explicit Liveness(std::optional<Watchdog> watchdog, TimePoint now = TimePoint::clock::now());

  // At each turn of the sampling loop, on its thread.
  void beat(TimePoint now);

  // How often the loop has to turn, at least.
  [[nodiscard]] std::chrono::nanoseconds beat_interval() const noexcept;

  // Safe from any thread.
  [[nodiscard]] bool is_alive(TimePoint now) const noexcept;

 private:
  void feed_watchdog(TimePoint now);
  [[nodiscard]] bool server_answers();

  const std::optional<Watchdog> watchdog_;
  std::atomic<TimePoint::rep> last_beat_;
  std::optional<TimePoint> last_feed_;
  enum class Server { not_asked, answered, never_answered } server_ = Server::not_asked;
  bool unanswered_ = false;
};

}  // namespace sockdiag
