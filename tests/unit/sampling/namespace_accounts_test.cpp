// SPDX-License-Identifier: Apache-2.0
#include "sampling/namespace_accounts.hpp"

#include <optional>
#include <utility>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {
using namespace std::chrono_literals;

using TimePoint = NamespaceAccounts::TimePoint;
using Value = std::optional<std::uint64_t>;

constexpr TimePoint kStart{1h};
constexpr auto kStaleness = 90s;

Owner unit(const std::string& name) { return {.labels = {.unit = name}}; }

// Namespaces with one counter and one gauge each.
class Accounts {
 public:
  void read(NamespaceReading& reading, Value counter, TimePoint now = kStart) {
    accounts_.count(reading, {.kernel = {.values = {counter}, .problems = {}}, .open = 3}, now);
  }
  void rename(NamespaceReading& reading, const std::string& unit_name) {
    accounts_.set_owner(reading, unit(unit_name));
  }
  std::vector<NamespaceSample> sums(NamespaceAccounts::Readings readings, TimePoint now = kStart) {
    return accounts_.sums(readings, kStaleness, now);
  }
  // The counter of the only owner.
  Value counter(NamespaceAccounts::Readings readings, TimePoint now = kStart) {
    const auto samples = sums(std::move(readings), now);
    REQUIRE(samples.size() == 1);
    return samples[0].counters.value->kernel.values[0];
  }

 private:
  NamespaceAccounts accounts_;
};

}  // namespace

TEST_CASE("A namespace alone has the kernel's own values", "[namespaces]") {
  Accounts accounts;
  NamespaceReading reading{.owner = unit("a")};
  for (const std::uint64_t value : {7U, 7U, 9U}) {
    accounts.read(reading, value);
    CHECK(accounts.counter({&reading}) == value);
  }
  const auto sample = accounts.sums({&reading})[0];
  CHECK(sample.owner == unit("a"));
  CHECK(sample.namespaces == 1);
  CHECK(sample.counters.value->open == 3);
  CHECK(sample.counters.withdrawn_after == kStart + kStaleness);
}

TEST_CASE("Namespaces of one owner are added up, others are apart and in order", "[namespaces]") {
  Accounts accounts;
  NamespaceReading a{.owner = unit("a")};
  NamespaceReading b{.owner = unit("b")};
  NamespaceReading also_a{.owner = unit("a")};
  accounts.read(b, 1);
  accounts.read(a, 10);
  accounts.read(also_a, 100, kStart + 5s);
  const auto samples = accounts.sums({&b, &a, &also_a});
  REQUIRE(samples.size() == 2);
  CHECK(samples[0].owner == unit("a"));
  CHECK(samples[0].namespaces == 2);
  CHECK(samples[0].counters.value->kernel.values[0] == 110);
  CHECK(samples[0].counters.value->open == 6);
  CHECK(samples[0].counters.withdrawn_after == kStart + 5s + kStaleness);
  CHECK(samples[1].counters.value->kernel.values[0] == 1);
}

TEST_CASE("A counter never falls while its owner has a namespace", "[namespaces]") {
  Accounts accounts;
  NamespaceReading stays{.owner = unit("a")};
  NamespaceReading ends{.owner = unit("a")};
  accounts.read(stays, 10);
  accounts.read(ends, 100);
  CHECK(accounts.counter({&stays, &ends}) == 110);
  CHECK(accounts.counter({&stays}) == 110);
  accounts.read(stays, 11);
  CHECK(accounts.counter({&stays}) == 111);
  NamespaceReading follows{.owner = unit("a")};
  accounts.read(follows, 5);
  CHECK(accounts.counter({&stays, &follows}) == 116);
  CHECK(accounts.counter({&follows}) == 116);
}

TEST_CASE("A counter that falls began anew: another namespace has its inode", "[namespaces]") {
  Accounts accounts;
  NamespaceReading reading{.owner = unit("a")};
  accounts.read(reading, 100);
  accounts.read(reading, 4);
  CHECK(accounts.counter({&reading}) == 104);
  accounts.read(reading, 6);
  CHECK(accounts.counter({&reading}) == 106);
}

TEST_CASE("A value that cannot be read for a while is absent and not counted twice",
          "[namespaces]") {
  Accounts accounts;
  NamespaceReading reading{.owner = unit("a")};
  accounts.read(reading, 100);
  accounts.read(reading, std::nullopt);
  CHECK(accounts.counter({&reading}) == std::nullopt);
  accounts.read(reading, 101);
  CHECK(accounts.counter({&reading}) == 101);
}

TEST_CASE("What is not fresh has no gauges, and its counters stay in the sum", "[namespaces]") {
  Accounts accounts;
  NamespaceReading fresh{.owner = unit("a")};
  NamespaceReading stale{.owner = unit("a")};
  accounts.read(stale, 100);
  accounts.read(fresh, 10, kStart + 1s);
  const auto now = kStart + kStaleness + 1s;
  const auto samples = accounts.sums({&stale, &fresh}, now);
  REQUIRE(samples.size() == 1);
  CHECK(samples[0].namespaces == 1);
  CHECK(samples[0].counters.value->open == 3);
  CHECK(samples[0].counters.value->kernel.values[0] == 110);
  CHECK(accounts.sums({&stale}, now).empty());
}

TEST_CASE("A namespace that gets another name brings all its counts along", "[namespaces]") {
  Accounts accounts;
  NamespaceReading reading{.owner = unit("a")};
  accounts.read(reading, 100);
  accounts.rename(reading, "b");
  const auto samples = accounts.sums({&reading});
  REQUIRE(samples.size() == 1);
  CHECK(samples[0].owner == unit("b"));
  CHECK(samples[0].counters.value->kernel.values[0] == 100);
  accounts.rename(reading, "b");
  accounts.read(reading, 101);
  CHECK(accounts.counter({&reading}) == 101);
}

TEST_CASE("An owner without a namespace is forgotten", "[namespaces]") {
  Accounts accounts;
  NamespaceReading ended{.owner = unit("a")};
  accounts.read(ended, 100);
  CHECK(accounts.sums({}).empty());
  NamespaceReading later{.owner = unit("a")};
  accounts.read(later, 1);
  CHECK(accounts.counter({&later}) == 1);
}

TEST_CASE("A namespace that was never read has no sample", "[namespaces]") {
  Accounts accounts;
  const NamespaceReading reading{.owner = unit("a")};
  CHECK(accounts.sums({&reading}).empty());
}

}  // namespace sockdiag::test
