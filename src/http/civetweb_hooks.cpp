// SPDX-License-Identifier: Apache-2.0
#include "civetweb_hooks.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>

#include "received_bytes.hpp"

namespace sockdiag {
namespace {

thread_local HeldListeners* held_on_this_thread = nullptr;
thread_local const std::function<void(int)>* on_end_of_this_worker = nullptr;

// Constant-initialized, and never destroyed: accept() may be called at any time.
struct Register {
  std::mutex mutex;
  std::vector<const AcceptedElsewhere*> entries;
};

Register& accepted_elsewhere() {
  static auto* const entries = new Register;
  return *entries;
}

void report_descriptor(int descriptor, sockaddr* address, const socklen_t* length) noexcept {
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  peer.sin_addr.s_addr = htonl(static_cast<std::uint32_t>(descriptor));
  if (address == nullptr || *length < sizeof peer) return;
  std::memcpy(address, &peer, sizeof peer);
}

// Returns nothing if `descriptor` is an ordinary socket.
std::optional<int> accept_from_register(int descriptor) noexcept {
  Register& known = accepted_elsewhere();
  const std::lock_guard lock(known.mutex);
  const auto found = std::ranges::find(known.entries, descriptor, &AcceptedElsewhere::descriptor);
  if (found == known.entries.end()) return std::nullopt;
  return (*found)->next();
}

int hooked_accept(int descriptor, sockaddr* address, socklen_t* length) noexcept {
  const auto accepted = accept_from_register(descriptor);
  if (!accepted) return ::accept4(descriptor, address, length, 0);
  if (*accepted < 0) {
    errno = EAGAIN;
    return -1;
  }
  report_descriptor(*accepted, address, length);
  return *accepted;
}

int hooked_listen(int descriptor, int backlog) noexcept {
  if (held_on_this_thread != nullptr) return held_on_this_thread->note(descriptor);
  return static_cast<int>(::syscall(SYS_listen, descriptor, backlog));
}

ssize_t hooked_recv(int descriptor, void* buffer, std::size_t size, int flags) noexcept {
  if (on_end_of_this_worker != nullptr) {
    std::memset(buffer, 0, size);
    note_received(buffer, size);
  }
  // Both do the same without flags; the thread sanitizer knows of read() that it follows a send().
  if (flags == 0) return ::read(descriptor, buffer, size);
  return ::recvfrom(descriptor, buffer, size, flags, nullptr, nullptr);
}

// CivetWeb sends the end before it closes. Here nothing else does.
int hooked_shutdown(int descriptor, int how) noexcept {
  if (on_end_of_this_worker != nullptr && how == SHUT_WR) (*on_end_of_this_worker)(descriptor);
  return static_cast<int>(::syscall(SYS_shutdown, descriptor, how));
}

}  // namespace

HeldListeners::HeldListeners(std::size_t at_most) {
  descriptors_.reserve(at_most);
  held_on_this_thread = this;
}

void HeldListeners::let_go() noexcept {
  if (held_on_this_thread == this) held_on_this_thread = nullptr;
}

int HeldListeners::note(int descriptor) noexcept {
  if (descriptors_.size() == descriptors_.capacity()) {
    errno = ENOMEM;
    return -1;
  }
  descriptors_.push_back(descriptor);
  return 0;
}

AcceptedElsewhere::AcceptedElsewhere(int descriptor, std::function<int()> next)
    : descriptor_(descriptor), next_(std::move(next)) {
  Register& known = accepted_elsewhere();
  const std::lock_guard lock(known.mutex);
  known.entries.push_back(this);
}

AcceptedElsewhere::~AcceptedElsewhere() {
  Register& known = accepted_elsewhere();
  const std::lock_guard lock(known.mutex);
  std::erase(known.entries, this);
}

int descriptor_of(const char* remote_address) noexcept {
  in_addr address{};
  if (::inet_pton(AF_INET, remote_address, &address) != 1) return -1;
  return static_cast<int>(ntohl(address.s_addr));
}

void mark_worker(const std::function<void(int)>& on_end) noexcept {
  on_end_of_this_worker = &on_end;
}

}  // namespace sockdiag

// The names in the object file are given apart from those in C++, since the C library's headers
// declare and, for some settings, define the latter.
extern "C" {

int sockdiag_accept(int descriptor, sockaddr* address, socklen_t* length) __asm__("accept");
int sockdiag_accept(int descriptor, sockaddr* address, socklen_t* length) {
  return sockdiag::hooked_accept(descriptor, address, length);
}

int sockdiag_listen(int descriptor, int backlog) __asm__("listen");
int sockdiag_listen(int descriptor, int backlog) {
  return sockdiag::hooked_listen(descriptor, backlog);
}

ssize_t sockdiag_recv(int descriptor, void* buffer, std::size_t size, int flags) __asm__("recv");
ssize_t sockdiag_recv(int descriptor, void* buffer, std::size_t size, int flags) {
  return sockdiag::hooked_recv(descriptor, buffer, size, flags);
}

int sockdiag_shutdown(int descriptor, int how) __asm__("shutdown");
int sockdiag_shutdown(int descriptor, int how) {
  return sockdiag::hooked_shutdown(descriptor, how);
}
}
