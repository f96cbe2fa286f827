// SPDX-License-Identifier: Apache-2.0
#pragma once

// Asks sockdiag_opener for sock_diag sockets of other network namespaces (opener_protocol.hpp).
// Keeps one connection, and makes another one if the opener has ended it. An opener that hangs
// costs kDeadline once for each call. Descriptors that were not asked for are closed. Not
// thread-safe.

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#include "sockdiag/core/file_descriptor.hpp"

namespace sockdiag {

// The opener cannot be reached, hangs, or does not keep to the protocol.
class OpenerError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The opener says that it cannot open that one.
class OpenerRefused : public std::runtime_error {
 public:
  explicit OpenerRefused(int error);
};

class OpenerClient {
 public:
  static constexpr std::chrono::seconds kDeadline{1};

  // `path`: the opener's socket. Returns a socket in the network namespace of process `pid`, whose
  // net/tcp has that inode; it pins the namespace while it is open. What kind of socket it is has
  // not been checked. Throws OpenerError or OpenerRefused.
  [[nodiscard]] FileDescriptor open(const std::string& path, std::int32_t pid, std::uint64_t inode);

 private:
  void connect();
  // The two return false, or nothing, if the opener has ended the connection.
  [[nodiscard]] bool try_send(std::int32_t pid, std::uint64_t inode);
  [[nodiscard]] std::optional<FileDescriptor> receive();

  std::string path_;
  FileDescriptor connection_;
};

}  // namespace sockdiag
