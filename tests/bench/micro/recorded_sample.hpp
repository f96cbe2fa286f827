// SPDX-License-Identifier: Apache-2.0
#pragma once

// Dumps to measure with: a recorded one (tests/data) made longer by repeating its sockets with
// cookies of their own, and a channel that plays it from memory as often as it is asked to.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sockdiag/core/socket_record.hpp"
#include "sockdiag/netlink/channel.hpp"

namespace sockdiag::bench {

class RecordedSample {
 public:
  using Keep = std::function<bool(const SocketRecord&)>;

  // `name`: of a recorded dump, as "both_families_nobody". The listeners come once, as in a dump;
  // of the other sockets, those that `keep` wants, `copies` times each. They are of `cgroups`
  // cgroups in turn, or if that is 0 of those that were recorded.
  RecordedSample(const std::string& name, std::size_t copies, const Keep& keep = keep_all,
                 std::uint64_t cgroups = 0);

  [[nodiscard]] std::size_t sockets() const noexcept { return sockets_; }
  // Must not outlive this object.
  [[nodiscard]] ChannelFactory channel_factory() const;
  // All messages' payloads in their order.
  [[nodiscard]] std::vector<std::span<const std::byte>> payloads() const;
  [[nodiscard]] std::vector<SocketRecord> records() const;

  static bool keep_all(const SocketRecord&) { return true; }

 private:
  using Bytes = std::vector<std::byte>;

  void append(const Bytes& message);
  void append_copy(Bytes message, std::uint64_t copy);

  std::uint64_t cgroups_;
  std::vector<Bytes> datagrams_ = std::vector<Bytes>(1);
  std::size_t sockets_ = 0;
};

}  // namespace sockdiag::bench
