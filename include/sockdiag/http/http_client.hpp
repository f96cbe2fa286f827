// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sends one GET to an exporter and takes the answer, within bounds of time and size. Over IPv4 and
// IPv6. All functions are safe from any thread.

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

#include "sockdiag/http/listen_address.hpp"

namespace sockdiag {

// Thrown if there is no answer. The text begins with the address that was asked and says why. It
// may hold bytes of the answer.
class RequestError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct HttpUrl {
  std::string host;  // a name or an IP address, without brackets
  std::string port;  // a number
  std::string path;  // empty, or begins with a slash and ends without one
  bool tls = false;  // does not verify who the server is
};

// Reads http://HOST[:PORT][/PATH]. The port is 80 if none is given, as everywhere. Throws
// RequestError that says what is wrong, for https:// too.
[[nodiscard]] HttpUrl parse_http_url(std::string_view text);

// Returns HOST:PORT, with brackets around an IPv6 address.
[[nodiscard]] std::string authority_of(const HttpUrl& url);

struct HttpAnswer {
  int status = 0;
  std::string body;
};

struct GetLimits {
  std::chrono::milliseconds timeout;  // for connecting, asking and the whole answer
  std::size_t body_bytes;
};

// Asks for `target` below the path of `url`; `target` goes out as it is. Tries the addresses of a
// name in turn; resolving it has no time limit. Follows no redirection. Throws RequestError,
// without an answer, and if one is too long or not HTTP; or std::bad_alloc.
[[nodiscard]] HttpAnswer get(const HttpUrl& url, const std::string& target,
                             const GetLimits& limits);

// Sends GET to the address at which a server listens, and returns the status of the answer. Asks
// 127.0.0.1 if the server listens on every address. With TLS it does not verify who the server is.
// Throws as get().
[[nodiscard]] int get_status(const ListenAddress& address, const std::string& path,
                             std::chrono::milliseconds timeout, bool tls = false);

}  // namespace sockdiag
