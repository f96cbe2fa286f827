// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/port_seats.hpp"

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using namespace std::chrono_literals;
using Ports = std::vector<std::uint16_t>;

const PortSeats::TimePoint kStart{1000h};

// Seats under a policy that the test changes.
class Seats {
 public:
  void configure(const PortList& configured, std::size_t max_ports, const PortList& exclude = {}) {
    rules_ = PortRules({.inbound = configured, .outbound = {}, .exclude = exclude});
    seats_.configure(rules_, max_ports);
  }
  Ports assign(const std::vector<PortSeats::Candidate>& in_use, PortSeats::TimePoint now,
               PortSeats::Duration retention) {
    return seats_.assign(rules_.configured(Direction::inbound), in_use, now, retention);
  }

 private:
  PortRules rules_{{}};
  PortSeats seats_;
};

}  // namespace

TEST_CASE("The busiest ports get the seats") {
  Seats seats;
  seats.configure({}, 2);
  CHECK(seats.assign({{10, 1}, {20, 3}, {30, 2}}, kStart, 10s) == Ports{20, 30});
}

TEST_CASE("Of equally busy ports the lower gets the seat") {
  Seats seats;
  seats.configure({}, 1);
  CHECK(seats.assign({{20, 1}, {10, 1}}, kStart, 10s) == Ports{10});
}

TEST_CASE("A port keeps its seat against busier newcomers") {
  Seats seats;
  seats.configure({}, 1);
  CHECK(seats.assign({{10, 10}}, kStart, 10s) == Ports{10});
  CHECK(seats.assign({{10, 10}, {20, 99}}, kStart + 1s, 10s) == Ports{10});
}

TEST_CASE("The seat of the least busy port yields to one that is ten times as busy") {
  Seats seats;
  seats.configure({}, 2);
  CHECK(seats.assign({{10, 1}, {20, 2}}, kStart, 10s) == Ports{10, 20});
  CHECK(seats.assign({{10, 1}, {20, 2}, {30, 9}}, kStart + 1s, 10s) == Ports{10, 20});
  CHECK(seats.assign({{10, 1}, {20, 2}, {30, 10}}, kStart + 2s, 10s) == Ports{20, 30});
}

TEST_CASE("A seat without any socket yields to ten, not to one") {
  Seats seats;
  seats.configure({}, 1);
  CHECK(seats.assign({{10, 0}}, kStart, 10s) == Ports{10});
  CHECK(seats.assign({{10, 0}, {20, 9}}, kStart + 1s, 10s) == Ports{10});
  CHECK(seats.assign({{10, 0}, {20, 10}}, kStart + 2s, 10s) == Ports{20});
}

TEST_CASE("Several seats yield at once, the least busy to the busiest") {
  Seats seats;
  seats.configure({}, 3);
  CHECK(seats.assign({{10, 1}, {20, 1}, {30, 50}}, kStart, 10s) == Ports{10, 20, 30});
  CHECK(seats.assign({{10, 1}, {20, 1}, {30, 50}, {40, 12}, {50, 400}, {60, 11}}, kStart + 1s,
                     10s) == Ports{30, 40, 50});
}

TEST_CASE("Of equally idle ports the higher yields") {
  Seats seats;
  seats.configure({}, 2);
  CHECK(seats.assign({{10, 1}, {20, 1}}, kStart, 10s) == Ports{10, 20});
  CHECK(seats.assign({{10, 1}, {20, 1}, {5, 100}}, kStart + 1s, 10s) == Ports{5, 10});
}

TEST_CASE("A seat that nobody has used since the last sample yields, too") {
  Seats seats;
  seats.configure({}, 1);
  CHECK(seats.assign({{10, 1}}, kStart, 10s) == Ports{10});
  CHECK(seats.assign({{20, 9}}, kStart + 1s, 10s) == Ports{10});
  CHECK(seats.assign({{20, 10}}, kStart + 2s, 10s) == Ports{20});
}

TEST_CASE("What a port had within the retention protects its seat, also when it is idle now") {
  Seats seats;
  seats.configure({}, 1);
  CHECK(seats.assign({{10, 100}}, kStart, 10s) == Ports{10});
  CHECK(seats.assign({{10, 1}, {20, 999}}, kStart + 5s, 10s) == Ports{10});
  CHECK(seats.assign({{10, 1}, {20, 999}}, kStart + 10s, 10s) == Ports{10});
  CHECK(seats.assign({{10, 1}, {20, 999}}, kStart + 11s, 10s) == Ports{20});
}

TEST_CASE("Ports that are busy in turns do not take turns in a seat") {
  Seats seats;
  seats.configure({}, 1);
  CHECK(seats.assign({{10, 400}, {20, 1}}, kStart, 600s) == Ports{10});
  for (int i = 1; i <= 100; ++i) {
    CAPTURE(i);
    const std::uint64_t ten = i % 2 == 0 ? 400 : 1;
    CHECK(seats.assign({{10, ten}, {20, 401 - ten}}, kStart + i * 5s, 600s) == Ports{10});
  }
}

TEST_CASE("A configured port never yields, however idle it is") {
  Seats seats;
  seats.configure({7}, 1);
  CHECK(seats.assign({{10, 1'000'000}}, kStart, 10s) == Ports{7});
}

TEST_CASE("A port that is no longer configured keeps its seat for the retention, idle or not") {
  Seats seats;
  seats.configure({7, 8}, 3);
  CHECK(seats.assign({{8, 1}}, kStart, 10s) == Ports{7, 8});
  seats.configure({}, 3);
  CHECK(seats.assign({}, kStart + 10s, 10s) == Ports{7, 8});
  CHECK(seats.assign({}, kStart + 11s, 10s).empty());
}

TEST_CASE("A port keeps its seat while unused until the retention is over") {
  Seats seats;
  seats.configure({}, 2);
  CHECK(seats.assign({{10, 1}}, kStart, 10s) == Ports{10});
  CHECK(seats.assign({}, kStart + 10s, 10s) == Ports{10});
  CHECK(seats.assign({{20, 1}}, kStart + 11s, 10s) == Ports{20});
}

TEST_CASE("Configured ports have seats always, and before all others") {
  Seats seats;
  seats.configure({7, 8}, 3);
  CHECK(seats.assign({{10, 5}, {20, 6}}, kStart, 10s) == Ports{7, 8, 20});
  CHECK(seats.assign({}, kStart + 1h, 10s) == Ports{7, 8});
}

TEST_CASE("A newly configured port takes the seat of the least busy") {
  Seats seats;
  seats.configure({}, 2);
  CHECK(seats.assign({{10, 5}, {20, 1}}, kStart, 10s) == Ports{10, 20});
  seats.configure({30}, 2);
  CHECK(seats.assign({{10, 5}, {20, 1}}, kStart + 1s, 10s) == Ports{10, 30});
}

TEST_CASE("Fewer seats leave the busiest of those that had one") {
  Seats seats;
  seats.configure({}, 3);
  CHECK(seats.assign({{10, 5}, {20, 1}, {30, 7}}, kStart, 10s) == Ports{10, 20, 30});
  seats.configure({}, 2);
  CHECK(seats.assign({{10, 5}, {20, 1}, {30, 7}}, kStart + 1s, 10s) == Ports{10, 30});
}

TEST_CASE("A port that is excluded loses its seat at once") {
  Seats seats;
  seats.configure({}, 3);
  CHECK(seats.assign({{10, 1}, {20, 1}}, kStart, 10s) == Ports{10, 20});
  seats.configure({}, 3, {10});
  CHECK(seats.assign({{20, 1}}, kStart, 10s) == Ports{20});
}

}  // namespace sockdiag::test
