// SPDX-License-Identifier: Apache-2.0
#pragma once

// Takes one sample of the TCP sockets of the calling thread's network namespace. Not thread-safe.

#include <functional>
#include <memory>
#include <utility>

#include "sockdiag/core/port_policy.hpp"
#include "sockdiag/core/tcp_snapshot.hpp"
#include "sockdiag/core/tcp_tally.hpp"
#include "sockdiag/netlink/channel.hpp"
#include "sockdiag/netlink/tcp_dumper.hpp"

namespace sockdiag {

class TcpSource {
 public:
  using EphemeralPorts = std::function<PortRange()>;

  TcpSource(ChannelFactory open_channel, EphemeralPorts ephemeral_ports, PortPolicy policy);

  void set_policy(PortPolicy policy) { tally_->set_policy(std::move(policy)); }

  // All or nothing: throws what reading the kernel throws, and the next call starts anew.
  [[nodiscard]] TcpSnapshot sample();

 private:
  void log_method_once();

  TcpDumper dumper_;
  EphemeralPorts ephemeral_ports_;
  std::unique_ptr<TcpTally> tally_;  // its tables are too large to be moved over a small stack
  bool method_logged_ = false;
};

// The running kernel's tables.
[[nodiscard]] TcpSource kernel_tcp_source(PortPolicy policy);

}  // namespace sockdiag
