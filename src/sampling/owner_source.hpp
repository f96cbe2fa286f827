// SPDX-License-Identifier: Apache-2.0
#pragma once

// Whose the sockets of the last dump are. Adds up the cgroups of the same owner and decides which
// owners have series of their own. Not thread-safe.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "owner_seats.hpp"
#include "sockdiag/core/owner_snapshot.hpp"
#include "sockdiag/core/policy.hpp"
#include "sockdiag/core/tcp_snapshot.hpp"
#include "sockdiag/owners/owner_names.hpp"
#include "sockdiag/sampling/source.hpp"

namespace sockdiag {

class OwnerSource {
 public:
  using Clock = std::chrono::steady_clock;

  // Between two walks of the cgroup tree, and where only names of pods are missing.
  static constexpr std::chrono::seconds kBetweenWalks{10};
  static constexpr std::chrono::seconds kBetweenLooksForPods{60};

  explicit OwnerSource(OwnerNames names, std::function<Clock::time_point()> now = Clock::now);

  // Finds the owners of the sockets of `tcp`, once for each snapshot. Throws std::runtime_error if
  // the cgroup tree cannot be seen; then there are no owners.
  [[nodiscard]] SampleResult sample(const std::shared_ptr<const TcpSnapshot>& tcp,
                                    const Policies& policies);

  // The owners in the last snapshot; null if there are none.
  [[nodiscard]] const std::shared_ptr<const OwnerSnapshot>& owners() const noexcept {
    return snapshot_;
  }

 private:
  // Of one direction and port.
  struct Place {
    Direction direction{};
    std::uint16_t port = 0;
    // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes the comparison for a null pointer
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  struct Combination {
    Place place;
    OwnerLabels labels;
    // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes the comparison for a null pointer
    friend auto operator<=>(const Combination&, const Combination&) = default;
  };
  using Counts = std::map<Combination, OwnerCounts>;

  void look_for_names(const TcpSnapshot& tcp);
  [[nodiscard]] const Owner& owner_of(std::uint64_t cgroup) const;
  [[nodiscard]] Counts counts_of(const TcpSnapshot& tcp);
  void fold_owners(Counts& counts, const Policies& policies);
  void fold_combinations(Counts& counts, const TcpSnapshot& tcp, const Policies& policies);
  void publish(const Counts& counts);

  OwnerNames names_;
  std::function<Clock::time_point()> now_;
  std::optional<Clock::time_point> walked_;
  std::shared_ptr<const TcpSnapshot> sampled_;  // the last one
  std::map<OwnerLabels, Owner> owners_;         // of those with series
  Seats<OwnerLabels> owner_seats_;
  Seats<Combination> combination_seats_;
  std::map<Combination, Seen> seen_;
  bool lacks_owners_ = false;  // of cgroups that only a walk can name
  bool lacks_pod_names_ = false;
  std::shared_ptr<const OwnerSnapshot> snapshot_;
};

}  // namespace sockdiag
