// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/procfs/kernel_release.hpp"

#include <sys/utsname.h>

#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <utility>

namespace sockdiag {
namespace {

using Version = std::pair<unsigned, unsigned>;  // "4.1"

struct Row {
  Version since;
  bool KernelTraits::*trait;
  std::string_view missing_before;
};

constexpr auto kRows = std::to_array<Row>({
    {{4, 1},
     &KernelTraits::unique_cookies,
     "before 4.1 a socket cookie is an address that later sockets get again, so there are no ages, "
     "no lingering sockets and no starts of TIME_WAIT"},
    {{4, 7}, &KernelTraits::listener_drops, "before 4.7 there are no drops by listener"},
    {{4, 11},
     &KernelTraits::time_waits_by_namespace,
     "before 4.11 sockstat counts the TIME_WAITs of all network namespaces, so there are no "
     "unaccounted sockets"},
});

std::optional<unsigned> take_number(std::string_view& text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

// "4.1", "4.1.15-generic", "4.1-rc1".
std::optional<Version> parse_version(std::string_view release) {
  const auto major = take_number(release);
  if (!major || !release.starts_with('.')) return std::nullopt;
  release.remove_prefix(1);
  const auto minor = take_number(release);
  if (!minor) return std::nullopt;
  if (!release.empty() && std::isalnum(static_cast<unsigned char>(release[0])) != 0) {
    return std::nullopt;
  }
  return Version{*major, *minor};
}

bool lacks(const std::optional<Version>& version, const Row& row) {
  return version && *version < row.since;
}

}  // namespace

KernelTraits kernel_traits(std::string_view release) {
  const auto version = parse_version(release);
  KernelTraits traits;
  for (const Row& row : kRows) traits.*row.trait = !lacks(version, row);
  return traits;
}

std::string what_is_missing_on(std::string_view release) {
  const auto version = parse_version(release);
  std::string text;
  for (const Row& row : kRows) {
    if (lacks(version, row)) text.append(text.empty() ? "" : "; ").append(row.missing_before);
  }
  return text;
}

std::string read_kernel_release() {
  utsname name{};
  return ::uname(&name) == 0 ? std::string(&name.release[0]) : "";
}

}  // namespace sockdiag
