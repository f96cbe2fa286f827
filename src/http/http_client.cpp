// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/http/http_client.hpp"

#include <array>
#include <memory>

#include "civet.hpp"

namespace sockdiag {
namespace {

using Text = std::array<char, 256>;

struct Close {
  void operator()(mg_connection* connection) const noexcept { ::mg_close_connection(connection); }
};
using Connection = std::unique_ptr<mg_connection, Close>;

std::string host_of(const ListenAddress& address) {
  return address.kind == ListenAddress::Host::any ? "127.0.0.1" : address.host;
}

Connection connect(const ListenAddress& address) {
  Text problem{};
  Connection connection(::mg_connect_client(host_of(address).c_str(), address.port, 0,
                                            problem.data(), problem.size()));
  if (connection == nullptr) throw RequestError(to_string(address) + ": " + problem.data());
  return connection;
}

}  // namespace

int get_status(const ListenAddress& address, const std::string& path,
               std::chrono::milliseconds timeout) {
  if (address.port == 0) throw RequestError(to_string(address) + ": a port of 0 cannot be asked");
  const CivetLibrary library;
  const Connection connection = connect(address);
  std::string request = "GET ";
  request.append(path).append(" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  Text problem{};
  if (::mg_write(connection.get(), request.data(), request.size()) <= 0 ||
      ::mg_get_response(connection.get(), problem.data(), problem.size(),
                        static_cast<int>(timeout.count())) < 0) {
    throw RequestError(to_string(address) + ": no answer: " + problem.data());
  }
  return ::mg_get_response_info(connection.get())->status_code;
}

}  // namespace sockdiag
