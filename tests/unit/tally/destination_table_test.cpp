// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/destination_table.hpp"

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

IpAddress ipv4(std::uint32_t number) {
  const std::array<std::uint8_t, 4> bytes = {10, static_cast<std::uint8_t>(number >> 16),
                                             static_cast<std::uint8_t>(number >> 8),
                                             static_cast<std::uint8_t>(number)};
  return IpAddress::from_ipv4(bytes.data());
}

Destination to(std::uint32_t address, std::uint16_t port = 443, std::uint32_t from = 1) {
  return {ipv4(from), ipv4(address), port};
}

void add(DestinationTable& table, const Destination& destination, int times) {
  for (int i = 0; i < times; ++i) table.add(destination);
}

std::vector<std::uint32_t> counts(const std::vector<DestinationUse>& uses) {
  std::vector<std::uint32_t> all;
  for (const DestinationUse& use : uses) all.push_back(use.ephemeral_ports);
  return all;
}

using Counts = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("Source, destination and port make a destination of their own") {
  DestinationTable table;
  add(table, to(1, 443, 1), 5);
  add(table, to(1, 443, 2), 4);
  add(table, to(1, 80, 1), 3);
  add(table, to(2, 443, 1), 2);
  const auto busiest = table.busiest(10);
  CHECK(counts(busiest) == Counts{5, 4, 3, 2});
  CHECK(busiest[0].destination == to(1, 443, 1));
  CHECK(busiest[1].destination == to(1, 443, 2));
}

TEST_CASE("The busiest come first, no more than asked for, in a steady order") {
  DestinationTable table;
  for (std::uint32_t i = 0; i < 50; ++i) add(table, to(i), i < 10 ? 7 : 3);
  const auto busiest = table.busiest(3);
  CHECK(counts(busiest) == Counts{7, 7, 7});
  CHECK(busiest[0].destination == to(0));
  CHECK(busiest[2].destination == to(2));
  CHECK(table.busiest(0).empty());
}

TEST_CASE("A cleared table is empty") {
  DestinationTable table;
  add(table, to(1), 5);
  for (std::uint32_t i = 0; i <= DestinationTable::kMaxDestinations; ++i) table.add(to(i));
  table.clear();
  CHECK(table.busiest(5).empty());
}

TEST_CASE("As many destinations as it has room for are counted exactly") {
  DestinationTable table;
  const auto most = static_cast<std::uint32_t>(DestinationTable::kMaxDestinations);
  for (std::uint32_t i = 0; i < most; ++i) table.add(to(i));
  add(table, to(77), 9);
  CHECK(counts(table.busiest(2)) == Counts{10, 1});
}

TEST_CASE("With very many destinations no busy one is missed and the error keeps its bound") {
  std::mt19937 random(20261123);
  // 300 000 sockets to as many destinations, and some busy ones among them.
  std::vector<Destination> sockets;
  for (std::uint32_t i = 0; i < 300'000; ++i) sockets.push_back(to(100 + i));
  const std::vector<std::uint32_t> busy = {20'000, 5'000, 1'000};
  for (std::uint32_t i = 0; i < busy.size(); ++i) {
    sockets.insert(sockets.end(), busy[i], to(i));
  }
  std::shuffle(sockets.begin(), sockets.end(), random);
  DestinationTable table;
  for (const Destination& each : sockets) table.add(each);

  const auto bound =
      static_cast<std::uint32_t>(sockets.size() / (DestinationTable::kMaxDestinations + 1));
  const auto busiest = table.busiest(3);
  REQUIRE(busiest.size() == 3);
  for (std::uint32_t i = 0; i < busy.size(); ++i) {
    CHECK(busiest[i].destination == to(i));
    CHECK(busiest[i].ephemeral_ports < busy[i]);
    CHECK(busiest[i].ephemeral_ports + bound >= busy[i]);
  }
}

}  // namespace sockdiag::test
