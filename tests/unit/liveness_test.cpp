// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/exporter/liveness.hpp"

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using namespace std::chrono_literals;

constexpr Liveness::TimePoint kStart(1h);

// A watchdog that counts how often it is fed, over a server that answers or does not.
struct Kennel {
  int fed = 0;
  int asked = 0;
  bool answers = true;

  Liveness liveness{Liveness::Watchdog{30s,
                                       [this] {
                                         ++asked;
                                         return answers;
                                       },
                                       [this] { ++fed; }},
                    kStart};

  void beat_for(std::chrono::seconds duration) {
    for (auto beat = 0s; beat < duration; beat += 1s) liveness.beat(now += 1s);
  }

 private:
  Liveness::TimePoint now = kStart;
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
  CHECK(Liveness(std::nullopt).beat_interval() == 20s);
  const auto with_period = [](std::chrono::nanoseconds period) {
    return Liveness(Liveness::Watchdog{period, {}, {}}).beat_interval();
  };
  CHECK(with_period(30s) == 10s);
  CHECK(with_period(1h) == 20s);
}

TEST_CASE("A watchdog is fed three times in its period, not at every turn") {
  Kennel kennel;
  kennel.beat_for(60s);
  CHECK(kennel.fed == 6);
  CHECK(kennel.asked == 6);
}

TEST_CASE("A watchdog is fed at the first turn") {
  Kennel kennel;
  kennel.beat_for(1s);
  CHECK(kennel.fed == 1);
}

TEST_CASE("A server that no longer answers is not fed for, until it answers again") {
  Kennel kennel;
  kennel.beat_for(10s);
  kennel.answers = false;
  kennel.beat_for(60s);
  CHECK(kennel.fed == 1);
  kennel.answers = true;
  kennel.beat_for(30s);
  CHECK(kennel.fed == 4);
}

TEST_CASE("A server that never answered its own host says nothing about itself") {
  Kennel kennel;
  kennel.answers = false;
  kennel.beat_for(60s);
  CHECK(kennel.fed == 6);
  CHECK(kennel.asked == 1);
}

}  // namespace sockdiag::test
