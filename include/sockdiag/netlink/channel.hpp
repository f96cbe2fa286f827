// SPDX-License-Identifier: Apache-2.0
#pragma once

// The seam between this program and the kernel, at the datagram. kernel_channel.hpp implements it;
// tests replay recorded and built bytes through it. Open a channel for each dump: a netlink socket
// whose dump has failed may never deliver again. Not thread-safe.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

namespace sockdiag {

struct Datagram {
  std::span<const std::byte> bytes;  // valid until the next receive() or the channel's end
  std::uint32_t sender_portid = 0;   // 0 is the kernel
  bool truncated = false;            // longer than the buffer: the rest is lost
};

class Channel {
 public:
  Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  virtual ~Channel() = default;

  // Sends one request. Throws std::system_error.
  virtual void send(std::span<const std::byte> bytes) = 0;

  // Waits for the next datagram. Throws std::system_error, std::errc::timed_out among others.
  [[nodiscard]] virtual Datagram receive() = 0;

  // The netlink address that the kernel answers to.
  [[nodiscard]] virtual std::uint32_t portid() const noexcept = 0;
};

// Opens a channel for one dump. Throws std::system_error.
using ChannelFactory = std::function<std::unique_ptr<Channel>()>;

}  // namespace sockdiag
