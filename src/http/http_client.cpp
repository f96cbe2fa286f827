// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/http/http_client.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>

#include "http_answer.hpp"
#include "tls_client.hpp"

namespace sockdiag {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kScheme = "http://";
constexpr std::string_view kAlphanumeric =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

// Digits and letters, and the characters in `also`.
bool has_only(std::string_view text, std::string_view also) {
  return std::all_of(text.begin(), text.end(), [&](char character) {
    return (kAlphanumeric.find(character) != std::string_view::npos) ||
           also.find(character) != std::string_view::npos;
  });
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, port);
  return parsed.ec == std::errc{} && parsed.ptr == end && port > 0;
}

// Moves what stands before the first of `marks` out of `text`.
std::string take_until(std::string_view& text, std::string_view marks) {
  std::string taken(text.substr(0, text.find_first_of(marks)));
  text.remove_prefix(taken.size());
  return taken;
}

std::optional<HttpUrl> split_url(std::string_view text) {
  HttpUrl url{.port = "80"};
  if (text.starts_with('[')) {
    text.remove_prefix(1);
    url.host = take_until(text, "]");
    if (text.empty() || !has_only(url.host, ":.%")) return std::nullopt;
    text.remove_prefix(1);
  } else {
    url.host = take_until(text, ":/");
    if (!has_only(url.host, "-._")) return std::nullopt;
  }
  if (text.starts_with(':')) {
    text.remove_prefix(1);
    url.port = take_until(text, "/");
  } else if (!text.empty() && text.front() != '/') {
    return std::nullopt;
  }
  url.path = text;
  while (url.path.ends_with('/')) url.path.pop_back();
  if (url.host.empty() || !is_port(url.port) || !has_only(url.path, "-._~/")) return std::nullopt;
  return url;
}

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};
using AddressList = std::unique_ptr<addrinfo, FreeAddresses>;

// One request. Throws RequestError wherever it ends early.
class Exchange {
 public:
  Exchange(std::string name, Clock::time_point deadline)
      : name_(std::move(name)), deadline_(deadline) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() { close(); }

  void connect(const HttpUrl& url);
  void start_tls();
  void send(std::string_view request);

  // Appends some bytes. Returns false at the end of the stream.
  [[nodiscard]] bool receive(std::string& answer);

  [[noreturn]] void fail(const std::string& why) const { throw RequestError(name_ + ": " + why); }

 private:
  [[nodiscard]] AddressList resolve(const HttpUrl& url) const;
  // Return 0 or an errno.
  int try_connect(const addrinfo& address);
  int wait(short events) const;

  void wait_for_answer(short events) const {
    if (const int problem = wait(events)) fail_without_answer(problem);
  }
  [[noreturn]] void fail_without_answer(int problem) const {
    fail(std::string("no answer: ") + std::strerror(problem));
  }
  // Runs a step of TLS. What it throws becomes a RequestError.
  template <typename Step>
  auto over_tls(Step step) {
    try {
      return step();
    } catch (const RequestError&) {
      throw;
    } catch (const std::runtime_error& error) {
      fail(error.what());
    }
  }
  void close() noexcept {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }

  std::string name_;
  Clock::time_point deadline_;
  int socket_ = -1;
  std::optional<TlsClient> tls_;
};

AddressList Exchange::resolve(const HttpUrl& url) const {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int problem = ::getaddrinfo(url.host.c_str(), url.port.c_str(), &hints, &found);
  if (problem == 0) return AddressList(found);
  fail(std::string("the name has no address: ") +
       (problem == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(problem)));
}

int Exchange::wait(short events) const {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
    if (left.count() <= 0) return ETIMEDOUT;
    pollfd ready{.fd = socket_, .events = events};
    const int count = ::poll(&ready, 1, static_cast<int>(left.count()));
    if (count > 0) return 0;
    if (count < 0 && errno != EINTR) return errno;
  }
}

int Exchange::try_connect(const addrinfo& address) {
  close();
  socket_ = ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return errno;
  if (::connect(socket_, address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (const int problem = wait(POLLOUT)) return problem;
  int problem = 0;
  socklen_t length = sizeof problem;
  return ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &problem, &length) == 0 ? problem : errno;
}

void Exchange::connect(const HttpUrl& url) {
  const AddressList addresses = resolve(url);
  int problem = EADDRNOTAVAIL;
  for (const addrinfo* each = addresses.get(); each != nullptr && problem != 0;
       each = each->ai_next) {
    problem = try_connect(*each);
  }
  if (problem != 0) fail(std::string("cannot connect: ") + std::strerror(problem));
}

void Exchange::start_tls() {
  over_tls([&] { tls_.emplace(socket_, [this](short events) { wait_for_answer(events); }); });
}

void Exchange::send(std::string_view request) {
  if (tls_) return over_tls([&] { tls_->send(request); });
  while (!request.empty()) {
    wait_for_answer(POLLOUT);
    const ssize_t sent = ::send(socket_, request.data(), request.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      request.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
      fail_without_answer(errno);
    }
  }
}

bool Exchange::receive(std::string& answer) {
  std::array<char, 16'384> piece;
  if (tls_) {
    const std::size_t received =
        over_tls([&] { return tls_->receive(piece.data(), piece.size()); });
    answer.append(piece.data(), received);
    return received > 0;
  }
  for (;;) {
    wait_for_answer(POLLIN);
    const ssize_t received = ::recv(socket_, piece.data(), piece.size(), 0);
    if (received > 0) answer.append(piece.data(), static_cast<std::size_t>(received));
    if (received >= 0) return received > 0;
    if (errno != EAGAIN && errno != EINTR) fail_without_answer(errno);
  }
}

}  // namespace

HttpUrl parse_http_url(std::string_view text) {
  const std::string given(text);
  if (text.starts_with("https://")) {
    throw RequestError(given + ": https is not supported; expected http://HOST[:PORT]");
  }
  const bool is_http = text.starts_with(kScheme);
  const auto url = is_http ? split_url(text.substr(kScheme.size())) : std::nullopt;
  if (!url) throw RequestError(given + ": expected http://HOST[:PORT]");
  return *url;
}

std::string authority_of(const HttpUrl& url) {
  const bool ipv6 = url.host.find(':') != std::string::npos;
  return (ipv6 ? "[" + url.host + "]" : url.host) + ":" + url.port;
}

HttpAnswer get(const HttpUrl& url, const std::string& target, const GetLimits& limits) {
  Exchange exchange(authority_of(url), Clock::now() + limits.timeout);
  exchange.connect(url);
  if (url.tls) exchange.start_tls();
  // A server does not cut its answer to HTTP/1.0 into chunks.
  exchange.send("GET " + url.path + target + " HTTP/1.0\r\nHost: " + authority_of(url) +
                "\r\nConnection: close\r\n\r\n");
  return read_http_answer(authority_of(url), limits.body_bytes,
                          [&](std::string& answer) { return exchange.receive(answer); });
}

int get_status(const ListenAddress& address, const std::string& path,
               std::chrono::milliseconds timeout, bool tls) {
  constexpr std::size_t kLongest = 65'536;
  if (address.port == 0) throw RequestError(to_string(address) + ": a port of 0 cannot be asked");
  const bool any = address.kind == ListenAddress::Host::any;
  const HttpUrl url{any ? "127.0.0.1" : address.host, std::to_string(address.port), "", tls};
  return get(url, path, {timeout, kLongest}).status;
}

}  // namespace sockdiag
