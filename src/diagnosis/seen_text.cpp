// SPDX-License-Identifier: Apache-2.0

// Puts the numbers and the port of a finding into its sentence and its commands.

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "sockdiag/diagnosis/finding_texts.hpp"

namespace sockdiag {
namespace {

struct Unit {
  double size;   // of the next smaller number's unit
  double until;  // the value, in the first unit, from which on the next unit is shorter
  Text name;
};

constexpr auto kDurations = std::to_array<Unit>({{1, 120, {" s", " 秒"}},
                                                 {60, 7200, {" min", " 分钟"}},
                                                 {3600, 172'800, {" h", " 小时"}},
                                                 {86'400, HUGE_VAL, {" d", " 天"}}});

constexpr auto kBytes = std::to_array<Unit>({{1, 0x1p10, {" B", " B"}},
                                             {0x1p10, 0x1p20, {" KiB", " KiB"}},
                                             {0x1p20, 0x1p30, {" MiB", " MiB"}},
                                             {0x1p30, HUGE_VAL, {" GiB", " GiB"}}});

std::string digits(double value, int decimals) {
  std::array<char, 32> text{};
  const double shown = std::clamp(value, -1e18, 1e18);
  const auto end = std::to_chars(text.data(), text.data() + text.size(), shown,
                                 std::chars_format::fixed, decimals);
  return {text.data(), end.ptr};
}

// Returns two figures of a small number, and no needless zero.
std::string brief(double value) {
  const std::string one_decimal = digits(value, 1);
  return value < 10 && !one_decimal.ends_with(".0") ? one_decimal : digits(value, 0);
}

std::string in_unit(double value, std::span<const Unit> units, Language language) {
  const auto unit = std::find_if(units.begin(), units.end() - 1,
                                 [value](const Unit& each) { return value < each.until; });
  return brief(value / unit->size).append(unit->name.in(language));
}

std::string number(const Measure& measure, Language language) {
  // A Chinese sentence says 每秒 (each second) before the number.
  if (measure.name.ends_with("_per_second")) {
    return brief(measure.value) + (language == Language::english ? "/s" : "");
  }
  if (measure.name.ends_with("seconds")) return in_unit(measure.value, kDurations, language);
  if (measure.name.ends_with("bytes")) return in_unit(measure.value, kBytes, language);
  if (measure.name.ends_with("_ratio")) return digits(measure.value * 100, 0) + " %";
  return digits(measure.value, 0);
}

// Fills in a sentence such as "{used} of {limit}[[; {drops_per_second} are dropped]]". A part in
// double brackets is left out if a measure in it is missing. {?name} prints nothing and counts as
// missing if that measure is missing or 0; {!name} is its opposite.
class Sentence {
 public:
  Sentence(const Finding& finding, Language language) : finding_(finding), language_(language) {}

  void add(std::string_view text) {
    for (bool optional = false; !text.empty(); optional = !optional) {
      const std::string_view part = cut(text, optional ? "]]" : "[[");
      const std::size_t before = text_.size();
      if (!add_part(part) && optional) text_.resize(before);
    }
  }
  [[nodiscard]] std::string text() && { return std::move(text_); }

 private:
  // Removes what is before `mark`, and the mark, and returns it.
  static std::string_view cut(std::string_view& text, std::string_view mark) {
    const std::size_t length = text.find(mark);
    const std::string_view before = text.substr(0, length);
    text.remove_prefix(std::min(text.size(), before.size() + mark.size()));
    return before;
  }

  bool add_part(std::string_view part) {
    bool complete = true;
    while (!part.empty()) {
      const bool last = part.find('{') == std::string_view::npos;
      text_ += cut(part, "{");
      if (!last) complete = add_measure(cut(part, "}")) && complete;
    }
    return complete;
  }

  bool add_measure(std::string_view name) {
    if (name.starts_with('?')) return holds(name.substr(1));
    if (name.starts_with('!')) return !holds(name.substr(1));
    const Measure* const measure = find(name);
    text_ += measure != nullptr ? number(*measure, language_) : "?";
    return measure != nullptr;
  }

  [[nodiscard]] bool holds(std::string_view name) const {
    const Measure* const measure = find(name);
    return measure != nullptr && measure->value != 0;
  }

  [[nodiscard]] const Measure* find(std::string_view name) const {
    const auto& seen = finding_.seen;
    const auto found = std::find_if(seen.begin(), seen.end(),
                                    [name](const Measure& each) { return each.name == name; });
    return found == seen.end() ? nullptr : &*found;
  }

  const Finding& finding_;
  Language language_;
  std::string text_;
};

std::string port_text(std::uint16_t port, Language language) {
  constexpr Text kPort("port ", "端口 ");
  constexpr Text kOther("other ports", "其他端口");
  if (port == 0) return std::string(kOther.in(language));
  return std::string(kPort.in(language)).append(std::to_string(port));
}

std::string name_text(std::string_view name, Language language) {
  constexpr Text kOpen(" (", "（");
  constexpr Text kClose(")", "）");
  if (name.empty()) return {};
  return std::string(kOpen.in(language)).append(name).append(kClose.in(language));
}

// Returns where it was found: "port 8443 (checkout), inbound, in pod shop/cart-7d9: ".
std::string place_text(const Finding& finding, Language language) {
  constexpr Text kHost("whole host", "整机");
  constexpr Text kComma(", ", "，");
  constexpr Text kColon(": ", "：");
  std::string place;
  const auto add = [&](std::string_view part) {
    if (!part.empty()) place.append(place.empty() ? "" : kComma.in(language)).append(part);
  };
  if (finding.port)
    add(port_text(*finding.port, language) + name_text(finding.port_name, language));
  if (finding.direction) add(label_of(*finding.direction).in(language));
  add(owner_text(finding.owner, language));
  if (place.empty()) place = kHost.in(language);
  return place.append(kColon.in(language));
}

std::string filter_text(const Finding& finding) {
  if (!finding.direction || finding.port.value_or(0) == 0) return {};
  const std::string_view end = *finding.direction == Direction::inbound ? "sport" : "dport";
  return std::string(" '( ").append(end).append(" = :") + std::to_string(*finding.port) + " )'";
}

}  // namespace

std::string seen_text(const Finding& finding, Language language) {
  Sentence sentence(finding, language);
  sentence.add(text_of(finding.id).seen.in(language));
  return place_text(finding, language) + std::move(sentence).text();
}

std::string owner_text(const OwnerLabels& owner, Language language) {
  constexpr Text kPod("in pod ", "位于 Pod ");
  constexpr Text kContainer("container ", "容器 ");
  constexpr Text kIn("in ", "位于");
  constexpr Text kUnit("in unit ", "位于单元 ");
  constexpr Text kRemoved("in a cgroup that was removed", "位于已删除的 cgroup");
  constexpr Text kOthers("in other owners' cgroups", "位于其他归属的 cgroup");
  constexpr Text kRoot("outside of any unit", "不属于任何单元");
  constexpr Text kComma(", ", "，");
  if (owner.unit == kRemovedCgroup) return std::string(kRemoved.in(language));
  if (owner.unit == kFoldedOwners) return std::string(kOthers.in(language));
  if (owner.unit == kRootCgroup) return std::string(kRoot.in(language));
  std::string pod = owner.kubernetes_namespace;
  const std::string& name = owner.pod.empty() ? owner.pod_uid : owner.pod;
  if (!name.empty()) pod.append(pod.empty() ? "" : "/").append(name);
  std::string text;
  if (!pod.empty()) text.append(kPod.in(language)).append(pod);
  if (!owner.container.empty()) {
    text.append(text.empty() ? kIn.in(language) : kComma.in(language));
    text.append(kContainer.in(language)).append(owner.container);
  }
  if (!owner.unit.empty()) {
    text.append(text.empty() ? "" : kComma.in(language)).append(kUnit.in(language));
    text += owner.unit;
  }
  return text;
}

std::string command_text(const Confirmation& confirmation, const Finding& finding) {
  constexpr std::string_view kFilter = " {filter}";
  std::string command(confirmation.command);
  const std::size_t place = command.find(kFilter);
  if (place != std::string::npos) command.replace(place, kFilter.size(), filter_text(finding));
  return finding.of_namespace ? "nsenter -n -t PID " + command : command;
}

}  // namespace sockdiag
