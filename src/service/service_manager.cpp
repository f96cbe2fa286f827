// SPDX-License-Identifier: Apache-2.0

// libsystemd's sd_notify() would wait for ever for a manager that does not read.

#include "service_manager.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>

#include "sockdiag/core/file_descriptor.hpp"
#include "sockdiag/core/quoted.hpp"

namespace sockdiag::service_manager {
namespace {

constexpr std::chrono::microseconds kLongestPeriod = std::chrono::hours(1);

std::string_view environment(const char* name) noexcept {
  const char* value = std::getenv(name);
  return value != nullptr ? value : std::string_view();
}

template <typename Number>
std::optional<Number> number(std::string_view text) noexcept {
  Number value{};
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool good = parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
  return good && value > 0 ? std::optional(value) : std::nullopt;
}

// `path` is a file's, or "@" and a name in the abstract namespace, where a 0 byte replaces the "@".
bool set_path(sockaddr_un& address, std::string_view path) noexcept {
  if (path.empty() || path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path.front() == '@') address.sun_path[0] = '\0';
  return path.front() == '@' || path.front() == '/';
}

enum class WhenFull : std::uint8_t { drop, wait };

// Managers read within milliseconds. One that is stuck for longer must not hold up sampling, nor
// the end: the process is killed 1.8 s after SIGTERM.
constexpr timeval kLongestWait{.tv_sec = 1, .tv_usec = 0};

// Returns true if the message was sent or there is no service manager.
bool tell(std::string_view message, WhenFull when_full = WhenFull::drop) noexcept {
  const std::string_view path = environment("NOTIFY_SOCKET");
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (!set_path(address, path)) return true;
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kLongestWait, sizeof kLongestWait) !=
      0) {
    return false;
  }
  const int flags = MSG_NOSIGNAL | (when_full == WhenFull::drop ? MSG_DONTWAIT : 0);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  ssize_t sent = -1;
  do {
    sent = ::sendto(socket.get(), message.data(), message.size(), flags,
                    reinterpret_cast<const sockaddr*>(&address), length);
  } while (sent < 0 && errno == EINTR);
  return sent >= 0;
}

// Cuts the text between two characters of UTF-8. systemd ignores messages above 4 KiB.
std::string_view shortened(std::string_view text) noexcept {
  constexpr std::size_t kLongest = 1024;
  if (text.size() <= kLongest) return text;
  std::size_t length = kLongest;
  while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) --length;
  return text.substr(0, length);
}

}  // namespace

std::optional<std::chrono::microseconds> watchdog_period() noexcept {
  const auto period = number<std::uint64_t>(environment("WATCHDOG_USEC"));
  const std::string_view process = environment("WATCHDOG_PID");
  if (!period || (!process.empty() && number<pid_t>(process) != ::getpid())) return std::nullopt;
  const auto longest = static_cast<std::uint64_t>(kLongestPeriod.count());
  return std::chrono::microseconds(std::min(*period, longest));
}

bool ready(std::string_view status) noexcept {
  try {
    return tell(std::string("READY=1\nSTATUS=").append(shortened(one_line(status))),
                WhenFull::wait);
  } catch (const std::exception&) {
    return tell("READY=1", WhenFull::wait);
  }
}

// systemd tells reloads apart by the time.
void reloading() noexcept {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  try {
    static_cast<void>(tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds)));
  } catch (const std::exception&) {
    static_cast<void>(tell("RELOADING=1"));
  }
}

void stopping() noexcept { static_cast<void>(tell("STOPPING=1")); }

void feed_watchdog() noexcept { static_cast<void>(tell("WATCHDOG=1")); }

}  // namespace sockdiag::service_manager
