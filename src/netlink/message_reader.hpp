// SPDX-License-Identifier: Apache-2.0
#pragma once

// Reads the messages of one dump's reply (RFC 3549, section 2; linux/netlink.h). Checks every
// message's length, sequence number, portid and sender. Only a DONE without error ends a reply
// well. Not thread-safe.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
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

  // Tells the time.
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  // Reads the reply to the request that was sent with `sequence`. `channel` must outlive the
  // reader.
  MessageReader(Channel& channel, std::uint32_t sequence,
                Clock clock = std::chrono::steady_clock::now);

  // Returns the next data message, or nothing after a DONE without error. Throws DumpError, also if
  // the reply takes too long, and what the channel throws; then the whole dump is lost.
  [[nodiscard]] std::optional<Message> next();

 private:
  void receive();

  Channel& channel_;
  std::uint32_t sequence_;
  Clock clock_;
  std::chrono::steady_clock::time_point deadline_;
  std::span<const std::byte> rest_;  // of the datagram
  bool done_ = false;
};

}  // namespace sockdiag
