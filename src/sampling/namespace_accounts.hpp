// SPDX-License-Identifier: Apache-2.0
#pragma once

// Adds up the namespaces of one owner, so that each series has one value. Counters of the sum never
// fall while the owner has a namespace: what each namespace's counters have grown by is added, so
// that nothing is lost when one of several ends, and nothing is counted twice. A counter that falls
// has begun anew. Not thread-safe. Memory grows with owners.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "sockdiag/core/namespaces_snapshot.hpp"
#include "sockdiag/core/owner.hpp"

namespace sockdiag {

// What was last read of one namespace.
struct NamespaceReading {
  Owner owner;
  std::shared_ptr<const NamespaceCounters> counters{};  // null before the first reading
  std::chrono::steady_clock::time_point read_at{};
  std::vector<std::uint64_t> counted{};  // by row of the kernel's values: what the account knows
};

class NamespaceAccounts {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Readings = std::vector<const NamespaceReading*>;

  // Gives the namespace another owner. What it has counted stays with the owner before, and comes
  // to the new one as a whole.
  void set_owner(NamespaceReading& reading, Owner owner);

  // Takes over a new reading.
  void count(NamespaceReading& reading, NamespaceCounters counters, TimePoint now);

  // Returns the sums by owner, in the order of the labels, without readings that are older than
  // `staleness`; forgets owners that have no reading.
  [[nodiscard]] std::vector<NamespaceSample> sums(const Readings& readings,
                                                  std::chrono::nanoseconds staleness,
                                                  TimePoint now);

  void clear() noexcept { accounts_.clear(); }

 private:
  struct Account {
    std::vector<std::uint64_t> kernel;  // by row of the kernel's values
    bool has_reading = false;
  };

  void count(NamespaceReading& reading);
  void forget_owners_without(const Readings& readings);

  std::map<OwnerLabels, Account> accounts_;
};

}  // namespace sockdiag
