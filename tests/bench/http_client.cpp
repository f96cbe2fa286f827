// SPDX-License-Identifier: Apache-2.0
#include "http_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <stdexcept>

#include "error.hpp"

namespace sockdiag::bench {
namespace {

constexpr timeval kDeadline{30, 0};

void send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = checked(::send(fd, text.data(), text.size(), MSG_NOSIGNAL), "send");
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string receive_all(int fd) {
  std::string received;
  std::array<char, 65536> buffer{};
  while (const ssize_t size =
             checked(::recv(fd, buffer.data(), buffer.size(), 0), "receive a response")) {
    received.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return received;
}

HttpResponse split_response(const std::string& received) {
  const std::size_t end_of_headers = received.find("\r\n\r\n");
  const std::size_t status = received.find(' ');
  if (end_of_headers == std::string::npos || status > end_of_headers) {
    throw std::runtime_error("not an HTTP response: \"" + received.substr(0, 80) + '"');
  }
  return {std::atoi(received.c_str() + status), received.substr(0, end_of_headers),
          received.substr(end_of_headers + 4)};
}

// Calls `visit` with each sample line (no comment, not empty).
template <typename Visit>
void for_each_sample(std::string_view exposition, const Visit& visit) {
  while (!exposition.empty()) {
    const std::string_view line = exposition.substr(0, exposition.find('\n'));
    exposition.remove_prefix(std::min(line.size() + 1, exposition.size()));
    if (!line.empty() && line.front() != '#') visit(line);
  }
}

}  // namespace

FileDescriptor connect_to_loopback(std::uint16_t port) {
  FileDescriptor fd(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  const linger reset_on_close{1, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &reset_on_close, sizeof reset_on_close);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kDeadline, sizeof kDeadline);
  sockaddr_in server{};
  server.sin_family = AF_INET;
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  server.sin_port = htons(port);
  checked(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&server), sizeof server),
          "connect to the exporter");
  return fd;
}

HttpResponse http_get(std::uint16_t port, std::string_view path, std::string_view extra_headers) {
  const FileDescriptor fd = connect_to_loopback(port);
  std::string request = "GET ";
  request.append(path).append(" HTTP/1.1\r\nHost: localhost\r\n");
  request.append(extra_headers).append("Connection: close\r\n\r\n");
  send_all(fd.get(), request);
  return split_response(receive_all(fd.get()));
}

std::optional<double> find_metric(std::string_view exposition, std::string_view series) {
  std::optional<double> value;
  for_each_sample(exposition, [&](std::string_view line) {
    if (!line.starts_with(series) || line.substr(series.size(), 1) != " ") return;
    value = std::strtod(std::string(line.substr(series.size())).c_str(), nullptr);
  });
  return value;
}

double metric_value(std::string_view exposition, std::string_view series) {
  const std::optional<double> value = find_metric(exposition, series);
  if (!value) throw std::runtime_error("no metric " + std::string(series));
  return *value;
}

std::size_t count_series(std::string_view exposition, std::string_view prefix) {
  std::size_t series = 0;
  for_each_sample(exposition, [&](std::string_view line) {
    if (line.substr(0, prefix.size()) == prefix) ++series;
  });
  return series;
}

}  // namespace sockdiag::bench
