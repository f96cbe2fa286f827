// SPDX-License-Identifier: Apache-2.0
#pragma once

// Addresses to listen on, as exporters write them: `:10293` is every address of both families,
// `127.0.0.1:10293` and `[::1]:10293` are one address, `localhost:10293` is each address that the
// name has (RFC 1123 says what a name is). All functions are safe from any thread.

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sockdiag {

struct ListenAddress {
  enum class Host : std::uint8_t { any, ipv4, ipv6 };

  Host kind = Host::any;
  std::string host;        // empty for any; without brackets
  std::uint16_t port = 0;  // 0: the kernel chooses one
  std::string name{};      // the name it was resolved from; empty if given as a number

  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

// Parses an address whose host is a number. Returns nothing if the host is a name, or for text that
// is no address.
[[nodiscard]] std::optional<ListenAddress> parse_listen_address(std::string_view text);

// Returns true if the text is written as an address. The host may be a name; it is not resolved.
[[nodiscard]] bool is_listen_address(std::string_view text);

// Thrown if this host cannot listen on an address. The text is one line that begins with the
// address as it was given.
class ListenAddressError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Returns each address that `text` means, none of them twice. Returns a number as it is. Resolves a
// name with getaddrinfo(), which has no time limit. If a name has IPv4 addresses, leaves out its
// IPv6 addresses if CivetWeb or the kernel has no IPv6, and ::1 if IPv6 is switched off. Binds no
// port that could be in use. Throws ListenAddressError if a name is unknown or has an address of
// another host.
[[nodiscard]] std::vector<ListenAddress> resolve_listen_address(const std::string& text);

// Throws ListenAddressError if this host cannot listen on `text`. Does not check whether the port
// is in use.
void check_listen_address(const std::string& text);

// Returns true if CivetWeb and the kernel have IPv6.
[[nodiscard]] bool have_ipv6();

// Returns the text that parse_listen_address() reads.
[[nodiscard]] std::string to_string(const ListenAddress& address);

// Returns a URL for a browser on this host. The host is localhost for a listener on every address.
[[nodiscard]] std::string to_url(const ListenAddress& address, std::string_view path,
                                 bool tls = false);

}  // namespace sockdiag
