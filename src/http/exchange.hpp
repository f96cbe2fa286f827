// SPDX-License-Identifier: Apache-2.0
#pragma once

// Reads a request from a connection of CivetWeb and writes the answer to it. Only the worker that
// has the connection may call these functions. They throw std::bad_alloc.

#include "sockdiag/http/http_message.hpp"

struct mg_connection;
struct mg_request_info;

namespace sockdiag {

enum class AfterAnswer { close, keep };  // what happens to the connection

[[nodiscard]] HttpRequest read_request(const mg_request_info& info);

// Returns true for `OPTIONS *`, which asks about the server as a whole.
[[nodiscard]] bool asks_about_server(const mg_request_info& info);

// Writes status line, headers (RFC 9112) and, if `with_body`, the body. Returns false unless the
// client takes all of it. CivetWeb's own time limit starts again whenever the client takes a byte:
// the caller has to shut down the socket of a slow one.
[[nodiscard]] bool write_response(mg_connection* connection, const HttpResponse& response,
                                  AfterAnswer after, bool with_body);

}  // namespace sockdiag
