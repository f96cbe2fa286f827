// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/port_rules.hpp"

#include <cstddef>
#include <utility>

namespace sockdiag {
namespace {

// Returns the value for which is_wanted(value) is true, or null. Forgets values that nobody has.
template <typename Value, typename Predicate>
std::shared_ptr<const Value> find_in(std::vector<std::weak_ptr<const Value>>& values,
                                     const Predicate& is_wanted) {
  std::erase_if(values, [](const auto& each) { return each.expired(); });
  for (const auto& each : values) {
    auto value = each.lock();
    if (value != nullptr && is_wanted(*value)) return value;
  }
  return nullptr;
}

}  // namespace

PortRules::Side::Side(const PortList& all) : list(all), configured(all.ports()) {
  if (list.ranges().empty()) return;
  for (std::size_t port = 0; port < configured.size(); ++port) {
    if (configured[port]) ports.push_back(static_cast<std::uint16_t>(port));
  }
}

PortRules::PortRules(const PortPolicy& policy)
    : sides_{Side(policy.inbound), Side(policy.outbound)},
      exclude_(policy.exclude),
      excluded_(policy.exclude.ports()) {
  static_assert(index_of(Direction::inbound) == 0 && index_of(Direction::outbound) == 1);
  excluded_.set(0);
}

bool PortRules::are_of(const PortPolicy& policy) const noexcept {
  return sides_[index_of(Direction::inbound)].list == policy.inbound &&
         sides_[index_of(Direction::outbound)].list == policy.outbound &&
         exclude_ == policy.exclude;
}

std::shared_ptr<const PortRules> SharedPortRules::of(const PortPolicy& policy) {
  auto rules = find_in(rules_, [&](const PortRules& each) { return each.are_of(policy); });
  if (rules != nullptr) return rules;
  rules = std::make_shared<const PortRules>(policy);
  rules_.emplace_back(rules);
  return rules;
}

std::shared_ptr<const TcpPolicy> SharedPolicies::of(TcpPolicy policy) {
  auto shared = find_in(policies_, [&](const TcpPolicy& each) { return each == policy; });
  if (shared != nullptr) return shared;
  shared = std::make_shared<const TcpPolicy>(std::move(policy));
  policies_.emplace_back(shared);
  return shared;
}

}  // namespace sockdiag
