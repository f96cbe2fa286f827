// SPDX-License-Identifier: Apache-2.0
#pragma once

// The server's side of TLS (OpenSSL). The settings can be replaced while connections are open:
// those keep what they began with. Sessions are never resumed, so that each connection passes the
// rules in force. Safe from any thread.

#include <openssl/types.h>

#include <memory>
#include <mutex>

#include "sockdiag/http/security_settings.hpp"

namespace sockdiag {

struct FreeTlsContext {
  void operator()(SSL_CTX* context) const noexcept;
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeTlsContext>;

class TlsServer {
 public:
  // Throws TlsError.
  explicit TlsServer(const TlsSettings& settings);
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;
  ~TlsServer() = default;

  // Throws TlsError; then nothing has changed.
  void replace(const TlsSettings& settings);

  // Returns a context that stands for this server, and stays the same.
  [[nodiscard]] SSL_CTX* handle() const noexcept { return handle_.get(); }

  // Returns the server whose handle it is, or null.
  [[nodiscard]] static const TlsServer* of(const SSL_CTX* handle) noexcept;

  // Calls `use` with the context of the newest settings.
  template <typename Use>
  auto with_newest(Use use) const {
    const std::lock_guard lock(mutex_);
    return use(newest_.get());
  }

 private:
  const TlsContext handle_;
  mutable std::mutex mutex_;
  TlsContext newest_;
};

}  // namespace sockdiag
