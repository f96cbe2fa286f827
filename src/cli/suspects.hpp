// SPDX-License-Identifier: Apache-2.0
#pragma once

// The processes behind findings about sockets that an application does not close, read or accept:
// who holds the sockets, how many descriptors it has, and when they run out if they become more.
// Looks into processes as root only, and at kMostDescriptors of them at a time. Not thread-safe.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "descriptor_growth.hpp"
#include "held_by.hpp"
#include "sockdiag/core/finding.hpp"
#include "sockdiag/core/policy.hpp"
#include "sockdiag/diagnosis/text.hpp"
#include "sockdiag/netlink/tcp_dumper.hpp"
#include "sockdiag/owners/socket_holders.hpp"

namespace sockdiag {

struct SuspectRow;

class Suspects {
 public:
  static constexpr std::size_t kMostDescriptors = 100'000;

  // `paths` must outlive it.
  explicit Suspects(const HostPaths& paths);

  // Counts the descriptors of the processes behind `findings`, for their growth. Call it between
  // two samples. The first calls look for the processes: 0.4 s at most.
  void watch(const Findings& findings);

  // Returns the document with a member "held_by" in each finding that has suspects. Looks for the
  // processes anew. Throws std::bad_alloc.
  [[nodiscard]] std::string add_to(const std::string& document, const Findings& findings,
                                   Language language);

 private:
  struct Suspect {
    std::size_t finding;  // its index
    const SuspectRow* row;
    std::vector<SoughtSocket> sockets;
  };
  struct Look {
    std::vector<Suspect> suspects;
    HolderSearch search;
  };
  using ProcessKey = std::pair<std::int32_t, std::uint64_t>;  // pid and start
  struct Process {
    SocketHolder holder;
    DescriptorGrowth growth;
  };

  [[nodiscard]] Look look(const Findings& findings);
  void find_sockets(const Findings& findings, std::vector<Suspect>& suspects, bool& cut);
  void follow(const SocketHolder& holder);
  [[nodiscard]] HeldBy held_by(const Suspect& suspect, const HolderSearch& search) const;
  [[nodiscard]] HoldingProcess process_of(const SocketHolder& holder, std::size_t sockets) const;

  const HostPaths& paths_;
  bool by_root_;
  TcpDumper dumper_;
  std::map<ProcessKey, Process> processes_;
  std::size_t suspects_ = 0;  // findings that the last look was for
  std::size_t looks_ = 0;
};

}  // namespace sockdiag
