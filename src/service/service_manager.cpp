// SPDX-License-Identifier: Apache-2.0

// Not libsystemd's sd_notify(): it waits for ever where the messages are not read.

#include "service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
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

// A path, or a name in the abstract namespace after "@", whose first byte is 0.
bool set_path(sockaddr_un& address, std::string_view path) noexcept {
  if (path.empty() || path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path.front() == '@') address.sun_path[0] = '\0';
  return path.front() == '@' || path.front() == '/';
}

// Whether it was taken, or nobody is to be told.
bool tell(std::string_view message) noexcept {
  const std::string_view path = environment("NOTIFY_SOCKET");
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (!set_path(address, path)) return true;
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return false;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  return ::sendto(socket.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                  reinterpret_cast<const sockaddr*>(&address), length) >= 0;
}

// systemd ignores messages above 4 KiB. Cut between two characters of UTF-8.
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
    return tell(std::string("READY=1\nSTATUS=").append(shortened(one_line(status))));
  } catch (const std::exception&) {
    return tell("READY=1");
  }
}

// The time tells systemd which of several reloads this is.
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
