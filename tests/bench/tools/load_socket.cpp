// SPDX-License-Identifier: Apache-2.0
#include "load_socket.hpp"

#include <arpa/inet.h>

#include "error.hpp"

namespace sockdiag::bench {
namespace {

template <typename Value>
void set_option(const FileDescriptor& fd, int level, int option, const Value& value) {
  checked(::setsockopt(fd.get(), level, option, &value, sizeof value), "setsockopt");
}

FileDescriptor open_socket() {
  FileDescriptor fd(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "open a socket"));
  set_option(fd, SOL_SOCKET, SO_LINGER, linger{1, 0});
  return fd;
}

}  // namespace

sockaddr_in kernel_address(const Endpoint& endpoint) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_addr.s_addr = htonl(endpoint.address);
  result.sin_port = htons(static_cast<std::uint16_t>(endpoint.port));
  return result;
}

FileDescriptor listen_at(const Endpoint& local) {
  FileDescriptor fd = open_socket();
  const sockaddr_in address = kernel_address(local);
  checked(::bind(fd.get(), generic(address), sizeof address), "bind a load listener");
  checked(::listen(fd.get(), SOMAXCONN), "listen");
  return fd;
}

FileDescriptor connect_from(std::uint32_t source_address, const Endpoint& remote) {
  FileDescriptor fd = open_socket();
  set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
  const sockaddr_in source = kernel_address({source_address, 0});
  const sockaddr_in server = kernel_address(remote);
  checked(::bind(fd.get(), generic(source), sizeof source), "bind a load client");
  checked(::connect(fd.get(), generic(server), sizeof server), "connect a load client");
  return fd;
}

FileDescriptor accept_from(const FileDescriptor& listener) {
  return FileDescriptor(checked(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC),
                                "accept a load connection"));
}

void close_in_order(FileDescriptor& fd) {
  set_option(fd, SOL_SOCKET, SO_LINGER, linger{0, 0});
  fd.close();
}

}  // namespace sockdiag::bench
