// SPDX-License-Identifier: Apache-2.0
#pragma once

// What follows from the port lists of a policy alone, so that all tallies with the same lists share
// it. Immutable: safe from any thread. 24 KiB, and two bytes for each configured port.

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "sockdiag/core/direction.hpp"
#include "sockdiag/core/policy.hpp"
#include "sockdiag/core/port_list.hpp"

namespace sockdiag {

class PortRules {
 public:
  explicit PortRules(const PortPolicy& policy);

  // Returns whether these are the rules of the same lists.
  [[nodiscard]] bool are_of(const PortPolicy& policy) const noexcept;

  // Port 0 is excluded, too.
  [[nodiscard]] bool is_excluded(std::uint16_t port) const noexcept { return excluded_[port]; }
  [[nodiscard]] bool is_configured(Direction direction, std::uint16_t port) const noexcept {
    return sides_[index_of(direction)].configured[port];
  }
  // Returns the configured ports, ascending.
  [[nodiscard]] const std::vector<std::uint16_t>& configured(Direction direction) const noexcept {
    return sides_[index_of(direction)].ports;
  }

 private:
  struct Side {
    explicit Side(const PortList& list);

    PortList list;
    PortSet configured;
    std::vector<std::uint16_t> ports;
  };

  std::array<Side, kDirections.size()> sides_;
  PortList exclude_;
  PortSet excluded_;
};

// The rules that tallies have in common. Not thread-safe.
class SharedPortRules {
 public:
  // Returns the rules of a tally that has the same lists, or else new ones. Throws std::bad_alloc.
  [[nodiscard]] std::shared_ptr<const PortRules> of(const PortPolicy& policy);

 private:
  std::vector<std::weak_ptr<const PortRules>> rules_;
};

// The policies that tallies have in common. Not thread-safe.
class SharedPolicies {
 public:
  // Returns the policy of a tally that has the same, or else a new one. Throws std::bad_alloc.
  [[nodiscard]] std::shared_ptr<const TcpPolicy> of(TcpPolicy policy);

 private:
  std::vector<std::weak_ptr<const TcpPolicy>> policies_;
};

}  // namespace sockdiag
