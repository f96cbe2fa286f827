// SPDX-License-Identifier: Apache-2.0
#include "exchange.hpp"

#include <civetweb.h>

#include <array>
#include <cstddef>
#include <ctime>
#include <limits>
#include <string>
#include <string_view>

namespace sockdiag {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr int kNoContent = 204;
constexpr int kNotModified = 304;
constexpr std::size_t kMostBytes = std::numeric_limits<int>::max();  // in one call of CivetWeb
std::string_view text_of(const char* value) { return value != nullptr ? value : ""; }

// Returns the time as in "Sun, 06 Nov 1994 08:49:37 GMT" (IMF-fixdate, RFC 9110, section 5.6.7).
// The process stays in the locale "C", so the names are English.
std::string http_date() {
  const std::time_t seconds = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc)};
}

std::size_t length_of(const HttpResponse& response) {
  std::size_t length = 0;
  for (const auto& part : response.body) length += part->size();
  return length;
}

void append_header(std::string& head, std::string_view name, std::string_view value) {
  for (const std::string_view part : {name, std::string_view(": "), value, kLineEnd}) head += part;
}

// Returns false for the answers that end with their headers (RFC 9112, section 6.3).
bool may_have_body(int status) { return status != kNoContent && status != kNotModified; }

std::string head_of(const HttpResponse& response, AfterAnswer after) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
  head += ::mg_get_response_code_text(nullptr, response.status);
  head += kLineEnd;
  append_header(head, "Date", http_date());
  if (may_have_body(response.status)) {
    append_header(head, "Content-Type", response.content_type);
    append_header(head, "Content-Length", std::to_string(length_of(response)));
  }
  for (const auto& [name, value] : response.headers) append_header(head, name, value);
  append_header(head, "X-Content-Type-Options", "nosniff");
  append_header(head, "Connection", after == AfterAnswer::keep ? "keep-alive" : "close");
  head += kLineEnd;
  return head;
}

// Returns true if all of the text was written.
bool write(mg_connection* connection, std::string_view text) {
  while (!text.empty()) {
    const auto piece = text.substr(0, kMostBytes);
    const int written = ::mg_write(connection, piece.data(), piece.size());
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

HttpRequest read_request(const mg_request_info& info) {
  const char* path = info.local_uri_raw != nullptr ? info.local_uri_raw : info.request_uri;
  HttpRequest request{std::string(text_of(info.request_method)), std::string(text_of(path))};
  request.query = text_of(info.query_string);
  for (int i = 0; i < info.num_headers; ++i) {
    request.headers.emplace_back(info.http_headers[i].name, info.http_headers[i].value);
  }
  return request;
}

bool asks_about_server(const mg_request_info& info) {
  const std::string_view version = text_of(info.http_version);
  return text_of(info.request_method) == "OPTIONS" && text_of(info.request_uri) == "*" &&
         (version == "1.0" || version == "1.1");
}

bool write_response(mg_connection* connection, const HttpResponse& response, AfterAnswer after,
                    bool with_body) {
  bool written = write(connection, head_of(response, after));
  if (!with_body) return written;
  for (const auto& part : response.body) written = written && write(connection, *part);
  return written;
}

}  // namespace sockdiag
