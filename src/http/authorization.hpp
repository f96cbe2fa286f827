// SPDX-License-Identifier: Apache-2.0
#pragma once

// The login that a request carries (Basic authentication, RFC 7617), for as long as it is needed.

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

struct mg_request_info;

namespace sockdiag {

// A user name and a password in clear. The destructor overwrites them. Cannot be copied, so that
// there is one place to overwrite.
class Login {
 public:
  Login() = default;
  Login(const Login&) = delete;
  Login& operator=(const Login&) = delete;
  ~Login();

  // Decodes the value of an Authorization header. Returns false, and is empty, if it is no Basic
  // login of at most 1 KiB.
  [[nodiscard]] bool read(std::string_view authorization) noexcept;

  [[nodiscard]] std::string_view user() const noexcept { return {text_.data(), colon_}; }
  [[nodiscard]] std::string_view password() const noexcept {
    return {text_.data() + colon_ + 1, length_ - colon_ - 1};
  }

 private:
  void clear() noexcept;

  std::array<char, 1024> text_{};
  std::size_t colon_ = 0;
  std::size_t length_ = 1;
};

// Reads the login of a request and overwrites all Authorization headers in CivetWeb's buffer, with
// as many asterisks. Returns false unless the request has one such header, with a login in it.
[[nodiscard]] bool take_login(const mg_request_info& request, Login& login) noexcept;

}  // namespace sockdiag
