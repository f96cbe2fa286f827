// SPDX-License-Identifier: Apache-2.0
#pragma once

// A request and its answer, as values (RFC 9110). Functions throw std::bad_alloc.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sockdiag {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;
  std::string path;  // as sent, without the query; `*` for the server as a whole
  HttpHeaders headers{};
  std::string query{};   // as sent, without the question mark
  std::string client{};  // its IPv4 address or IPv6 network, as connections are counted

  // Returns the value of the header with this name, in any case. Joins the values of several lines
  // with ", " (RFC 9110, section 5.3). Returns nothing if there is no such line.
  [[nodiscard]] std::optional<std::string> header(std::string_view name) const;

  // Returns the decoded value of the first parameter of the query with this name, empty if it has
  // none. Returns nothing if there is no such parameter, or if a percent sign in it is not followed
  // by two hexadecimal digits (RFC 3986, section 2.1).
  [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
};

// Returns true if an Accept-Encoding header (RFC 9110, section 12.5.3) names gzip, or covers it
// with
// `*`, with a quality above 0. A quality that is no number from 0 to 1 counts as 0.
[[nodiscard]] bool accepts_gzip(std::string_view accept_encoding);

// Returns true if an If-None-Match header names the entity tag, or is `*` (RFC 9110, section
// 13.1.2). Compares weakly: `W/` does not count. A header that is no list of tags names those that
// come before its first mistake.
[[nodiscard]] bool matches_etag(std::string_view if_none_match, std::string_view etag);

struct HttpResponse {
  int status = 200;
  std::string content_type;
  HttpHeaders headers;
  // Sent one after the other. Shared, so that no request copies a large body.
  std::vector<std::shared_ptr<const std::string>> body;
  std::shared_ptr<const void> held{};  // released when the answer has been sent
};

[[nodiscard]] HttpResponse text_response(int status, std::string text);

}  // namespace sockdiag
