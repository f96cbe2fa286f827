// SPDX-License-Identifier: Apache-2.0
#pragma once

// Stands between CivetWeb and the C library: the program defines listen(), accept(), recv() and
// shutdown(), and since the dynamic linker looks in the program first, CivetWeb calls these.
// Everywhere else they do what the C library does.

#include <cstddef>
#include <functional>
#include <vector>

namespace sockdiag {

// Until it lets go, listen() on this thread notes the descriptor and does not listen: CivetWeb
// binds its sockets, and who made this object listens.
class HeldListeners {
 public:
  // Throws std::bad_alloc. listen() fails with ENOMEM beyond `at_most` descriptors.
  explicit HeldListeners(std::size_t at_most);
  HeldListeners(const HeldListeners&) = delete;
  HeldListeners& operator=(const HeldListeners&) = delete;
  ~HeldListeners() { let_go(); }

  void let_go() noexcept;
  [[nodiscard]] const std::vector<int>& descriptors() const noexcept { return descriptors_; }
  [[nodiscard]] int note(int descriptor) noexcept;

 private:
  std::vector<int> descriptors_;
};

// While it exists, accept() on `descriptor` returns what `next` returns: a connected socket, or -1
// where there is none. CivetWeb has no accessor for the socket of a connection, so the address of
// the peer that accept() reports is the number of the descriptor: 0.0.0.17 is 17.
class AcceptedElsewhere {
 public:
  // `next` is called from the thread of the caller of accept(), and must not throw. Throws
  // std::bad_alloc.
  AcceptedElsewhere(int descriptor, std::function<int()> next);
  AcceptedElsewhere(const AcceptedElsewhere&) = delete;
  AcceptedElsewhere& operator=(const AcceptedElsewhere&) = delete;
  ~AcceptedElsewhere();

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] int next() const noexcept { return next_(); }

 private:
  const int descriptor_;
  const std::function<int()> next_;
};

// Returns the descriptor that an address reported by accept() stands for, or -1.
[[nodiscard]] int descriptor_of(const char* remote_address) noexcept;

// Marks this thread as one of CivetWeb's. From now on recv() on it fills the buffer with zeros
// before it reads: CivetWeb 1.15 parses its buffer beyond what it has read, and there lies what the
// client before sent. And `on_end` is called with the descriptor of each connection that CivetWeb
// is about to close: connection_close() does not say which one, if a TLS handshake failed. `on_end`
// must outlive the thread, and must not throw.
void mark_worker(const std::function<void(int)>& on_end) noexcept;

}  // namespace sockdiag
