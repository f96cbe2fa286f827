// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/http/http_message.hpp"

#include <strings.h>

#include <algorithm>
#include <charconv>

namespace sockdiag {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Removes and returns the text before `separator`, or all of it.
std::string_view take_until(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  const std::string_view taken = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  return trimmed(taken);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// Returns the quality of one element. Its name has been removed.
double quality_of(std::string_view parameters) {
  if (trimmed(parameters).empty()) return 1;
  const std::string_view name = take_until(parameters, '=');
  const std::string_view value = trimmed(parameters);
  double quality = 0;
  const auto parsed = std::from_chars(value.data(), value.data() + value.size(), quality);
  const bool good = equal_ignoring_case(name, "q") && parsed.ec == std::errc{} &&
                    parsed.ptr == value.data() + value.size() && quality >= 0 && quality <= 1;
  return good ? quality : 0;
}

// Returns the byte that two hexadecimal digits stand for.
std::optional<char> byte_of(std::string_view digits) {
  unsigned value = 0;
  const char* end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, value, 16);
  if (digits.size() != 2 || parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return static_cast<char>(value);
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const auto byte = byte_of(text.substr(i + 1, 2));
    if (!byte) return std::nullopt;
    decoded += *byte;
    i += 2;
  }
  return decoded;
}

std::string_view without_weakness(std::string_view etag) {
  return etag.starts_with("W/") ? etag.substr(2) : etag;
}

}  // namespace

std::optional<std::string> HttpRequest::header(std::string_view name) const {
  std::optional<std::string> joined;
  for (const auto& [key, value] : headers) {
    if (equal_ignoring_case(key, name)) joined = joined ? *joined + ", " + value : value;
  }
  return joined;
}

std::optional<std::string> HttpRequest::parameter(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    std::string_view value = take_until(rest, '&');
    if (percent_decoded(take_until(value, '=')) == name) return percent_decoded(value);
  }
  return std::nullopt;
}

bool matches_etag(std::string_view if_none_match, std::string_view etag) {
  std::string_view rest = if_none_match;
  if (trimmed(rest) == "*") return true;
  while (true) {  // lists may have empty elements (RFC 9110, section 5.6.1.2)
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t,"), rest.size()));
    rest = without_weakness(rest);
    const auto end = rest.find('"', 1);
    if (!rest.starts_with('"') || end == std::string_view::npos) return false;
    if (rest.substr(0, end + 1) == without_weakness(etag)) return true;
    rest.remove_prefix(end + 1);
    if (!take_until(rest, ',').empty()) return false;
  }
}

bool accepts_gzip(std::string_view accept_encoding) {
  std::optional<double> gzip;
  double any = 0;
  while (!accept_encoding.empty()) {
    std::string_view element = take_until(accept_encoding, ',');
    const std::string_view name = take_until(element, ';');
    if (equal_ignoring_case(name, "gzip")) gzip = quality_of(element);
    if (name == "*") any = quality_of(element);
  }
  return gzip.value_or(any) > 0;
}

HttpResponse text_response(int status, std::string text) {
  return {status,
          "text/plain; charset=utf-8",
          {},
          {std::make_shared<const std::string>(std::move(text))}};
}

}  // namespace sockdiag
