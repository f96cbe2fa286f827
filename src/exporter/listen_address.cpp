// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/exporter/listen_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>

namespace sockdiag {
namespace {

bool is_address(int family, const std::string& text) {
  in6_addr address{};  // large enough for both families
  return ::inet_pton(family, text.c_str(), &address) == 1;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, port);
  if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return port;
}

}  // namespace

std::optional<ListenAddress> parse_listen_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return std::nullopt;

  std::string host(text.substr(0, colon));
  if (host.empty()) return ListenAddress{ListenAddress::Host::any, {}, *port};
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (is_address(AF_INET, host)) {
    return ListenAddress{ListenAddress::Host::ipv4, std::move(host), *port};
  }
  if (bracketed && is_address(AF_INET6, host)) {
    return ListenAddress{ListenAddress::Host::ipv6, std::move(host), *port};
  }
  return std::nullopt;
}

std::string to_string(const ListenAddress& address) {
  const std::string port = ":" + std::to_string(address.port);
  if (address.kind == ListenAddress::Host::ipv6) return "[" + address.host + "]" + port;
  return address.host + port;
}

}  // namespace sockdiag
