// SPDX-License-Identifier: Apache-2.0
#pragma once

// Walks the messages of one dump's reply (RFC 3549, section 2; linux/netlink.h) and lets nothing
// pass that may be damaged: every message's length, sequence number, portid and sender are checked,
// and only a DONE without error ends it well. Belongs to one thread.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "sockdiag/netlink/channel.hpp"

namespace sockdiag {

class MessageReader {
 public:
  struct Message {
    std::uint16_t type = 0;
    std::span<const std::byte> payload;  // valid until the next call of next()
  };

  // Reads the reply to the request that went out with `sequence`. `channel` must outlive it.
  MessageReader(Channel& channel, std::uint32_t sequence) noexcept
      : channel_(channel), sequence_(sequence) {}

  // The next data message; nothing after a DONE without error. Throws DumpError (DumpRefused,
  // DumpInterrupted) and what the channel throws; then the whole dump is lost.
  [[nodiscard]] std::optional<Message> next();

 private:
  void receive();

  Channel& channel_;
  std::uint32_t sequence_;
  std::span<const std::byte> rest_;  // of the datagram
  bool done_ = false;
};

}  // namespace sockdiag
