// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/http/http_message.hpp"

#include <strings.h>

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

}  // namespace

std::optional<std::string> HttpRequest::header(std::string_view name) const {
  std::optional<std::string> joined;
  for (const auto& [key, value] : headers) {
    if (equal_ignoring_case(key, name)) joined = joined ? *joined + ", " + value : value;
  }
  return joined;
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
