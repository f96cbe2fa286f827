// SPDX-License-Identifier: Apache-2.0
#pragma once

// How many sockets all Lifetimes of a thread may follow together (configuration:
// lifetimes.max_sockets). Those of visited network namespaces may have half of it, as far as the
// exporter's own one leaves it; the own one may have all that they leave, which is half at least.
// Not thread-safe.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "sockdiag/core/policy.hpp"

namespace sockdiag {

// Whether the exporter lives in a network namespace, or looks into it now and then.
enum class NetworkKind : std::uint8_t { own, visited };

class LifetimeBudget {
 public:
  void set_max_sockets(std::size_t max_sockets) noexcept { max_sockets_ = max_sockets; }

  // Returns how many sockets may be followed where `followed` of that kind are followed already.
  [[nodiscard]] std::size_t room(NetworkKind kind, std::size_t followed) const noexcept {
    const std::size_t visited = followed_by(NetworkKind::visited);
    if (kind == NetworkKind::own) return less(max_sockets_, visited);
    const std::size_t all =
        std::min(max_sockets_ / 2, less(max_sockets_, followed_by(NetworkKind::own)));
    return less(all, visited - followed);
  }

  // Follows `after` sockets instead of `before`.
  void change(NetworkKind kind, std::size_t before, std::size_t after) noexcept {
    followed_[static_cast<std::size_t>(kind)] += after - before;
  }

 private:
  [[nodiscard]] static std::size_t less(std::size_t all, std::size_t taken) noexcept {
    return all - std::min(all, taken);
  }
  [[nodiscard]] std::size_t followed_by(NetworkKind kind) const noexcept {
    return followed_[static_cast<std::size_t>(kind)];
  }

  std::size_t max_sockets_ = LifetimePolicy{}.max_sockets;
  std::array<std::size_t, 2> followed_{};  // by NetworkKind
};

}  // namespace sockdiag
