// SPDX-License-Identifier: Apache-2.0
#pragma once

// Adds up the namespaces of one owner, so that each series has one value. Counters of the sum never
// fall while the owner has a namespace: what each namespace's counters have grown by is added, so
// that nothing is lost when one of several ends, and nothing is counted twice. A counter that falls
// has begun anew. What a namespace had counted before it was looked at is no growth where others of
// its owner have been shown already: rate() would see a burst. Not thread-safe. Memory grows with
// owners, and with ports that have had a TIME_WAIT or a drop.

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "namespace_seats.hpp"
#include "sockdiag/core/direction.hpp"
#include "sockdiag/core/namespaces_snapshot.hpp"
#include "sockdiag/core/owner.hpp"

namespace sockdiag {

// Counters by port; 0: all ports without series of their own. Those that are 0 are not kept.
struct PortCounters {
  using ByPort = std::map<std::uint16_t, std::uint64_t>;

  std::array<ByPort, kDirections.size()> time_waits;
  ByPort drops;  // at listeners
};

// What was last read of one namespace.
struct NamespaceReading {
  using TimePoint = std::chrono::steady_clock::time_point;

  SharedOwnerLabels owner;
  std::shared_ptr<const NamespaceCounters> counters{};  // null before the first reading
  TimePoint counters_read_at{};
  std::shared_ptr<const TcpSnapshot> tcp{};  // null before the first reading of sockets
  std::shared_ptr<const ListenerSnapshot> listeners{};
  TimePoint sockets_read_at{};

  // Made since others were looked at: what it has counted by its first reading is growth.
  bool is_new = false;

  // What the owner's account knows of this namespace.
  std::vector<std::uint64_t>
      counted{};  // by row of the kernel's values; empty before the first reading
  PortCounters counted_ports{};
};

class NamespaceAccounts {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Readings = std::vector<NamespaceReading*>;

  struct Policy {
    std::chrono::nanoseconds staleness{};  // from then on a reading is left out
    NamespaceSeats::Policy seats{};
  };

  // Gives the namespace another owner. What it has counted stays with the owner before. To the new
  // one the kernel's counters come as a whole if it has not been shown yet, otherwise what they
  // grow by; those of ports, which began with the first reading, come with what they grow by.
  static void set_owner(NamespaceReading& reading, OwnerLabels owner);

  // Takes over what the readings have counted, and returns the sums by owner, in the order of the
  // labels. Forgets owners that have no reading. What nothing of was read anew keeps its address.
  [[nodiscard]] std::vector<NamespaceSample> sums(const Readings& readings, const Policy& policy,
                                                  TimePoint now);

 private:
  using Seats = std::vector<NamespaceSeats::Key>;

  template <typename Value>
  using Values = std::vector<std::shared_ptr<const Value>>;  // of each namespace; null: not fresh

  // A sum, and what it was made of.
  template <typename Value>
  struct Kept {
    Values<Value> values;
    Seats seats;
    std::shared_ptr<const Value> sum;
  };

  struct Account {
    NamespaceSeats::OwnerNumber number = 0;
    bool has_been_shown = false;        // counters of the kernel
    Readings readings;                  // of the round; not to be read after it
    std::vector<std::uint64_t> kernel;  // by row of the kernel's values
    PortCounters ports;
    std::array<Seen, kDirections.size()> seen_by_other{};  // of the ports without series
    Kept<NamespaceCounters> counters;
    Kept<TcpSnapshot> tcp;
    Kept<ListenerSnapshot> listeners;
  };
  struct Fresh;

  void open_accounts(const Readings& readings);
  void assign_seats(const Policy& policy, TimePoint now);
  [[nodiscard]] NamespaceSample sum(Account& account, Fresh fresh,
                                    std::chrono::nanoseconds staleness) const;
  // Returns the sum of before if it was made of the same, and a value that is the whole sum. Calls
  // carry(sum) for a new one.
  template <typename Value, typename Carry>
  [[nodiscard]] static std::shared_ptr<const Value> keep(Kept<Value>& kept, Values<Value> values,
                                                         const Seats& seats, const Carry& carry);
  static void count_kernel(Account& account, NamespaceReading& reading);
  void count_time_waits(Account& account, NamespaceReading& reading) const;
  void count_drops(Account& account, NamespaceReading& reading) const;
  // Each sets the counters of a sum. Those of ports come after those without series are folded.
  static void carry_kernel(const Account& account, NamespaceCounters& sum);
  void carry_time_waits(Account& account, TcpSnapshot& sum) const;
  void carry_drops(Account& account, ListenerSnapshot& sum) const;

  std::map<SharedOwnerLabels, Account> accounts_;
  NamespaceSeats::OwnerNumber last_number_ = 0;
  NamespaceSeats seats_;
};

}  // namespace sockdiag
