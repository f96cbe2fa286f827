// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <map>
#include <random>

#include "polls.hpp"
#include "sockdiag/tally/listener_watch.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {

namespace {

// A kernel whose listeners drop, and count as drops what is none. Each poll it may replace
// listeners, and seats move.
class Host {
 public:
  static constexpr std::array<std::uint16_t, 5> kPorts = {80, 443, 8080, 8081, 9000};

  struct Port {
    std::uint64_t truth = 0;     // dropped so far
    std::uint32_t shown = 0;     // by its listener's counter
    std::uint64_t credited = 0;  // under its own name and as long as nothing moves
    std::uint64_t cookie = 0;
    bool was_full = false;
    bool is_full = false;
    std::uint64_t claimed = 0;
    std::uint64_t dropped = 0;  // those since the last poll
  };

  explicit Host(std::uint32_t seed) : random_(seed) {}

  int pick(int most) { return std::uniform_int_distribution<>(0, most)(random_); }

  // Returns how much ListenDrops has grown.
  std::uint64_t live() {
    std::uint64_t growth = 0;
    for (auto& [number, port] : ports) {
      port.was_full = port.is_full;
      port.is_full = pick(3) == 0;
      port.dropped = static_cast<std::uint64_t>(pick(2) == 0 ? pick(20) : 0);
      port.claimed = port.dropped + static_cast<std::uint64_t>(pick(2) == 0 ? pick(50) : 0);
      if (pick(9) == 0) {
        port.cookie = ++cookies_;
        port.shown = 0;
      }
      port.shown += static_cast<std::uint32_t>(port.claimed);
      port.truth += port.dropped;
      growth += port.dropped;
    }
    return growth;
  }

  [[nodiscard]] Listeners listeners() const {
    Listeners all;
    for (const auto& [number, port] : ports) {
      all.push_back(listener(port.cookie, number, port.is_full ? kFull : 0, port.shown));
    }
    return all;
  }

  std::map<std::uint16_t, Port> ports = [] {
    std::map<std::uint16_t, Port> made;
    for (const std::uint16_t number : kPorts) made[number].cookie = number;
    return made;
  }();

 private:
  std::mt19937 random_;
  std::uint64_t cookies_ = 10000;
};

}  // namespace

TEST_CASE("Whatever the drops, no more is credited than ListenDrops grew, nor than was claimed") {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    Host host(seed);
    Polls polls;
    const std::vector<std::uint16_t> all(Host::kPorts.begin(), Host::kPorts.end());
    polls.discover(9000, all).poll(0, host.listeners());
    for (int round = 0; round < 200; ++round) {
      CAPTURE(round);
      const std::uint64_t growth = host.live();
      polls.pass(1s).poll(growth, host.listeners());
      std::uint64_t credited = 0;
      for (auto& [number, port] : host.ports) {
        CAPTURE(number);
        const std::uint64_t counter = *polls.port(number).drops;
        REQUIRE(counter >= port.credited);
        const std::uint64_t gained = counter - std::exchange(port.credited, counter);
        REQUIRE(gained <= port.claimed);
        if (!port.is_full && !port.was_full) REQUIRE(gained <= port.dropped);
        credited += gained;
      }
      REQUIRE(credited <= growth);
    }
  }
}

TEST_CASE("Whatever becomes of seats, polls and ListenDrops, no counter falls or has too much") {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    Host host(seed);
    Polls polls;
    polls.poll(0, host.listeners());
    std::map<std::uint16_t, std::uint64_t> counters;
    std::uint64_t grown = 0;
    const auto check = [&](std::uint16_t series, const ListenerCounts& counts) {
      if (!counts.drops) return;
      REQUIRE(*counts.drops >= counters[series]);
      counters[series] = *counts.drops;
    };
    for (int round = 0; round < 300; ++round) {
      std::vector<std::uint16_t> seated;
      for (const std::uint16_t port : Host::kPorts) {
        if (host.pick(2) > 0) seated.push_back(port);
      }
      if (host.pick(4) == 0) polls.seat(seated);
      if (round == 100) polls.discover(9000, seated);
      const std::uint64_t growth = host.live();
      const std::uint64_t meanwhile = static_cast<std::uint64_t>(host.pick(9) == 0 ? 5 : 0);
      grown += growth + meanwhile;
      if (host.pick(9) == 0) {
        polls.begin(host.listeners());
        grown -= growth + meanwhile;  // ListenDrops has not moved
        continue;
      }
      polls.poll(growth, host.listeners(), meanwhile);
      for (const std::uint16_t port : polls.seated()) check(port, polls.port(port));
      check(0, polls.other());
      std::uint64_t credited = 0;
      for (const auto& [series, drops] : counters) credited += drops;
      REQUIRE(credited <= grown);
    }
  }
}

TEST_CASE("Where counters count drops alone, each is credited, whenever it happens") {
  for (std::uint32_t seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto one_of = [&](int number) {
      return std::uniform_int_distribution<>(1, number)(random) == 1;
    };
    Polls polls;
    std::uint32_t truth = 0;
    std::uint32_t not_shown = 0;
    polls.poll(0, {listener(1, 80, 0, 0), listener(2, 443, 0, 0)});
    for (int round = 0; round < 300; ++round) {
      CAPTURE(round);
      const std::uint32_t before = one_of(6) ? 4 : 0;
      const std::uint32_t during = one_of(6) ? 2 : 0;
      const std::uint32_t shown_at_once = one_of(2) ? during : 0;
      if (one_of(10)) polls.pass(1s).begin({listener(1, 80, 0, truth)});  // lost
      const std::uint32_t shown = truth + before + shown_at_once;
      polls.pass(1s).poll(before, {listener(1, 80, 0, shown), listener(2, 443, 0, 0)}, during);
      truth += before + during;
      not_shown = truth - shown;
      REQUIRE(*polls.port(80).drops + not_shown == truth);
      REQUIRE(polls.port(443).drops == 0);
    }
  }
}

}  // namespace sockdiag::test
