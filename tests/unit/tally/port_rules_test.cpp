// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/port_rules.hpp"

#include <utility>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using Ports = std::vector<std::uint16_t>;

const PortPolicy kPolicy{.inbound = {8080, 443, 443}, .outbound = {5432}, .exclude = {9100}};

}  // namespace

TEST_CASE("A port is configured for one direction, or excluded from both") {
  const PortRules rules(kPolicy);
  CHECK(rules.configured(Direction::inbound) == Ports{443, 8080});
  CHECK(rules.configured(Direction::outbound) == Ports{5432});
  CHECK(rules.is_configured(Direction::inbound, 443));
  CHECK_FALSE(rules.is_configured(Direction::outbound, 443));
  CHECK_FALSE(rules.is_configured(Direction::inbound, 444));
  CHECK(rules.is_excluded(9100));
  CHECK(rules.is_excluded(0));
  CHECK_FALSE(rules.is_excluded(443));
}

TEST_CASE("Tallies with the same lists share their rules, whatever else their policies say") {
  SharedPortRules shared;
  const auto first = shared.of(kPolicy);
  PortPolicy policy = kPolicy;
  policy.max_ports = 7;
  CHECK(shared.of(policy) == first);
  for (PortList PortPolicy::*list :
       {&PortPolicy::inbound, &PortPolicy::outbound, &PortPolicy::exclude}) {
    PortPolicy other = kPolicy;
    (other.*list).add({22, 22});
    const auto rules = shared.of(other);
    CHECK(rules != first);
    CHECK(rules->are_of(other));
    CHECK(shared.of(other) == rules);
    CHECK(shared.of(kPolicy) == first);
  }
}

TEST_CASE("Rules that no tally has any more take no memory") {
  SharedPortRules shared;
  const std::weak_ptr<const PortRules> gone = shared.of(kPolicy);
  CHECK(gone.expired());
  CHECK(shared.of(kPolicy)->are_of(kPolicy));
}

TEST_CASE("Tallies with the same policy share it while one of them has it") {
  SharedPolicies shared;
  TcpPolicy policy{.ports = kPolicy};
  auto first = shared.of(policy);
  CHECK(*first == policy);
  policy.by_cgroup = true;
  const auto other = shared.of(policy);
  CHECK(other->by_cgroup);
  CHECK_FALSE(first->by_cgroup);
  policy.by_cgroup = false;
  CHECK(shared.of(policy) == first);
  const std::weak_ptr<const TcpPolicy> gone = std::exchange(first, nullptr);
  CHECK(gone.expired());
  CHECK(*shared.of(policy) == policy);
}

}  // namespace sockdiag::test
