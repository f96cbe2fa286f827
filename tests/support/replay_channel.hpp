// SPDX-License-Identifier: Apache-2.0
#pragma once

// A Channel that plays datagrams a test has built or that were recorded. Each is handed out in a
// heap block of exactly its size, so that the address sanitizer sees any reading past its end.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "sockdiag/netlink/channel.hpp"

namespace sockdiag::test {

using Bytes = std::vector<std::byte>;

struct ReplayedDatagram {
  Bytes bytes;
  std::uint32_t sender_portid = 0;
  bool truncated = false;
};

class ReplayChannel final : public Channel {
 public:
  static constexpr std::uint32_t kPortid = 4711;

  // `sent`, where there is one, takes what is sent, and must outlive the channel.
  explicit ReplayChannel(std::vector<ReplayedDatagram> datagrams,
                         std::vector<Bytes>* sent = nullptr);

  void send(std::span<const std::byte> bytes) override;
  // Throws std::errc::timed_out when all has been played.
  Datagram receive() override;
  std::uint32_t portid() const noexcept override { return kPortid; }

 private:
  std::vector<ReplayedDatagram> datagrams_;
  std::vector<Bytes>* sent_;
  std::size_t next_ = 0;
  std::unique_ptr<std::byte[]> current_;
};

[[nodiscard]] std::vector<ReplayedDatagram> as_datagrams(std::vector<Bytes> bytes);

// A recorded dump (tests/data/README.md) as the answer to a request numbered 1, in datagrams of at
// most 32 KiB.
[[nodiscard]] std::vector<ReplayedDatagram> load_recorded_dump(const std::filesystem::path& path);

}  // namespace sockdiag::test
