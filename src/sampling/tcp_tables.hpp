// SPDX-License-Identifier: Apache-2.0
#pragma once

// The TCP tables of the calling thread's network namespace, and what is remembered of them between
// samples: one object that two sources sample, all sockets and the listeners alone. Not
// thread-safe.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernel_files.hpp"
#include "sockdiag/core/listener_snapshot.hpp"
#include "sockdiag/core/policy.hpp"
#include "sockdiag/core/tcp_snapshot.hpp"
#include "sockdiag/netlink/channel.hpp"
#include "sockdiag/netlink/tcp_dumper.hpp"
#include "sockdiag/procfs/kernel_release.hpp"
#include "sockdiag/sampling/source.hpp"
#include "sockdiag/tally/listener_watch.hpp"
#include "sockdiag/tally/tcp_tally.hpp"

namespace sockdiag {

class TcpTables {
 public:
  using Duration = std::chrono::steady_clock::duration;

  // What answers instead of the kernel in a test.
  struct Kernel {
    ChannelFactory open_channel;
    // ListenDrops. Throws std::runtime_error where it cannot be read.
    std::function<std::uint64_t()> listen_drops = [] { return 0; };
    std::string release{};  // as uname(2) has it; what it lacks is not published
  };

  // `files` has the settings that a dump needs. Where the range of ephemeral ports cannot be read,
  // the last one read, at first the kernel's default, tells service ports from ephemeral ones.
  // `scratch` is shared by all tables of the thread. Those of visited network namespaces log
  // nothing: what there is to say of the kernel is said once, of the own one.
  TcpTables(Kernel kernel, std::shared_ptr<KernelFiles> files,
            std::shared_ptr<TallyScratch> scratch, NetworkKind kind = NetworkKind::own);

  // Dumps all sockets. All or nothing: throws what reading the kernel throws, and the next call
  // starts anew. The first call also asks for how long CLOSE_WAITs have heard nothing, which dates
  // them, and dumps the sockets twice if the first dump shows services that only their many sockets
  // tell. While many CLOSE_WAITs linger that the application has read to the end, asks every half
  // minute which of them are still served.
  [[nodiscard]] SampleResult sample(const TcpPolicy& policy, Duration peak_window);

  // Dumps the listeners alone; the samples after it know them, too. Waits for the first sample,
  // which chooses the ports that have series. Where ListenDrops cannot be read, the snapshot has no
  // drops, and the result has the reason.
  [[nodiscard]] SampleResult poll_listeners(Duration peak_window);

  // What the last good samples came to; null before the first. A sample of all sockets renews that
  // of the listeners, so that its peaks are never under the queues beside them.
  [[nodiscard]] const std::shared_ptr<const TcpSnapshot>& sockets() const noexcept {
    return sockets_;
  }
  [[nodiscard]] const std::shared_ptr<const ListenerSnapshot>& listeners() const noexcept {
    return listeners_;
  }

 private:
  void report_listeners(Duration peak_window);
  [[nodiscard]] bool poll_once();
  [[nodiscard]] ListenerWatch::ListenDrops read_listen_drops();
  void date_close_waits();
  void look_for_served();
  [[nodiscard]] TcpSnapshot dump_all();
  void dump_to_tally();
  [[nodiscard]] EphemeralPorts ephemeral_ports();
  void log_kernel_once();
  void log_method_once();
  void log_unfollowed(std::uint64_t unfollowed);

  NetworkKind kind_;
  std::function<std::uint64_t()> listen_drops_;
  std::string release_;
  std::shared_ptr<KernelFiles> files_;
  KernelTraits traits_;
  PortRange last_range_{32768, 60999};
  TcpDumper dumper_;
  TcpTally tally_;
  ListenerWatch watch_;
  std::shared_ptr<const TcpSnapshot> sockets_;
  std::shared_ptr<const ListenerSnapshot> listeners_;
  std::string listen_drops_problem_;  // of the last poll
  bool dated_ = false;
  std::chrono::steady_clock::time_point served_at_;  // when served connections were looked for
  bool knows_services_ = false;
  bool kernel_logged_ = false;
  bool method_logged_ = false;
  unsigned samples_until_followed_ = 0;  // until a log line says that all sockets are followed
};

// Returns the two faces of `tables`, and `files`, in the order of kernel_sources(). The sources
// share them.
[[nodiscard]] std::vector<Source> sources_of(const std::shared_ptr<TcpTables>& tables,
                                             const std::shared_ptr<KernelFiles>& files);

}  // namespace sockdiag
