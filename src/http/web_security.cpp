// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/http/web_security.hpp"

#include <strings.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "authorization.hpp"
#include "credentials.hpp"
#include "openssl_for_civetweb.hpp"
#include "tls.hpp"

namespace sockdiag {
namespace {

HttpResponse needs_login() {
  HttpResponse response = text_response(401, "this needs a user name and a password\n");
  response.headers.emplace_back("WWW-Authenticate",
                                R"(Basic realm="sockdiag_exporter", charset="UTF-8")");
  return response;
}

HttpResponse too_many_logins() {
  HttpResponse response = text_response(429, "too many passwords wait to be checked\n");
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

std::unique_ptr<TlsServer> tls_server(const std::optional<TlsSettings>& settings) {
  if (!settings) return nullptr;
  if (!civetweb_has_tls()) {
    throw TlsError(TlsError::Part::other,
                   "TLS is not possible: this system's CivetWeb does not find what it needs of "
                   "OpenSSL");
  }
  return std::make_unique<TlsServer>(*settings);
}

}  // namespace

class WebSecurity::Parts {
 public:
  Parts(const SecuritySettings& settings, Options options)
      : tls(tls_server(settings.tls)),
        open_paths(std::move(options.open_paths)),
        credentials(settings.users, options.logins_at_once),
        headers_(settings.headers) {}

  [[nodiscard]] HttpHeaders headers() const {
    const std::lock_guard lock(mutex_);
    return headers_;
  }
  void set_headers(HttpHeaders headers) {
    const std::lock_guard lock(mutex_);
    headers_.swap(headers);
  }

  const std::unique_ptr<TlsServer> tls;
  const std::vector<std::string> open_paths;
  Credentials credentials;

 private:
  mutable std::mutex mutex_;
  HttpHeaders headers_;
};

WebSecurity::WebSecurity(const SecuritySettings& settings, Options options)
    : parts_(std::make_unique<Parts>(settings, std::move(options))) {}

WebSecurity::~WebSecurity() = default;

void WebSecurity::replace(const SecuritySettings& settings) {
  if (settings.tls.has_value() != has_tls()) {
    throw TlsError(TlsError::Part::other,
                   has_tls() ? "removing TLS needs a restart" : "adding TLS needs a restart");
  }
  Credentials::Users users = settings.users;
  HttpHeaders headers = settings.headers;
  if (settings.tls) parts_->tls->replace(*settings.tls);
  parts_->credentials.replace(std::move(users));
  parts_->set_headers(std::move(headers));
}

bool WebSecurity::has_tls() const noexcept { return parts_->tls != nullptr; }

ssl_ctx_st* WebSecurity::tls_context() const noexcept {
  return has_tls() ? parts_->tls->handle() : nullptr;
}

std::optional<HttpResponse> WebSecurity::refusal(std::string_view path, const Login* login,
                                                 const std::string& client) {
  const auto& open = parts_->open_paths;
  if (std::find(open.begin(), open.end(), path) != open.end()) return std::nullopt;
  if (!parts_->credentials.is_needed()) return std::nullopt;
  if (login == nullptr) return needs_login();
  switch (parts_->credentials.check(login->user(), login->password(), client)) {
    case Credentials::Verdict::right:
      return std::nullopt;
    case Credentials::Verdict::busy:
      return too_many_logins();
    case Credentials::Verdict::wrong:
      break;
  }
  return needs_login();
}

void WebSecurity::add_headers(HttpResponse& response) const {
  for (auto& header : parts_->headers()) {
    const bool has = std::any_of(response.headers.begin(), response.headers.end(), [&](auto& own) {
      return ::strcasecmp(own.first.c_str(), header.first.c_str()) == 0;
    });
    if (!has) response.headers.push_back(std::move(header));
  }
}

}  // namespace sockdiag
