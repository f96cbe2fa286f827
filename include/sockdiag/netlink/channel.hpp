// SPDX-License-Identifier: Apache-2.0
#pragma once

// The seam between this program and the kernel, at the datagram: the kernel implements it once
// (kernel_channel.hpp), tests replay recorded and built bytes through it. One channel serves one
// dump: after any error it is thrown away, since a netlink socket whose dump has failed may never
// deliver again.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

namespace sockdiag {

struct Datagram {
  std::span<const std::byte> bytes;  // valid until the next receive() or the channel's end
  std::uint32_t sender_portid = 0;   // 0 is the kernel
  bool truncated = false;            // it was longer than the buffer: what is missing is lost
};

class Channel {
 public:
  Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  virtual ~Channel() = default;

  // Sends one request. Throws std::system_error.
  virtual void send(std::span<const std::byte> bytes) = 0;

  // Waits for the next datagram, up to the channel's deadline. Throws std::system_error.
  [[nodiscard]] virtual Datagram receive() = 0;

  // The address the kernel answers to.
  [[nodiscard]] virtual std::uint32_t portid() const noexcept = 0;
};

// Opens a channel for one dump. Throws std::system_error.
using ChannelFactory = std::function<std::unique_ptr<Channel>()>;

}  // namespace sockdiag
