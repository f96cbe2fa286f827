// SPDX-License-Identifier: Apache-2.0
#include "answer_head.hpp"

#include <civetweb.h>

#include <array>
#include <ctime>
#include <string_view>

namespace sockdiag {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr int kNoContent = 204;

// IMF-fixdate, as in "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, section 5.6.7). The process never
// leaves the locale "C".
std::string http_date(std::chrono::system_clock::time_point now) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
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

}  // namespace

std::string head_of(const HttpResponse& response, AfterAnswer after,
                    std::chrono::system_clock::time_point now) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
  head += ::mg_get_response_code_text(nullptr, response.status);
  head += kLineEnd;
  append_header(head, "Date", http_date(now));
  if (response.status != kNoContent) {
    append_header(head, "Content-Type", response.content_type);
    append_header(head, "Content-Length", std::to_string(length_of(response)));
  }
  for (const auto& [name, value] : response.headers) append_header(head, name, value);
  append_header(head, "X-Content-Type-Options", "nosniff");
  append_header(head, "Connection", after == AfterAnswer::keep ? "keep-alive" : "close");
  head += kLineEnd;
  return head;
}

}  // namespace sockdiag
