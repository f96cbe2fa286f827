// SPDX-License-Identifier: Apache-2.0
#pragma once

// Samples the TCP sockets of the calling thread's network namespace, and polls its listeners
// between samples. Not thread-safe.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sockdiag/core/listener_snapshot.hpp"
#include "sockdiag/core/tcp_snapshot.hpp"
#include "sockdiag/netlink/channel.hpp"
#include "sockdiag/netlink/tcp_dumper.hpp"
#include "sockdiag/procfs/kernel_release.hpp"
#include "sockdiag/tally/ephemeral_ports.hpp"
#include "sockdiag/tally/listener_watch.hpp"
#include "sockdiag/tally/tcp_tally.hpp"

namespace sockdiag {

class TcpSource {
 public:
  // What it asks; a test answers instead. std::runtime_error is as good as nothing, and noted.
  struct Kernel {
    ChannelFactory open_channel;
    // Nothing where it cannot be read: then the last one read, at first the kernel's default, tells
    // service ports from ephemeral ones, and no use of ephemeral ports is told.
    std::function<std::optional<PortRange>()> ephemeral_range;
    // Nothing where they cannot be read: then no use of ephemeral ports is told.
    std::function<EphemeralPorts::Reserved()> reserved_ports;
    // The sockets of the kernel's own totals; nothing where they cannot be read.
    std::function<std::optional<std::uint64_t>()> total_sockets;
    // ListenDrops; throws std::runtime_error where it cannot be read.
    std::function<std::uint64_t()> listen_drops;
    // Nothing where the kernel's usual one holds.
    std::function<std::optional<std::chrono::milliseconds>()> time_wait_length = [] {
      return std::nullopt;
    };
    std::string release{};  // as uname(2) has it; what it lacks is not published
  };

  TcpSource(Kernel kernel, TcpPolicy policy);

  void set_policy(TcpPolicy policy) { tally_->set_policy(std::move(policy)); }

  // All or nothing: throws what reading the kernel throws, and the next call starts anew. The first
  // call also asks for how long CLOSE_WAITs have heard nothing, which dates them, and dumps the
  // sockets twice if the first dump shows services that only their many sockets tell.
  [[nodiscard]] TcpSnapshot sample();

  // What was wrong with the files that the last sample read, but for ListenDrops: lines, each once.
  [[nodiscard]] const std::vector<std::string>& problems() const noexcept { return problems_; }

  // The same for the listeners alone; the samples after it know them, too. Which ports have series
  // is the last sample's choice, so there must have been one. Without ListenDrops there are no
  // drops, and the snapshot has the reason.
  [[nodiscard]] ListenerSnapshot poll_listeners(std::chrono::steady_clock::duration peak_window);

  // What polls and samples have come to so far.
  [[nodiscard]] ListenerSnapshot listeners(std::chrono::steady_clock::duration peak_window);

 private:
  template <typename Read>
  [[nodiscard]] auto if_readable(const Read& read) -> decltype(read());
  [[nodiscard]] bool poll_once();
  [[nodiscard]] ListenerWatch::ListenDrops read_listen_drops();
  void date_close_waits();
  [[nodiscard]] TcpSnapshot dump_all();
  void dump_to_tally();
  [[nodiscard]] EphemeralPorts ephemeral_ports();
  void log_kernel_once();
  void log_method_once();
  void log_unfollowed(std::uint64_t unfollowed);

  Kernel kernel_;
  KernelTraits traits_;
  PortRange last_range_{32768, 60999};
  TcpDumper dumper_;
  std::unique_ptr<TcpTally> tally_;  // its tables are too large to be moved over a small stack
  ListenerWatch listeners_;
  std::vector<std::string> problems_;
  std::string listen_drops_problem_;  // of the last poll
  bool dated_ = false;
  bool knows_services_ = false;
  bool kernel_logged_ = false;
  bool method_logged_ = false;
  unsigned samples_until_followed_ = 0;  // that it takes to say that all sockets are followed
};

// The running kernel's tables.
[[nodiscard]] TcpSource kernel_tcp_source(TcpPolicy policy);

}  // namespace sockdiag
