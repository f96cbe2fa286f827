// SPDX-License-Identifier: Apache-2.0
#include "tls_client.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace sockdiag {

void TlsClient::Free::operator()(SSL_CTX* context) const noexcept { ::SSL_CTX_free(context); }
void TlsClient::Free::operator()(SSL* connection) const noexcept { ::SSL_free(connection); }

TlsClient::TlsClient(int socket, std::function<void(short)> wait)
    : wait_(std::move(wait)),
      context_(::SSL_CTX_new(::TLS_client_method())),
      connection_(context_ != nullptr ? ::SSL_new(context_.get()) : nullptr) {
  if (connection_ == nullptr || ::SSL_set_fd(connection_.get(), socket) != 1) {
    throw std::runtime_error("OpenSSL cannot make a connection");
  }
  if (run([](SSL* ssl) { return ::SSL_connect(ssl); }) != 1) {
    throw std::runtime_error("the server ended the connection during the TLS handshake");
  }
}

void TlsClient::send(std::string_view text) {
  const auto length = static_cast<int>(text.size());
  const int sent = run([&](SSL* ssl) { return ::SSL_write(ssl, text.data(), length); });
  if (sent == length) return;
  char byte = 0;
  static_cast<void>(receive(&byte, 1));  // throws the server's reason, if it sent one
  throw std::runtime_error("the server ended the connection");
}

std::size_t TlsClient::receive(char* buffer, std::size_t size) {
  const auto room = static_cast<int>(size);
  return static_cast<std::size_t>(run([&](SSL* ssl) { return ::SSL_read(ssl, buffer, room); }));
}

// Repeats a step of OpenSSL until it is done. Returns 0 if the server has ended the connection.
template <typename Step>
int TlsClient::run(Step step) {
  for (;;) {
    ::ERR_clear_error();
    const int result = step(connection_.get());
    if (result > 0) return result;
    switch (::SSL_get_error(connection_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        wait_(POLLIN);
        break;
      case SSL_ERROR_WANT_WRITE:
        wait_(POLLOUT);
        break;
      case SSL_ERROR_SYSCALL:
      case SSL_ERROR_ZERO_RETURN:
        return 0;
      default:
        const char* const reason = ::ERR_reason_error_string(::ERR_peek_last_error());
        throw std::runtime_error(std::string("TLS: ") + (reason != nullptr ? reason : "failed"));
    }
  }
}

}  // namespace sockdiag
