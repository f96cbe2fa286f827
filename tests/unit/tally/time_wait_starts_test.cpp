// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/time_wait_starts.hpp"

#include <map>
#include <random>
#include <span>
#include <vector>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using namespace std::chrono_literals;
using Milliseconds = std::chrono::milliseconds;
using TimePoint = TimeWaitStarts::TimePoint;

constexpr TimePoint kStart{1000h};

// TIME_WAITs by the time they began, and the samples of them.
class Simulation {
 public:
  explicit Simulation(Milliseconds length = TimeWaitStarts::kLength) : length_(length) {}

  std::uint64_t begin_one(TimePoint at) {
    began_[++last_cookie_] = at;
    return last_cookie_;
  }

  // A sample whose dump takes `duration`; each timer is read at some time in it, wrong by up to
  // `jitter`. Returns how many were new.
  int sample(TimePoint now, Milliseconds duration = 0ms, Milliseconds jitter = 0ms,
             bool lost = false) {
    int found = 0;
    starts_.begin(now, length_);
    for (const auto& [cookie, at] : began_) {
      const TimePoint seen_at = now + up_to(duration);
      if (at > seen_at || at + length_ < seen_at) continue;
      const auto left = at + length_ - seen_at + up_to(2 * jitter) - jitter;
      if (starts_.is_new(cookie, std::chrono::duration_cast<Milliseconds>(left))) ++found;
    }
    if (lost) return 0;
    starts_.finish();
    return found;
  }

 private:
  Milliseconds up_to(Milliseconds most) {
    return Milliseconds(std::uniform_int_distribution<std::int64_t>(0, most.count())(random_));
  }

  Milliseconds length_;
  TimeWaitStarts starts_;
  std::map<std::uint64_t, TimePoint> began_;
  std::uint64_t last_cookie_ = 0;
  std::mt19937 random_{20261123};
};

}  // namespace

TEST_CASE("Of a batch of TIME_WAITs those are found that are new alone") {
  struct Socket {
    std::uint64_t cookie;
    Milliseconds timer_remaining;
  };
  TimeWaitStarts starts;
  starts.begin(kStart);
  CHECK_FALSE(starts.is_new(1, 50s));
  starts.finish();
  starts.begin(kStart + 5s);
  std::vector<std::uint64_t> found;
  const std::vector<Socket> batch = {{1, 45s}, {2, 59s}, {3, 10s}, {4, 60s}};
  starts.find_new(std::span(batch), [&](const Socket& socket) { found.push_back(socket.cookie); });
  CHECK(found == std::vector<std::uint64_t>{2, 4});
}

TEST_CASE("What there was at the first sample has begun at a time that is not known") {
  Simulation simulation;
  simulation.begin_one(kStart - 30s);
  simulation.begin_one(kStart - 1ms);
  CHECK(simulation.sample(kStart) == 0);
  CHECK(simulation.sample(kStart + 5s) == 0);
}

TEST_CASE("A TIME_WAIT is new once") {
  Simulation simulation;
  simulation.sample(kStart);
  simulation.begin_one(kStart + 1s);
  CHECK(simulation.sample(kStart + 5s) == 1);
  for (int i = 2; i < 14; ++i) CHECK(simulation.sample(kStart + i * 5s) == 0);
}

TEST_CASE("A lost sample loses no TIME_WAIT and counts none twice") {
  Simulation simulation;
  simulation.sample(kStart);
  simulation.begin_one(kStart + 1s);
  CHECK(simulation.sample(kStart + 5s, 0ms, 0ms, true) == 0);
  simulation.begin_one(kStart + 6s);
  CHECK(simulation.sample(kStart + 10s) == 2);
  CHECK(simulation.sample(kStart + 15s) == 0);
}

TEST_CASE(
    "However many samples are lost, those before them are forgotten and new ones counted once") {
  const int lost = GENERATE(254, 255, 256, 257, 511, 512);
  CAPTURE(lost);
  TimeWaitStarts starts;
  auto now = kStart;
  const auto begin = [&] { starts.begin(now += 100ms); };
  begin();
  starts.finish();
  begin();
  CHECK(starts.is_new(1, 60s));  // in this sample and the first lost one
  CHECK(starts.is_new(2, 60s));  // in this sample and the next complete one
  CHECK(starts.is_new(3, 60s));  // in this sample alone
  starts.finish();
  for (int i = 0; i < lost; ++i) {
    begin();
    if (i == 0) static_cast<void>(starts.is_new(1, 59s));
    if (i == 0) CHECK(starts.is_new(4, 60s));
  }
  begin();
  CHECK_FALSE(starts.is_new(2, 30s));
  CHECK(starts.is_new(4, 31s));  // whose first sample was lost
  CHECK_FALSE(starts.is_new(4, 31s));
  starts.finish();
  CHECK(starts.size() == 2);
}

TEST_CASE("An interval of up to a minute misses none") {
  for (const auto interval : {100ms, 1000ms, 20'000ms, 59'000ms}) {
    CAPTURE(interval.count());
    Simulation simulation;
    int began = 0;
    int found = 0;
    simulation.sample(kStart);
    auto now = kStart;
    for (int round = 0; round < 20; ++round) {
      for (auto at = now; at < now + interval; at += interval / 7, ++began) {
        simulation.begin_one(at + 1us);
      }
      now += interval;
      found += simulation.sample(now);
    }
    CHECK(found == began);
  }
}

TEST_CASE("TIME_WAITs of any length are counted once each where samples come more often") {
  for (const auto length : {1s, 3s, 5s, 20s, 34s, 35s, 60s, 600s}) {
    for (const auto interval : {100ms, 900ms, 2500ms, 5000ms, 19'000ms}) {
      if (interval >= length) continue;
      CAPTURE(length.count(), interval.count());
      Simulation simulation(length);
      int began = 0;
      int found = 0;
      simulation.begin_one(kStart - 1ms);
      simulation.sample(kStart);
      auto now = kStart;
      for (int round = 0; round < 50; ++round) {
        for (auto at = now; at < now + interval; at += interval / 7, ++began) {
          simulation.begin_one(at + 1us);
        }
        now += interval;
        found += simulation.sample(now);
      }
      CHECK(found == began);
    }
  }
}

TEST_CASE("A length that is set anew counts none twice, and its own TIME_WAITs from then on") {
  for (const auto& [before, after] : {std::pair{60s, 5s}, {5s, 60s}, {60s, 600s}, {600s, 1s}}) {
    CAPTURE(before.count(), after.count());
    TimeWaitStarts starts;
    starts.begin(kStart, before);
    starts.finish();
    starts.begin(kStart + 1s, before);
    CHECK(starts.is_new(1, before - 500ms));
    starts.finish();
    starts.begin(kStart + 2s, after);
    CHECK_FALSE(starts.is_new(1, before - 1500ms));
    CHECK(starts.is_new(2, after - 500ms));
    starts.finish();
  }
}

TEST_CASE("Slow dumps and coarse timers count each once, too") {
  for (const auto interval : {3s, 10s, 30s}) {
    CAPTURE(interval.count());
    Simulation simulation;
    int began = 0;
    int found = 0;
    simulation.sample(kStart, 2s);
    for (auto now = kStart + 2s; now < kStart + 10min; now += 100ms, ++began) {
      simulation.begin_one(now);
      if ((now - kStart - 2s) % interval == 0s) found += simulation.sample(now, 2s, 100ms);
    }
    found += simulation.sample(kStart + 10min + 2s, 2s, 100ms);
    CHECK(found == began);
  }
}

TEST_CASE("A dump that tells a socket twice does not begin it twice") {
  TimeWaitStarts starts;
  starts.begin(kStart);
  starts.finish();
  starts.begin(kStart + 5s);
  CHECK(starts.is_new(7, 58s));
  CHECK_FALSE(starts.is_new(7, 58s));
}

TEST_CASE("A timer that says more than 60 s is of a TIME_WAIT that has just begun") {
  TimeWaitStarts starts;
  starts.begin(kStart);
  starts.finish();
  starts.begin(kStart + 1s);
  CHECK(starts.is_new(7, 61s));
}

TEST_CASE("A segment that sets the timer back does not begin the wait again") {
  TimeWaitStarts starts;
  for (int sample = 0; sample < 60; ++sample) {
    starts.begin(kStart + sample * 5s);
    const auto remaining = 60s - (sample % 4) * 5s;
    CHECK(starts.is_new(7, remaining) == false);
    if (sample > 0) CHECK(starts.is_new(8, remaining) == (sample == 1));
    starts.finish();
  }
}

TEST_CASE("One that a dump has missed is not taken for a new one when its timer tells") {
  TimeWaitStarts starts;
  starts.begin(kStart);
  starts.finish();
  starts.begin(kStart + 5s);
  CHECK_FALSE(starts.is_new(7, 30s));
  CHECK(starts.is_new(8, 56s));
}

TEST_CASE("Those that have gone are forgotten") {
  TimeWaitStarts starts;
  starts.begin(kStart);
  for (std::uint64_t cookie = 0; cookie < 100; ++cookie) CHECK_FALSE(starts.is_new(cookie, 60s));
  starts.finish();
  starts.begin(kStart + 5s);
  CHECK_FALSE(starts.is_new(5, 55s));
  starts.finish();
  CHECK(starts.size() == 1);
}

}  // namespace sockdiag::test
