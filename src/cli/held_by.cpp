// SPDX-License-Identifier: Apache-2.0
#include "held_by.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <string_view>
#include <tuple>
#include <utility>

#include "sockdiag/configuration/duration.hpp"
#include "terminal.hpp"

namespace sockdiag {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr std::size_t kMostProcesses = 10;
constexpr double kLongest = 3.2e9;  // seconds: a century, which says as much as any longer time

constexpr Text kProcess("pid {} ({})", "进程 {}（{}）");
constexpr Text kHolds(" holds {} of these sockets", "持有其中 {} 个套接字");
constexpr Text kListens(" listens there", "在该端口监听");
constexpr Text kOfLimit("; {} of {} descriptors", "；描述符已用 {} 个，上限 {} 个");
constexpr Text kUnlimited("; {} descriptors, without a limit", "；描述符已用 {} 个，无上限");
constexpr Text kFull("; full in about {} at the present growth", "；按当前增速约 {} 后用尽");
constexpr Text kRunAsRoot("run this as root to see the processes that hold these sockets",
                          "以 root 运行即可看到持有这些套接字的进程");
constexpr Text kMore("{} more processes hold some of them", "另有 {} 个进程也持有其中一些套接字");
constexpr Text kCut("not all descriptors were looked at: there are too many",
                    "描述符过多，没有全部查看");
constexpr Text kRefused("some processes could not be looked into", "有些进程无法查看");
constexpr Text kNobody("no process that can be seen from here holds them",
                       "在此可见的进程均未持有这些套接字");

// Returns the text with the values in place of its {}.
std::string filled(std::string_view text, const std::vector<std::string>& values) {
  std::string result;
  for (const std::string& value : values) {
    const std::size_t place = text.find("{}");
    result.append(text.substr(0, place)).append(value);
    text.remove_prefix(place + 2);
  }
  return result.append(text);
}

// Returns one or two figures' worth: nobody can tell more from a short watch.
std::string about(double seconds) {
  using namespace std::chrono;
  const duration<double> exact(std::min(seconds, kLongest));
  if (exact < minutes(2)) return format_duration(round<std::chrono::seconds>(exact));
  if (exact < hours(2)) return format_duration(round<minutes>(exact));
  if (exact < days(2)) return format_duration(round<hours>(exact));
  return format_duration(round<days>(exact));
}

std::string descriptors_text(const HoldingProcess& process, Language language) {
  if (!process.descriptors) return "";
  const std::string count = std::to_string(*process.descriptors);
  if (!process.limit) return filled(kUnlimited.in(language), {count});
  std::string text = filled(kOfLimit.in(language), {count, std::to_string(*process.limit)});
  if (process.seconds_to_limit) {
    text += filled(kFull.in(language), {about(*process.seconds_to_limit)});
  }
  return text;
}

std::string text_of(const HoldingProcess& process, bool listening, Language language) {
  std::string text =
      filled(kProcess.in(language), {std::to_string(process.pid), printable(process.name)});
  text += listening ? std::string(kListens.in(language))
                    : filled(kHolds.in(language), {std::to_string(process.sockets)});
  return text + descriptors_text(process, language);
}

template <typename Value>
OrderedJson value_of(const std::optional<Value>& value) {
  return value ? OrderedJson(*value) : OrderedJson();
}

OrderedJson json_of(const HoldingProcess& process, bool listening, Language language) {
  const auto seconds = process.seconds_to_limit;
  return {{"pid", process.pid},
          {"name", printable(process.name)},
          {"sockets", process.sockets},
          {"descriptors", value_of(process.descriptors)},
          {"descriptor_limit", value_of(process.limit)},
          {"limit_in_seconds",
           seconds ? OrderedJson(std::round(std::min(*seconds, kLongest))) : OrderedJson()},
          {"text", text_of(process, listening, language)}};
}

OrderedJson notes_of(const HeldBy& held_by, std::size_t more, Language language) {
  OrderedJson notes = OrderedJson::array();
  const auto add = [&](bool holds, const Text& text) {
    if (holds) notes.push_back(filled(text.in(language), {}));
  };
  add(!held_by.by_root, kRunAsRoot);
  if (more > 0) notes.push_back(filled(kMore.in(language), {std::to_string(more)}));
  add(held_by.cut, kCut);
  add(held_by.refused, kRefused);
  const bool complete = held_by.by_root && !held_by.cut && !held_by.refused;
  add(complete && held_by.processes.empty(), kNobody);
  return notes;
}

}  // namespace

std::optional<double> seconds_to_limit(std::optional<std::uint64_t> descriptors,
                                       std::optional<std::uint64_t> limit,
                                       std::optional<double> growth_per_second) {
  if (!descriptors || !limit || !growth_per_second || *growth_per_second <= 0) return std::nullopt;
  if (*descriptors >= *limit) return 0;
  return static_cast<double>(*limit - *descriptors) / *growth_per_second;
}

OrderedJson held_by_json(HeldBy held_by, Language language) {
  std::vector<HoldingProcess>& processes = held_by.processes;
  std::stable_sort(processes.begin(), processes.end(), [](const auto& a, const auto& b) {
    return std::tuple(b.sockets, b.descriptors) < std::tuple(a.sockets, a.descriptors);
  });
  const std::size_t shown = std::min(processes.size(), kMostProcesses);
  OrderedJson rows = OrderedJson::array();
  for (std::size_t i = 0; i < shown; ++i) {
    rows.push_back(json_of(processes[i], held_by.listening, language));
  }
  return {{"processes", std::move(rows)},
          {"complete", held_by.by_root && !held_by.cut && !held_by.refused},
          {"notes", notes_of(held_by, processes.size() - shown, language)}};
}

}  // namespace sockdiag
