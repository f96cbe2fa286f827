// SPDX-License-Identifier: Apache-2.0
#include "authorization.hpp"

#include <civetweb.h>
#include <strings.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace sockdiag {
namespace {

constexpr std::string_view kScheme = "Basic ";

// Returns the value of a character of base64 (RFC 4648, section 4), or 64.
unsigned value_of(char character) noexcept {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return static_cast<unsigned>(std::min<std::size_t>(kAlphabet.find(character), kAlphabet.size()));
}

// Decodes four characters into three bytes; `padding` is how many of the characters are missing.
// Returns false if they are none of base64.
bool decode_group(std::string_view group, std::size_t padding, char* bytes) noexcept {
  constexpr unsigned kInvalid = 64;
  unsigned bits = 0;
  for (std::size_t i = 0; i < group.size(); ++i) {
    const unsigned value = i + padding < group.size() ? value_of(group[i]) : 0;
    if (value == kInvalid) return false;
    bits = bits << 6U | value;
  }
  for (std::size_t i = 0; i < 3; ++i) {
    bytes[i] = static_cast<char>(bits >> (16U - 8U * i) & 0xFFU);
  }
  return true;
}

std::size_t padding_of(std::string_view text) noexcept {
  if (text.ends_with("==")) return 2;
  return text.ends_with('=') ? 1 : 0;
}

bool names_authorization(const char* name) noexcept {
  return ::strcasecmp(name, "Authorization") == 0;
}

// The buffer is CivetWeb's own and writable. The length stays, because it is read again.
void overwrite(const char* value) noexcept {
  char* const begin = const_cast<char*>(value);
  const std::size_t length = std::strlen(begin);
  ::explicit_bzero(begin, length);
  std::memset(begin, '*', length);
}

}  // namespace

Login::~Login() { clear(); }

void Login::clear() noexcept {
  ::explicit_bzero(text_.data(), text_.size());
  colon_ = 0;
  length_ = 1;
}

bool Login::read(std::string_view authorization) noexcept {
  clear();
  if (authorization.size() <= kScheme.size() ||
      ::strncasecmp(authorization.data(), kScheme.data(), kScheme.size()) != 0) {
    return false;
  }
  const std::string_view code = authorization.substr(kScheme.size());
  if (code.size() % 4 != 0 || code.size() / 4 * 3 > text_.size()) return false;
  const std::size_t padding = padding_of(code);
  for (std::size_t group = 0; group < code.size() / 4; ++group) {
    const bool last = (group + 1) * 4 == code.size();
    if (!decode_group(code.substr(group * 4, 4), last ? padding : 0, text_.data() + group * 3)) {
      clear();
      return false;
    }
  }
  length_ = code.size() / 4 * 3 - padding;
  colon_ = std::string_view(text_.data(), length_).find(':');
  if (colon_ != std::string_view::npos) return true;
  clear();
  return false;
}

bool take_login(const mg_request_info& request, Login& login) noexcept {
  int headers = 0;
  bool good = false;
  for (int i = 0; i < request.num_headers; ++i) {
    if (!names_authorization(request.http_headers[i].name)) continue;
    good = login.read(request.http_headers[i].value);
    ++headers;
    overwrite(request.http_headers[i].value);
  }
  return good && headers == 1;
}

}  // namespace sockdiag
