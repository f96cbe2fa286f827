// SPDX-License-Identifier: Apache-2.0
#pragma once

// The host's other network namespaces: finds them, visits them in turns, and adds up those of the
// same owner. One turn looks at processes or visits namespaces for kTurn of CPU time at most, those
// first that have waited longest. The time between turns keeps the budget; the sampling loop sees
// to that. A namespace that cannot be read costs its own values and nothing else. Not thread-safe.
//
// A rotation is the time from one visit of a namespace to the next: what the operator asks for, or
// longer if the visits of all of them cost more than the budget.
//
// Memory grows with the namespaces that are visited, at most namespaces.max_namespaces: 3 KB each
// for counters, and what TcpTables says for sockets. Of the others, only their inodes are
// remembered from one search to the next: 8 bytes each.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cpu_time.hpp"
#include "namespace_accounts.hpp"
#include "namespace_sockets.hpp"
#include "sockdiag/core/namespaces_snapshot.hpp"
#include "sockdiag/core/policy.hpp"
#include "sockdiag/owners/network_namespaces.hpp"
#include "sockdiag/sampling/source.hpp"

namespace sockdiag {

class Namespaces {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Nanoseconds = std::chrono::nanoseconds;

  static constexpr std::chrono::milliseconds kTurn{20};
  // An opener that answers slowly costs no CPU time, and yet the host's own sources wait.
  static constexpr std::chrono::milliseconds kLongestTurn{200};
  // An opener that has failed is not asked again before that.
  static constexpr std::chrono::seconds kOpenerPause{10};
  static constexpr std::chrono::seconds kSearchInterval{30};
  static constexpr std::chrono::seconds kCountersInterval{30};

  // Opens a sock_diag socket in a namespace through the opener's socket at `path`. Throws
  // OpenerError, or another std::runtime_error that concerns the one namespace.
  using Open = std::function<OpenedNamespace(const std::string& path, const NamespaceEntry&)>;

  struct Host {
    std::filesystem::path procfs;
    std::function<void()> refresh_owners = [] {};  // before a search's namespaces are named
    OwnerOfCgroup owner_of_cgroup;
    Open open;
    std::shared_ptr<TallyScratch> scratch;  // of the thread
    // A test answers instead of the clocks.
    std::function<TimePoint()> now = [] { return TimePoint::clock::now(); };
    std::function<Nanoseconds()> cpu_time = [] { return thread_cpu_time(); };
  };

  explicit Namespaces(Host host) : host_(std::move(host)) {}

  // The problem of the result is one of all namespaces: a single one that cannot be read is none.
  [[nodiscard]] SampleResult take_turn(const Policies& policies);

  // The time from the last turn to the next, if it cost nothing.
  [[nodiscard]] Nanoseconds interval(const Policies& policies) const;

  // What was published last. Null before the first time.
  [[nodiscard]] const std::shared_ptr<const NamespacesSnapshot>& snapshot() const noexcept {
    return snapshot_;
  }

 private:
  struct Visited {
    NetworkNamespace found;
    NamespaceReading reading{};
    std::unique_ptr<NamespaceSockets> sockets{};  // null until they are visited
    std::optional<NamespaceStatus> status{};      // nothing before the first visit
    std::string problem{};                        // of the last visit, if it failed
    TimePoint visited_at{};
    Nanoseconds cost{};  // of the last visit
  };

  // Returns whether it is time for what is to be done at `at`.
  [[nodiscard]] bool is_due(TimePoint at) const;
  // Returns whether the turn has taken that much CPU time.
  [[nodiscard]] bool has_used(Nanoseconds most) const;
  void search_when_due(const Policies& policies);
  void search(std::size_t most);
  void follow(std::vector<NetworkNamespace> found, std::size_t most);
  // Returns whether the last search did not find it.
  [[nodiscard]] bool is_new(std::uint64_t inode) const;
  void forget_gone();
  void name_owners();
  static void forget_reading(Visited& visited);
  void visit_due(const Policies& policies);
  void visit(Visited& visited, const Policies& policies);
  void read(Visited& visited, const Policies& policies);
  void take_counters(Visited& visited, NamespaceCounters counters);
  void read_sockets(Visited& visited, const NamespaceEntry& entry, const Policies& policies);
  [[nodiscard]] OpenedNamespace open_through_opener(const std::string& path,
                                                    const NamespaceEntry& entry);
  // Returns whether each namespace that is known has been visited.
  [[nodiscard]] bool has_been_through() const noexcept;
  // Returns why no namespace can be read. Empty if one can.
  [[nodiscard]] std::string problem_of_all() const;
  [[nodiscard]] std::string problem() const;
  void log_hidden();
  void log_failure(const Visited& visited);
  void log_recovery(const NamespacesSnapshot& snapshot);
  void publish_when_due(const Policies& policies);
  [[nodiscard]] Nanoseconds rotation(const Policies& policies) const;
  [[nodiscard]] Nanoseconds time_until_next(const Policies& policies) const;

  Host host_;
  NamespaceCollect collect_ = NamespaceCollect::none;  // at the last turn
  NamespaceAccounts accounts_;
  std::vector<Visited> visited_;  // those known longest first; one without pids has ended
  std::optional<std::vector<std::uint64_t>> inodes_;  // that the last search found, in order
  std::uint32_t skipped_ = 0;
  std::optional<NamespaceSearch> search_;  // while one is under way
  std::string search_problem_;             // of the last search
  Nanoseconds search_cost_{};              // of the last search
  TimePoint search_due_{};
  Nanoseconds turn_began_{};  // CPU time
  TimePoint turn_began_at_{};
  bool changed_ = false;        // since the last publication
  bool published_all_ = false;  // the first round of visits
  bool says_hidden_ = false;    // a line of the log has said so
  bool failing_ = false;        // a line of the log has said so
  std::string opener_problem_;  // since it was last asked
  TimePoint opener_due_{};      // when it may be asked again
  TimePoint published_at_{};
  Nanoseconds interval_{};
  std::shared_ptr<const NamespacesSnapshot> snapshot_;
};

}  // namespace sockdiag
