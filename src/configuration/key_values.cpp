// SPDX-License-Identifier: Apache-2.0
#include "key_values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "sockdiag/configuration/duration.hpp"
#include "sockdiag/configuration/nearest_name.hpp"
#include "sockdiag/core/quoted.hpp"

namespace sockdiag::key_values {
namespace {

// Who reads the file or the flag adds the place and what was expected.
[[noreturn]] void throw_bad_value(const std::string& text, const std::string& hint = {}) {
  throw ConfigError("got " + quoted_excerpt(text) + hint);
}

// `read` sets the member, or adds an element to it.
template <typename Value>
KeyValue key_value(const Member<Value>& member, const std::string& expected, auto read, auto show) {
  return {.expected = expected,
          .set = [member, read](Configuration& c,
                                const std::string& text) { read(member.in(c), text); },
          .show = [member, show](Configuration copy) { return show(member.in(copy)); }};
}

template <typename Value>
KeyValue scalar(const Member<Value>& member, const std::string& expected, auto parse, auto show) {
  const auto read = [parse](Value& value, const std::string& text) { value = parse(text); };
  return key_value(member, expected, read, show);
}

template <typename Value>
KeyValue list(const Member<Value>& member, const std::string& expected, auto add, auto show) {
  KeyValue value = key_value(member, expected, add, show);
  value.clear = [member](Configuration& c) { member.in(c).clear(); };
  return value;
}

// Shows all digits that tell the number from others, without an exponent.
template <typename Number>
std::string show_number(Number value) {
  std::array<char, 400> text{};
  char* end = text.data() + text.size();
  if constexpr (std::is_floating_point_v<Number>) {
    end = std::to_chars(text.data(), end, value, std::chars_format::fixed).ptr;
  } else {
    end = std::to_chars(text.data(), end, value).ptr;
  }
  return {text.data(), end};
}

// Returns nothing unless the whole text is a number of that type.
template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  return parsed.ec == std::errc{} && parsed.ptr == end ? std::optional(value) : std::nullopt;
}

template <typename Number>
KeyValue number_between(const Member<Number>& member, const char* kind, Number least, Number most) {
  const auto parse = [=](const std::string& text) {
    const auto value = parse_number<Number>(text);
    const bool good = value && *value >= least && *value <= most;  // false for NaN
    if (!good) throw_bad_value(text);
    return *value;
  };
  return scalar(member, kind + show_number(least) + " to " + show_number(most), parse,
                show_number<Number>);
}

bool parse_boolean(const std::string& text) {
  if (text != "true" && text != "false") throw_bad_value(text);
  return text == "true";
}

// Reads "80" or "30000-32767".
PortRange parse_ports(const std::string& text) {
  const std::string_view all = text;
  const auto dash = all.find('-');
  const auto first = parse_number<std::uint16_t>(all.substr(0, dash));
  const auto last = dash == all.npos ? first : parse_number<std::uint16_t>(all.substr(dash + 1));
  const bool good = first && last && *first > 0 && *first <= *last;
  if (!good) throw_bad_value(text);
  return {*first, *last};
}

std::string show_ports(const PortList& ports) {
  std::string text;
  for (const auto& [first, last] : ports.ranges()) {
    text += (text.empty() ? "" : ", ") + std::to_string(first);
    if (first != last) text += "-" + std::to_string(last);
  }
  return "[" + text + "]";
}

std::uint16_t parse_port(const std::string& text) {
  const auto port = parse_number<std::uint16_t>(text);
  if (!port || *port == 0) throw_bad_value(text);
  return *port;
}

// A name is a value of a label and stands in lines of text.
bool is_port_name(const std::string& text) {
  constexpr std::size_t kMostCharacters = 40;
  const bool is_trimmed = !text.empty() && text.front() != ' ' && text.back() != ' ';
  return is_trimmed && text.find_first_of("\"\\\x7f") == std::string::npos &&
         one_line(text) == text && excerpt(text, kMostCharacters) == text;
}

std::string show_port_names(const PortNames& names) {
  std::string text;
  for (const auto& [port, name] : names) {
    text += (text.empty() ? "" : ", ") + std::to_string(port) + ": \"" + name + "\"";
  }
  return "{" + text + "}";
}

std::string show_words(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "\"" : ", \"") + word + "\"";
  return "[" + text + "]";
}

template <typename Choice>
using Names = std::vector<std::pair<std::string_view, Choice>>;

template <typename Choice>
KeyValue choice(const Member<Choice>& member, const std::string& expected, Names<Choice> names) {
  const auto parse = [names](const std::string& text) {
    for (const auto& [name, value] : names) {
      if (name == text) return value;
    }
    throw_bad_value(text);
  };
  const auto show = [names](Choice chosen) {
    const auto is_chosen = [&](const auto& name) { return name.second == chosen; };
    return std::string(std::find_if(names.begin(), names.end(), is_chosen)->first);
  };
  return scalar(member, expected, parse, show);
}

}  // namespace

KeyValue duration(const Member<Milliseconds>& member, Milliseconds least, Milliseconds most,
                  const std::string& example) {
  const auto parse = [=](const std::string& text) {
    const auto value = parse_duration(text);
    if (!value || *value < least || *value > most) throw_bad_value(text);
    return *value;
  };
  const std::string range = format_duration(least) + " to " + format_duration(most);
  return scalar(member, "a duration from " + range + ", such as " + example, parse,
                format_duration);
}

KeyValue number(const Member<double>& member, double least, double most) {
  return number_between(member, "a number from ", least, most);
}

KeyValue whole_number(const Member<std::size_t>& member, std::size_t least, std::size_t most) {
  return number_between(member, "a whole number from ", least, most);
}

KeyValue whole_number(const Member<unsigned>& member, unsigned least, unsigned most) {
  return number_between(member, "a whole number from ", least, most);
}

KeyValue boolean(const Member<bool>& member) {
  return scalar(member, "true or false", parse_boolean,
                [](bool value) { return std::string(value ? "true" : "false"); });
}

// The first name of a level is the one that is shown.
KeyValue log_level(const Member<LogLevel>& member) {
  return choice(member, "one of debug, info, warning, error",
                {{"debug", LogLevel::debug},
                 {"info", LogLevel::info},
                 {"warning", LogLevel::warning},
                 {"warn", LogLevel::warning},
                 {"error", LogLevel::error}});
}

KeyValue log_format(const Member<LogFormat>& member) {
  return choice(member, "one of logfmt, json",
                {{"logfmt", LogFormat::logfmt}, {"json", LogFormat::json}});
}

KeyValue collect(const Member<NamespaceCollect>& member) {
  return choice(member, "one of none, counters, sockets",
                {{"none", NamespaceCollect::none},
                 {"counters", NamespaceCollect::counters},
                 {"sockets", NamespaceCollect::sockets}});
}

KeyValue word(const Member<std::string>& member, const std::string& expected, Accepts accepts) {
  const auto parse = [accepts = std::move(accepts)](const std::string& text) {
    if (!accepts(text)) throw_bad_value(text);
    return text;
  };
  return scalar(member, expected, parse, [](const std::string& text) { return text; });
}

KeyValue ports(const Member<PortList>& member) {
  return list(
      member, "a list of ports from 1 to 65535, or ranges such as 30000-32767",
      [](PortList& list, const std::string& text) { list.add(parse_ports(text)); }, show_ports);
}

KeyValue port_names(const Member<PortNames>& member) {
  KeyValue value;
  value.expected =
      "a mapping of ports from 1 to 65535 to names of 1 to 40 characters such as {8443: checkout}";
  value.show = [member](Configuration copy) { return show_port_names(member.in(copy)); };
  value.clear = [member](Configuration& c) { member.in(c).clear(); };
  value.add_entry = [member](Configuration& c, const std::string& key) -> KeyValue::SetEntry {
    const auto [entry, is_new] = member.in(c).try_emplace(parse_port(key));
    if (!is_new) throw ConfigError("got port " + std::to_string(entry->first) + " twice");
    return [&name = entry->second](const std::string& text) {
      if (!is_port_name(text)) throw_bad_value(text);
      name = text;
    };
  };
  return value;
}

KeyValue words(const Member<std::vector<std::string>>& member, const std::string& expected,
               const std::string& one, Accepts accepts) {
  const auto add = [accepts = std::move(accepts)](auto& list, const std::string& text) {
    if (accepts && !accepts(text)) throw_bad_value(text);
    list.push_back(text);
  };
  KeyValue value = list(member, expected, add, show_words);
  value.one = one;
  return value;
}

KeyValue names(const Member<std::vector<std::string>>& member, const std::string& expected,
               std::span<const std::string_view> known) {
  const auto add = [known](auto& list, const std::string& text) {
    const bool is_known = std::find(known.begin(), known.end(), text) != known.end();
    if (!is_known) throw_bad_value(text, did_you_mean(text, known));
    list.push_back(text);
  };
  return list(member, expected, add, show_words);
}

}  // namespace sockdiag::key_values
