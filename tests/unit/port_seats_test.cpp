// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/core/port_seats.hpp"

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using namespace std::chrono_literals;
using Ports = std::vector<std::uint16_t>;

const PortSeats::TimePoint kStart{};

}  // namespace

TEST_CASE("The busiest ports get the seats") {
  PortSeats seats;
  seats.configure({}, 2);
  CHECK(seats.assign({{10, 1}, {20, 3}, {30, 2}}, kStart, 10s) == Ports{20, 30});
}

TEST_CASE("Of equally busy ports the lower gets the seat") {
  PortSeats seats;
  seats.configure({}, 1);
  CHECK(seats.assign({{20, 1}, {10, 1}}, kStart, 10s) == Ports{10});
}

TEST_CASE("A port keeps its seat against busier newcomers") {
  PortSeats seats;
  seats.configure({}, 1);
  CHECK(seats.assign({{10, 1}}, kStart, 10s) == Ports{10});
  CHECK(seats.assign({{10, 1}, {20, 99}}, kStart + 1s, 10s) == Ports{10});
}

TEST_CASE("A port keeps its seat while unused until the retention is over") {
  PortSeats seats;
  seats.configure({}, 2);
  CHECK(seats.assign({{10, 1}}, kStart, 10s) == Ports{10});
  CHECK(seats.assign({}, kStart + 10s, 10s) == Ports{10});
  CHECK(seats.assign({{20, 1}}, kStart + 11s, 10s) == Ports{20});
}

TEST_CASE("Configured ports have seats always, and before all others") {
  PortSeats seats;
  seats.configure({7, 8}, 3);
  CHECK(seats.assign({{10, 5}, {20, 6}}, kStart, 10s) == Ports{7, 8, 20});
  CHECK(seats.assign({}, kStart + 1h, 10s) == Ports{7, 8});
  CHECK(seats.is_configured(7));
  CHECK_FALSE(seats.is_configured(10));
}

TEST_CASE("A newly configured port takes the seat of the least busy") {
  PortSeats seats;
  seats.configure({}, 2);
  CHECK(seats.assign({{10, 5}, {20, 1}}, kStart, 10s) == Ports{10, 20});
  seats.configure({30}, 2);
  CHECK(seats.assign({{10, 5}, {20, 1}}, kStart + 1s, 10s) == Ports{10, 30});
}

TEST_CASE("Fewer seats leave the busiest of those that had one") {
  PortSeats seats;
  seats.configure({}, 3);
  CHECK(seats.assign({{10, 5}, {20, 1}, {30, 7}}, kStart, 10s) == Ports{10, 20, 30});
  seats.configure({}, 2);
  CHECK(seats.assign({{10, 5}, {20, 1}, {30, 7}}, kStart + 1s, 10s) == Ports{10, 30});
}

}  // namespace sockdiag::test
