// SPDX-License-Identifier: Apache-2.0
#pragma once

// An HTTP/1.1 server on CivetWeb. One handler answers every request, so no file is ever served. The
// server keeps connections open for a further request while it has enough workers. It answers
// requests that CivetWeb cannot parse itself, with 400 or the like. A connection has a worker only
// from when its request has arrived. For that the program
// defines listen(), accept() and recv() itself (src/http/civetweb_hooks.hpp).

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "sockdiag/http/http_message.hpp"
#include "sockdiag/http/listen_address.hpp"
#include "sockdiag/http/network.hpp"
#include "sockdiag/http/web_security.hpp"

namespace sockdiag {

// Thrown if the server cannot start. The text is one line that says why.
class ServeError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Why a connection was closed before a worker had it.
enum class Refused : std::uint8_t { client, network, crowd, descriptors, silence };
constexpr std::array<std::string_view, 5> kRefusedReasons = {"client", "network", "crowd",
                                                             "descriptors", "silence"};

class HttpServer {
 public:
  struct Options {
    std::vector<ListenAddress> addresses;
    unsigned workers = 64;
    // Limit for a client to send its request, and again to take the answer.
    std::chrono::milliseconds request_timeout = std::chrono::seconds(1);
    // The server closes a kept connection if no request begins on it for so long. The default lets
    // a scraper that comes every minute miss once.
    std::chrono::milliseconds idle_timeout = std::chrono::minutes(2);
    // TLS, logins and headers. Null: plain HTTP for anyone.
    std::shared_ptr<WebSecurity> security{};
    // Called with the path and the status of each answer. The path is empty if the request did not
    // reach the handler. Called from many threads at once; must not throw.
    std::function<void(std::string_view path, int status)> on_answer = [](std::string_view, int) {};
    // Connections of one client: of an IPv4 address, or of an IPv6 network of 64 bits.
    unsigned max_connections_per_client = 16;
    // Networks whose clients may connect; empty: all may.
    std::vector<Network> allowed{};
    // Called for each connection that is closed without a worker. Must not throw.
    std::function<void(Refused)> on_refused = [](Refused) {};
  };
  // Called from many threads at once. If it throws, the client gets status 500.
  using Handler = std::function<HttpResponse(const HttpRequest&)>;

  // Listens when it returns. Throws ServeError or std::bad_alloc; then nothing listens.
  HttpServer(const Options& options, Handler handler);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Answers the requests in flight, for `request_timeout` at most, then closes all connections.
  ~HttpServer();

  // Returns the addresses asked for. Ports that were 0 are those that the kernel chose.
  [[nodiscard]] const std::vector<ListenAddress>& addresses() const noexcept;

 private:
  class Civet;
  std::unique_ptr<Civet> civet_;
};

}  // namespace sockdiag
