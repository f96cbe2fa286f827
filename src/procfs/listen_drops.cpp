// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/procfs/listen_drops.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "proc_file.hpp"

namespace sockdiag {
namespace {

// Not the parser of kernel_values.cpp: a poll may read this twice, and wants one number of
// hundreds.

constexpr std::string_view kGroup = "TcpExt:";
constexpr std::string_view kField = "ListenDrops";

// Takes what there is before the separator off the front of the text.
std::string_view take(std::string_view& text, char separator) {
  const std::string_view front = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(front.size() + 1, text.size()));
  return front;
}

// Nothing where the lines are not a group's names and as many values.
std::optional<std::string_view> value_of_field(std::string_view names, std::string_view values) {
  if (take(names, ' ') != kGroup || take(values, ' ') != kGroup) return std::nullopt;
  std::optional<std::string_view> found;
  while (!names.empty() && !values.empty()) {
    const std::string_view value = take(values, ' ');
    if (take(names, ' ') == kField) found = value;
  }
  return names.empty() && values.empty() ? found : std::nullopt;
}

std::optional<std::string_view> find_value(std::string_view text) {
  while (!text.empty()) {
    const std::string_view names = take(text, '\n');
    if (!names.starts_with(kGroup)) continue;
    return value_of_field(names, take(text, '\n'));
  }
  return std::nullopt;
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

}  // namespace

std::uint64_t read_listen_drops(const std::filesystem::path& proc) {
  const ProcFile file = read_proc_file(path_below(proc, "thread-self/net/netstat"));
  const auto value = find_value(file.content);
  const auto number = value ? number_of(*value) : std::nullopt;
  if (!number) refuse(file.path, "expected an unsigned number as TcpExt ListenDrops");
  return *number;
}

}  // namespace sockdiag
