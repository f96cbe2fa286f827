// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where to listen, as exporters write it: `:10293` is every address of both families,
// `127.0.0.1:10293` and `[::1]:10293` are one address. Names are not resolved. A plain value.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sockdiag {

struct ListenAddress {
  enum class Host : std::uint8_t { any, ipv4, ipv6 };

  Host kind = Host::any;
  std::string host;        // empty for any; without brackets
  std::uint16_t port = 0;  // 0: the kernel chooses one

  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

[[nodiscard]] std::optional<ListenAddress> parse_listen_address(std::string_view text);

// As parse_listen_address() reads it.
[[nodiscard]] std::string to_string(const ListenAddress& address);

}  // namespace sockdiag
