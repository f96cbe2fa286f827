// SPDX-License-Identifier: Apache-2.0
#include "http_answer.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

namespace sockdiag {
namespace {

constexpr std::size_t kMostHeaderBytes = 65'536;
constexpr std::string_view kEndOfHeader = "\r\n\r\n";

// Returns 0 if the text is no status line (RFC 9112, section 4).
int status_of(std::string_view header) {
  constexpr std::size_t kVersionLength = 9;  // HTTP/1.1 and a space
  unsigned status = 0;                       // without a sign
  if (!header.starts_with("HTTP/1.") || header.size() < kVersionLength + 3) return 0;
  const char* digits = header.data() + kVersionLength;
  return std::from_chars(digits, digits + 3, status).ptr == digits + 3 ? static_cast<int>(status)
                                                                       : 0;
}

// Returns nothing if the server ends the body with the connection (RFC 9112, section 6.3).
std::optional<std::size_t> content_length_of(std::string header) {
  constexpr std::string_view kField = "\r\ncontent-length:";
  std::transform(header.begin(), header.end(), header.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  const std::size_t field = header.find(kField);
  if (field == std::string::npos) return std::nullopt;
  const std::size_t digits = header.find_first_not_of(' ', field + kField.size());
  std::size_t length = 0;
  const auto parsed =
      std::from_chars(header.data() + digits, header.data() + header.size(), length);
  return parsed.ec == std::errc{} ? std::optional(length) : std::nullopt;
}

}  // namespace

HttpAnswer read_http_answer(const std::string& name, std::size_t most, const Receive& receive) {
  const auto fail = [&](const std::string& why) { throw RequestError(name + ": " + why); };
  std::string text;
  std::size_t end = std::string::npos;
  while (end == std::string::npos) {
    if (text.size() > kMostHeaderBytes || !receive(text)) {
      fail(text.empty() ? "no HTTP answer; it may expect TLS" : "no HTTP answer");
    }
    end = text.find(kEndOfHeader);
  }
  HttpAnswer answer{status_of(text), text.substr(end + kEndOfHeader.size())};
  if (answer.status == 0) fail("no HTTP answer");
  const auto length = content_length_of(text.substr(0, end) + "\r\n");
  while (answer.body.size() <= most && answer.body.size() < length.value_or(most + 1)) {
    if (!receive(answer.body)) break;
  }
  if (answer.body.size() > most) {
    fail("an answer of more than " + std::to_string(most) + " bytes");
  }
  if (length && answer.body.size() < *length) fail("the answer ended early");
  return answer;
}

}  // namespace sockdiag
