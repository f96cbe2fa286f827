// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>

#include "sockdiag/core/tcp_snapshot.hpp"

namespace sockdiag {

std::string to_text(const Destination& destination) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const std::uint8_t* bytes = destination.address.bytes().data();
  std::string address;
  if (destination.address.is_ipv4()) {
    address = ::inet_ntop(AF_INET, bytes + 12, text.data(), text.size());
  } else {
    address.append("[").append(::inet_ntop(AF_INET6, bytes, text.data(), text.size())).append("]");
  }
  return address.append(":").append(std::to_string(destination.port));
}

}  // namespace sockdiag
