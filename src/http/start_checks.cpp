// SPDX-License-Identifier: Apache-2.0
#include "start_checks.hpp"

#include <algorithm>
#include <deque>
#include <string>
#include <system_error>
#include <utility>

#include "sockdiag/http/http_server.hpp"
#include "socket_address.hpp"

namespace sockdiag {
namespace {

// For a dump, the configuration, files in /proc, the log.
constexpr rlim_t kOtherDescriptors = 40;
constexpr rlim_t kPerAddress = 2;  // a socket, and what wakes CivetWeb
constexpr rlim_t kLeastWaiting = 64;
constexpr rlim_t kMostWaiting = 512;

// Returns "localhost:80 (127.0.0.1)" if a name was given.
std::string as_given(const ListenAddress& address) {
  if (address.name.empty()) return to_string(address);
  return address.name + ":" + std::to_string(address.port) + " (" + address.host + ")";
}

void check_ipv6(const std::vector<ListenAddress>& addresses) {
  for (const ListenAddress& address : addresses) {
    if (address.kind == ListenAddress::Host::ipv6 && !have_ipv6()) {
      throw ServeError("cannot listen on " + to_string(address) +
                       ": this system's CivetWeb or kernel has no IPv6");
    }
  }
}

rlim_t descriptors_without_waiting(std::size_t addresses, unsigned workers) noexcept {
  return workers + kPerAddress * addresses + kOtherDescriptors;
}

// Raises the soft limit as far as is useful. Returns how many connections can wait.
std::size_t check_descriptors(std::size_t addresses, unsigned workers) {
  const rlim_t others = descriptors_without_waiting(addresses, workers);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kLeastWaiting;
  const rlim_t useful = std::min(others + kMostWaiting, limit.rlim_max);
  if (limit.rlim_cur < useful) {
    const rlim_t before = std::exchange(limit.rlim_cur, useful);
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = before;
  }
  const auto waiting = waiting_within(limit.rlim_cur, addresses, workers);
  if (waiting) return *waiting;
  throw ServeError("needs " + std::to_string(others + kLeastWaiting) + " file descriptors for " +
                   std::to_string(workers) + " workers, the limit is " +
                   std::to_string(limit.rlim_cur));
}

void check_bind(const std::vector<ListenAddress>& addresses) {
  const char* const any_host = have_ipv6() ? "::" : "0.0.0.0";
  std::deque<ProbeSocket> sockets;  // open together: an address given twice is in use
  for (const ListenAddress& address : addresses) {
    const SocketAddress own = socket_address(address, any_host);
    const bool ipv6_only = address.kind == ListenAddress::Host::ipv6;
    const int problem = sockets.emplace_back(own.family()).bind_and_listen(own, ipv6_only);
    if (problem == 0) continue;
    throw ServeError("cannot listen on " + as_given(address) + ": " +
                     std::generic_category().message(problem));
  }
}

}  // namespace

std::optional<std::size_t> waiting_within(rlim_t descriptors, std::size_t addresses,
                                          unsigned workers) noexcept {
  const rlim_t others = descriptors_without_waiting(addresses, workers);
  if (descriptors < others + kLeastWaiting) return std::nullopt;
  return std::min<rlim_t>(descriptors - others, kMostWaiting);
}

std::size_t check_start(const std::vector<ListenAddress>& addresses, unsigned workers) {
  check_ipv6(addresses);
  const std::size_t waiting = check_descriptors(addresses.size(), workers);
  check_bind(addresses);
  return waiting;
}

}  // namespace sockdiag
