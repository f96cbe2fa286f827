// SPDX-License-Identifier: Apache-2.0
#include "figures.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <string_view>

namespace sockdiag {
namespace {

constexpr std::string_view kNarrowSpace = "\u202f";

struct Unit {
  double seconds;
  Text name;
};

constexpr std::array<Unit, 4> kUnits = {
    {{86'400, {"d", "天"}}, {3600, {"h", "小时"}}, {60, {"min", "分钟"}}, {1, {"s", "秒"}}}};

std::string formatted(const char* format, double value) {
  std::array<char, 64> text{};
  const int length = std::snprintf(text.data(), text.size(), format, value);
  return {text.data(), static_cast<std::size_t>(length)};
}

std::string time_text(std::chrono::system_clock::time_point time, const char* format) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &utc)};
}

std::string in_unit(double count, const Unit& unit, Language language) {
  return formatted("%.0f ", count).append(unit.name.in(language));
}

}  // namespace

std::string count_text(std::uint64_t count) {
  std::string text = std::to_string(count);
  if (text.size() <= 4) return text;
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, kNarrowSpace);
  return text;
}

std::string percent_text(double share) {
  if (share > 0 && share < 0.01) return "<1 %";
  return formatted("%.0f %%", 100 * share);
}

std::string bytes_text(double bytes) {
  constexpr std::array<const char*, 5> kNames = {"%.0f B", "%.3g KiB", "%.3g MiB", "%.3g GiB",
                                                 "%.3g TiB"};
  std::size_t unit = 0;
  for (; bytes >= 1000 && unit + 1 < kNames.size(); ++unit) bytes /= 1024;
  return formatted(kNames.at(unit), bytes);
}

std::string duration_text(Seconds duration, Language language) {
  const double seconds = duration.count();
  if (seconds < 1)
    return formatted("%.3g ", seconds * 1000) + (language == Language::english ? "ms" : "毫秒");
  if (seconds < 10) return formatted("%.3g ", seconds).append(kUnits.back().name.in(language));
  std::size_t i = 0;
  while (seconds < kUnits.at(i).seconds) ++i;
  const Unit& unit = kUnits.at(i);
  const double whole = std::floor(seconds / unit.seconds);
  std::string text = in_unit(whole, unit, language);
  if (i + 2 >= kUnits.size()) return text;  // seconds say nothing beside minutes
  const Unit& lesser = kUnits.at(i + 1);
  const double rest = std::floor((seconds - whole * unit.seconds) / lesser.seconds);
  return rest > 0 ? text.append(" ") + in_unit(rest, lesser, language) : text;
}

std::string timestamp(std::chrono::system_clock::time_point time) {
  return time_text(time, "%Y-%m-%dT%H:%M:%SZ");
}

std::string clock_text(std::chrono::system_clock::time_point time) {
  return time_text(time, "%Y-%m-%d %H:%M:%S UTC");
}

}  // namespace sockdiag
