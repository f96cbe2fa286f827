// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/port_rules.hpp"

#include <cstddef>

namespace sockdiag {

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
  std::erase_if(rules_, [](const auto& each) { return each.expired(); });
  for (const auto& each : rules_) {
    auto rules = each.lock();
    if (rules != nullptr && rules->are_of(policy)) return rules;
  }
  auto rules = std::make_shared<const PortRules>(policy);
  rules_.emplace_back(rules);
  return rules;
}

}  // namespace sockdiag
