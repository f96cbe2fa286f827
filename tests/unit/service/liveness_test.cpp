// SPDX-License-Identifier: Apache-2.0
#include "service/liveness.hpp"

#include <algorithm>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using namespace std::chrono_literals;

constexpr Liveness::TimePoint kStart(1h);

// A watchdog that knows the longest time it was not fed, under a loop that turns every so often.
struct Kennel {
  std::chrono::nanoseconds longest_silence{};
  int fed = 0;

  Kennel(std::chrono::nanoseconds period, std::chrono::nanoseconds turn) {
    auto now = kStart;
    auto last = kStart;
    Liveness liveness(Liveness::Watchdog{period,
                                         [&] {
                                           longest_silence = std::max(longest_silence, now - last);
                                           last = now;
                                           ++fed;
                                         }},
                      kStart);
    for (; now < kStart + 10 * period; now += std::min(turn, liveness.beat_interval())) {
      liveness.beat(now);
    }
  }
};

}  // namespace

TEST_CASE("A loop that has not turned for a minute hangs") {
  Liveness liveness(std::nullopt, kStart);
  CHECK(liveness.is_alive(kStart + 59s));
  CHECK_FALSE(liveness.is_alive(kStart + 60s));
  liveness.beat(kStart + 90s);
  CHECK(liveness.is_alive(kStart + 149s));
  CHECK_FALSE(liveness.is_alive(kStart + 150s));
}

TEST_CASE("The loop turns often enough for its health and for the watchdog") {
  struct Row {
    std::chrono::nanoseconds period;
    std::chrono::nanoseconds interval;
  };
  const auto row = GENERATE(values<Row>({{30s, 5s}, {60s, 10s}, {1h, 10s}, {1us, 50ms}}));
  CAPTURE(row.period.count());
  CHECK(Liveness(Liveness::Watchdog{row.period, {}}).beat_interval() == row.interval);
  CHECK(Liveness(std::nullopt).beat_interval() == 10s);
}

TEST_CASE("However often the loop turns, a watchdog may miss a feed and is not fed at every turn") {
  const auto turn = GENERATE(values<std::chrono::nanoseconds>({100ms, 1s, 7s, 9s, 10s, 19s, 1h}));
  CAPTURE(turn.count());
  const Kennel kennel(60s, turn);
  CHECK(kennel.longest_silence < 30s);
  CHECK(kennel.fed >= 30);
  CHECK(kennel.fed <= 60);
}

}  // namespace sockdiag::test
