// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where to listen, as exporters write it: `:10293` is every address of both families,
// `127.0.0.1:10293` and `[::1]:10293` are one address, `localhost:10293` is each address that the
// name has (RFC 1123 says what a name is).

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
  std::string name{};      // what it was resolved from; empty where it was given as a number

  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

// Numbers only: nothing where the host is a name, or where it makes no sense.
[[nodiscard]] std::optional<ListenAddress> parse_listen_address(std::string_view text);

// Whether it is written as an address, with a host that may be a name. Resolves nothing.
[[nodiscard]] bool is_listen_address(std::string_view text);

// A host that is not to be had; the text is one line that begins with the address as it was given.
class ListenAddressError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Each address of this host that `text` means, none of them twice. IPv6 addresses of a name that
// also has IPv4 ones are left out where CivetWeb or the kernel has no IPv6, and ::1 where it is
// off. Asks the resolver (getaddrinfo) about names, which may take as long as it likes. Binds no
// port that could be in use. Throws ListenAddressError where a name is not known or has an address
// of another host; an address that is given as a number is returned as it is.
[[nodiscard]] std::vector<ListenAddress> resolve_listen_address(const std::string& text);

// Throws ListenAddressError where nothing here could listen on `text`, whatever else uses the port.
void check_listen_address(const std::string& text);

// Whether CivetWeb and the kernel have IPv6.
[[nodiscard]] bool have_ipv6();

// As parse_listen_address() reads it.
[[nodiscard]] std::string to_string(const ListenAddress& address);

// Where a browser on this host finds it: a listener on every address is at localhost.
[[nodiscard]] std::string to_url(const ListenAddress& address, std::string_view path);

}  // namespace sockdiag
