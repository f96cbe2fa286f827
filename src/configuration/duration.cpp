// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/configuration/duration.hpp"

#include <array>
#include <charconv>
#include <cstdint>

namespace sockdiag {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};

// A year has 365 days, as in Prometheus.
constexpr std::array<Unit, 7> kUnits = {{{"y", 31'536'000'000},
                                         {"w", 604'800'000},
                                         {"d", 86'400'000},
                                         {"h", 3'600'000},
                                         {"m", 60'000},
                                         {"s", 1'000},
                                         {"ms", 1}}};

constexpr std::string_view kDigits = "0123456789";

// Limit for each unit, so that the sum over the seven units fits 64 bits.
constexpr std::int64_t kMostMilliseconds = INT64_MAX / 8;

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text == "0") return std::chrono::milliseconds(0);
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  std::size_t next_unit = 0;
  while (!text.empty()) {
    const std::string_view digits = text.substr(0, text.find_first_not_of(kDigits));
    std::int64_t count = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    if (digits.empty() || parsed.ec != std::errc{}) return std::nullopt;
    text.remove_prefix(digits.size());

    const std::string_view name = text.substr(0, text.find_first_of(kDigits));
    while (next_unit < kUnits.size() && kUnits[next_unit].name != name) ++next_unit;
    if (next_unit == kUnits.size()) return std::nullopt;
    if (count > kMostMilliseconds / kUnits[next_unit].milliseconds) return std::nullopt;
    total += count * kUnits[next_unit].milliseconds;
    ++next_unit;
    text.remove_prefix(name.size());
  }
  return std::chrono::milliseconds(total);
}

std::string format_duration(std::chrono::milliseconds duration) {
  std::int64_t rest = duration.count();
  if (rest == 0) return "0s";
  std::string text;
  for (const Unit& unit : kUnits) {
    const bool wanted = unit.name != "y" && unit.name != "w";
    if (!wanted || rest < unit.milliseconds) continue;
    text += std::to_string(rest / unit.milliseconds);
    text += unit.name;
    rest %= unit.milliseconds;
  }
  return text;
}

}  // namespace sockdiag
