// SPDX-License-Identifier: Apache-2.0
#pragma once

// The client's side of TLS on a connected socket that does not block. Does not verify who the
// server is: use it only for what may be known to anyone. Not thread-safe.

#include <openssl/types.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

namespace sockdiag {

class TlsClient {
 public:
  // `wait` waits for events of poll(2) on the socket, and may throw. Throws std::runtime_error if
  // the server does not agree.
  TlsClient(int socket, std::function<void(short events)> wait);

  // Throw what `wait` throws, or std::runtime_error.
  void send(std::string_view text);
  // Returns 0 at the end of the stream.
  [[nodiscard]] std::size_t receive(char* buffer, std::size_t size);

 private:
  template <typename Step>
  int run(Step step);

  struct Free {
    void operator()(SSL_CTX* context) const noexcept;
    void operator()(SSL* connection) const noexcept;
  };
  std::function<void(short)> wait_;
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> connection_;
};

}  // namespace sockdiag
