// SPDX-License-Identifier: Apache-2.0
#include "start_checks.hpp"

#include <algorithm>
#include <deque>
#include <string>
#include <system_error>

#include "sockdiag/http/http_server.hpp"
#include "socket_address.hpp"

namespace sockdiag {
namespace {

// For a dump, the configuration, files in /proc, the log.
constexpr rlim_t kOtherDescriptors = 32;

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

// CivetWeb uses a whole CPU when accept() finds no free descriptor, so there must always be one.
void check_descriptors(unsigned workers) {
  const rlim_t needed = needed_descriptors(workers);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return;
  limit.rlim_cur = std::min(needed, limit.rlim_max);
  if (limit.rlim_max < needed || ::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    throw ServeError("needs " + std::to_string(needed) + " file descriptors for " +
                     std::to_string(workers) + " workers, the limit is " +
                     std::to_string(limit.rlim_max));
  }
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

rlim_t needed_descriptors(unsigned workers) {
  return workers + kConnectionQueue + kOtherDescriptors;
}

void check_start(const std::vector<ListenAddress>& addresses, unsigned workers) {
  check_ipv6(addresses);
  check_descriptors(workers);
  check_bind(addresses);
}

}  // namespace sockdiag
