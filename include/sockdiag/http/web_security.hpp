// SPDX-License-Identifier: Apache-2.0
#pragma once

// Guards a server: TLS, logins and headers of its answers. Can be replaced while it serves. Safe
// from any thread.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sockdiag/http/http_message.hpp"
#include "sockdiag/http/security_settings.hpp"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace sockdiag {

class Login;

class WebSecurity {
 public:
  struct Options {
    std::vector<std::string> open_paths{};  // that need no login
    std::size_t logins_at_once = 8;         // threads that may check a password or wait for it
  };

  // Throws TlsError, also if this system's CivetWeb cannot use OpenSSL.
  WebSecurity(const SecuritySettings& settings, Options options);
  WebSecurity(const WebSecurity&) = delete;
  WebSecurity& operator=(const WebSecurity&) = delete;
  ~WebSecurity();

  // Holds for connections and requests that begin from now on. Throws TlsError, also if TLS is
  // added or removed, which needs another server; then nothing has changed.
  void replace(const SecuritySettings& settings);

  [[nodiscard]] bool has_tls() const noexcept;
  // Null without TLS. Owned by this object.
  [[nodiscard]] ssl_ctx_st* tls_context() const noexcept;

  // Returns the answer to a request that is not allowed, or nothing. `login` is null if the request
  // has none. `client` is its address. Throws std::bad_alloc or std::runtime_error.
  [[nodiscard]] std::optional<HttpResponse> refusal(std::string_view path, const Login* login,
                                                    const std::string& client);

  // Adds the configured headers that the response does not have.
  void add_headers(HttpResponse& response) const;

 private:
  class Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sockdiag
