// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/exporter/tcp_source.hpp"

#include <spdlog/spdlog.h>

#include <chrono>
#include <memory>
#include <utility>

#include "sockdiag/netlink/kernel_channel.hpp"
#include "sockdiag/procfs/sysctl.hpp"

namespace sockdiag {
namespace {

// One datagram may cost a walk of the whole hash, 0.3 s at a million sockets.
constexpr std::chrono::seconds kReceiveDeadline(5);

}  // namespace

TcpSource::TcpSource(ChannelFactory open_channel, EphemeralPorts ephemeral_ports, PortPolicy policy)
    : dumper_(std::move(open_channel)),
      ephemeral_ports_(std::move(ephemeral_ports)),
      tally_(std::make_unique<TcpTally>(std::move(policy))) {}

TcpSnapshot TcpSource::sample() {
  tally_->begin(ephemeral_ports_(), std::chrono::steady_clock::now());
  dumper_.dump_all([this](const SocketRecord& record) { tally_->add(record); });
  TcpSnapshot snapshot = tally_->finish();
  log_method_once();
  return snapshot;
}

void TcpSource::log_method_once() {
  if (method_logged_) return;
  method_logged_ = true;
  spdlog::info(dumper_.method() == TcpDumper::Method::one_walk
                   ? "dumping TCP sockets of both families in one walk (TCPDIAG_GETSOCK)"
                   : "dumping TCP sockets in a walk per family (SOCK_DIAG_BY_FAMILY)");
}

TcpSource kernel_tcp_source(PortPolicy policy) {
  return {[] { return open_kernel_channel(kReceiveDeadline); },
          [] { return read_ephemeral_ports(); }, std::move(policy)};
}

}  // namespace sockdiag
