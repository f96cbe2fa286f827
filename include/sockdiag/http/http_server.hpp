// SPDX-License-Identifier: Apache-2.0
#pragma once

// An HTTP server on CivetWeb that answers every request through one handler: no file is ever
// served. Connections are kept for a further request while workers suffice. Requests that CivetWeb
// cannot parse do not reach the handler: they get 400 or the like.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sockdiag/http/listen_address.hpp"

namespace sockdiag {

struct HttpRequest {
  std::string method;
  std::string path;  // as it was sent, without the query; `*` for the server as a whole
  std::optional<std::string> accept_encoding;
};

struct HttpResponse {
  int status = 200;
  std::string content_type;
  std::vector<std::pair<std::string, std::string>> headers;
  // Sent one after the other; shared, so that a large body is not copied per request.
  std::vector<std::shared_ptr<const std::string>> body;
  std::shared_ptr<const void> held{};  // let go when the answer has been sent
};

[[nodiscard]] HttpResponse text_response(int status, std::string text);

// The server cannot start; the text is one line that says why.
class ServeError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class HttpServer {
 public:
  struct Options {
    std::vector<ListenAddress> addresses;
    unsigned workers = 64;
    // For the client to send its request, and again for it to take the answer.
    std::chrono::milliseconds request_timeout = std::chrono::seconds(1);
    // A kept connection is closed when no request has begun on it for so long. Scrapers come every
    // minute or more often, and may miss once.
    std::chrono::milliseconds idle_timeout = std::chrono::minutes(2);
    // Called with the path and the status of each answer, also of those the handler does not give:
    // then the path is empty. Called from many threads at once; must not throw.
    std::function<void(std::string_view path, int status)> on_answer = [](std::string_view, int) {};
  };
  // Called from many threads at once. What it throws becomes a 500.
  using Handler = std::function<HttpResponse(const HttpRequest&)>;

  // Listens when it returns. Throws ServeError.
  HttpServer(const Options& options, Handler handler);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Answers the requests in flight, then closes.
  ~HttpServer();

  // With the ports that were chosen where 0 was asked for.
  [[nodiscard]] const std::vector<ListenAddress>& addresses() const noexcept;

 private:
  class Civet;
  std::unique_ptr<Civet> civet_;
};

}  // namespace sockdiag
