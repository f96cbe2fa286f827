// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/lifetime_budget.hpp"

#include <memory>

#include "sockdiag/tally/lifetimes.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

// One sample of as many sockets. Returns how many of them are followed after it.
std::size_t sample(Lifetimes& lifetimes, std::size_t sockets) {
  lifetimes.begin(Lifetimes::TimePoint{});
  for (std::uint64_t cookie = 1; cookie <= sockets; ++cookie) {
    static_cast<void>(lifetimes.follow(cookie, TcpState::close_wait));
  }
  lifetimes.finish(Lifetimes::TimePoint{});
  CHECK(lifetimes.size() + lifetimes.unfollowed() == sockets);
  return lifetimes.size();
}

LifetimeBudget budget_of(std::size_t max_sockets) {
  LifetimeBudget budget;
  budget.set_max_sockets(max_sockets);
  return budget;
}

constexpr auto kVisited = NetworkKind::visited;

}  // namespace

TEST_CASE("The own network namespace may follow all sockets of the budget if it is alone") {
  LifetimeBudget budget = budget_of(100);
  Lifetimes own(budget);
  CHECK(sample(own, 1000) == 100);
  CHECK(sample(own, 1000) == 100);
}

TEST_CASE("Visited network namespaces together may follow half, and leave the own one the rest") {
  LifetimeBudget budget = budget_of(100);
  Lifetimes own(budget);
  Lifetimes first(budget, kVisited);
  Lifetimes second(budget, kVisited);
  CHECK(sample(first, 30) == 30);
  CHECK(sample(second, 30) == 20);
  CHECK(sample(first, 1000) == 30);
  CHECK(sample(own, 1000) == 50);
  CHECK(sample(second, 1000) == 20);
}

TEST_CASE("Visited network namespaces may follow only what the own one leaves") {
  LifetimeBudget budget = budget_of(100);
  Lifetimes own(budget);
  Lifetimes visited(budget, kVisited);
  CHECK(sample(own, 90) == 90);
  CHECK(sample(visited, 1000) == 10);
  CHECK(sample(own, 1000) == 90);
  CHECK(sample(own, 10) == 10);
  CHECK(sample(visited, 1000) == 50);
}

TEST_CASE("Sockets that are no longer followed are room for those of other namespaces") {
  LifetimeBudget budget = budget_of(100);
  Lifetimes own(budget);
  auto first = std::make_unique<Lifetimes>(budget, kVisited);
  Lifetimes second(budget, kVisited);
  CHECK(sample(*first, 50) == 50);
  CHECK(sample(second, 50) == 0);
  SECTION("since they have gone") { CHECK(sample(*first, 0) == 0); }
  SECTION("since their namespace has gone") { first.reset(); }
  CHECK(sample(second, 50) == 50);
  first.reset();
  CHECK(sample(own, 1000) == 50);
}

TEST_CASE("A lower limit forgets no socket of any network namespace") {
  LifetimeBudget budget = budget_of(100);
  Lifetimes own(budget);
  Lifetimes visited(budget, kVisited);
  CHECK(sample(own, 40) == 40);
  CHECK(sample(visited, 40) == 40);
  budget.set_max_sockets(10);
  CHECK(sample(own, 40) == 40);
  CHECK(sample(visited, 40) == 40);
  CHECK(sample(visited, 50) == 40);
  CHECK(sample(own, 50) == 40);
}

TEST_CASE("Sockets that were dated take part of the budget") {
  LifetimeBudget budget = budget_of(10);
  Lifetimes own(budget);
  Lifetimes visited(budget, kVisited);
  for (std::uint64_t cookie = 1; cookie <= 20; ++cookie) {
    own.date(cookie, TcpState::close_wait, Lifetimes::TimePoint{});
  }
  CHECK(own.size() == 10);
  CHECK(sample(visited, 5) == 0);
}

}  // namespace sockdiag::test
