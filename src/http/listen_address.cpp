// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/http/listen_address.hpp"

#include <arpa/inet.h>
#include <civetweb.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "socket_address.hpp"

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

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kNameCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
constexpr std::size_t kMaxNameLength = 253;
constexpr std::size_t kMaxLabelLength = 63;

bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= kMaxLabelLength && text.front() != '-' &&
         text.back() != '-' && text.find_first_not_of(kNameCharacters) == std::string_view::npos;
}

// A name whose last label has digits only would be a wrong IPv4 address.
bool is_name(std::string_view text) {
  if (text.size() > kMaxNameLength) return false;
  std::size_t dot = text.find('.');
  while (dot != std::string_view::npos) {
    if (!is_label(text.substr(0, dot))) return false;
    text.remove_prefix(dot + 1);
    dot = text.find('.');
  }
  return is_label(text) && text.find_first_not_of(kDigits) != std::string_view::npos;
}

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};
using AddressList = std::unique_ptr<addrinfo, FreeAddresses>;

AddressList ask_resolver(const std::string& text, const std::string& name) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int problem = ::getaddrinfo(name.c_str(), nullptr, &hints, &found);
  if (problem != 0) {
    const char* why = problem == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(problem);
    throw ListenAddressError(text + ": the name " + name + " has no address: " + why);
  }
  return AddressList(found);
}

std::vector<ListenAddress> addresses_in(const addrinfo* list, const ListenAddress& asked) {
  std::vector<ListenAddress> addresses;
  for (; list != nullptr; list = list->ai_next) {
    std::array<char, NI_MAXHOST> host{};
    if (::getnameinfo(list->ai_addr, list->ai_addrlen, host.data(), host.size(), nullptr, 0,
                      NI_NUMERICHOST) != 0) {
      continue;
    }
    ListenAddress address = asked;
    address.kind =
        list->ai_family == AF_INET6 ? ListenAddress::Host::ipv6 : ListenAddress::Host::ipv4;
    address.host = host.data();
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
      addresses.push_back(std::move(address));
    }
  }
  return addresses;
}

// Binds a port that the kernel chooses, so no port is in use. Returns true if the kernel does not
// say: then the server finds out.
bool is_of_this_host(ListenAddress address) {
  if (address.kind == ListenAddress::Host::any) return true;
  address.port = 0;
  const SocketAddress own = socket_address(address, "");
  return ProbeSocket(own.family()).bind(own) != EADDRNOTAVAIL;
}

// Most hosts files give localhost the address ::1, even where IPv6 is switched off.
bool is_needless(const ListenAddress& address) {
  if (address.kind != ListenAddress::Host::ipv6) return false;
  return !have_ipv6() || (address.host == "::1" && !is_of_this_host(address));
}

void leave_out_needless_ipv6(std::vector<ListenAddress>& addresses) {
  const bool has_ipv4 = std::any_of(addresses.begin(), addresses.end(), [](const auto& address) {
    return address.kind == ListenAddress::Host::ipv4;
  });
  if (has_ipv4) std::erase_if(addresses, is_needless);
}

}  // namespace

bool have_ipv6() {
  if ((::mg_check_feature(MG_FEATURES_IPV6) & MG_FEATURES_IPV6) == 0) return false;
  return ProbeSocket(AF_INET6).is_open();
}

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

bool is_listen_address(std::string_view text) {
  const std::size_t colon = std::min(text.rfind(':'), text.size());
  return parse_listen_address(text) || (is_name(text.substr(0, colon)) && colon < text.size() &&
                                        parse_port(text.substr(colon + 1)));
}

std::vector<ListenAddress> resolve_listen_address(const std::string& text) {
  if (auto address = parse_listen_address(text)) return {*std::move(address)};
  if (!is_listen_address(text)) throw ListenAddressError(text + ": is no address");
  ListenAddress asked;
  asked.name = text.substr(0, text.rfind(':'));
  asked.port = *parse_port(std::string_view(text).substr(asked.name.size() + 1));
  std::vector<ListenAddress> addresses = addresses_in(ask_resolver(text, asked.name).get(), asked);
  leave_out_needless_ipv6(addresses);
  if (addresses.empty()) {
    throw ListenAddressError(text + ": the name " + asked.name + " has no IP address");
  }
  for (const ListenAddress& address : addresses) {
    if (is_of_this_host(address)) continue;
    throw ListenAddressError(text + ": the name " + asked.name + " has the address " +
                             address.host + ", which is not one of this host");
  }
  return addresses;
}

void check_listen_address(const std::string& text) {
  for (const ListenAddress& address : resolve_listen_address(text)) {
    if (address.kind == ListenAddress::Host::ipv6 && !have_ipv6()) {
      throw ListenAddressError(text + ": this system's CivetWeb or kernel has no IPv6");
    }
    if (!is_of_this_host(address)) {
      throw ListenAddressError(text + ": the address is not one of this host");
    }
  }
}

std::string to_string(const ListenAddress& address) {
  const std::string port = ":" + std::to_string(address.port);
  if (address.kind == ListenAddress::Host::ipv6) return "[" + address.host + "]" + port;
  return address.host + port;
}

std::string to_url(const ListenAddress& address, std::string_view path, bool tls) {
  const bool everywhere =
      address.kind == ListenAddress::Host::any || address.host == "0.0.0.0" || address.host == "::";
  std::string url = tls ? "https://" : "http://";
  url += everywhere ? "localhost:" + std::to_string(address.port) : to_string(address);
  return url.append(path);
}

}  // namespace sockdiag
