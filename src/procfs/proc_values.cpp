// SPDX-License-Identifier: Apache-2.0
#include "proc_values.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "sockdiag/core/quoted.hpp"
#include "sockdiag/procfs/proc_file.hpp"

namespace sockdiag {
namespace {

constexpr std::size_t kMaxProblemsOfFile = 5;

std::string quote(std::string_view text) { return '"' + excerpt(text, 40) + '"'; }

using Words = std::vector<std::string_view>;

// Returns the stretches between separators. None is empty.
Words split(std::string_view text, std::string_view separators) {
  Words parts;
  std::size_t end = 0;
  for (std::size_t begin = 0;
       (begin = text.find_first_not_of(separators, end)) != std::string_view::npos;) {
    end = std::min(text.find_first_of(separators, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
  }
  return parts;
}

// Returns "TcpExt" if the line begins with "TcpExt:".
std::optional<std::string_view> group_of(const Words& words) {
  if (words.empty() || !words[0].ends_with(':')) return std::nullopt;
  return words[0].substr(0, words[0].size() - 1);
}

bool are_pair(std::string_view name_line, std::string_view value_line) {
  const auto group = group_of(split(name_line, " "));
  return group && group == group_of(split(value_line, " "));
}

void add_line_pair(ProcValues& values, std::string_view name_line, std::string_view value_line,
                   FileProblems& problems) {
  const Words names = split(name_line, " ");
  const Words texts = split(value_line, " ");
  if (names.size() != texts.size()) {
    problems.add("expected as many values as names, got " + std::to_string(texts.size() - 1) +
                 " for " + std::to_string(names.size() - 1) + " in " + quote(name_line));
    return;
  }
  const std::string_view group = *group_of(names);
  for (std::size_t i = 1; i < names.size(); ++i) {
    values.push_back({.group = group, .field = names[i], .text = texts[i]});
  }
}

bool add_sockstat_line(ProcValues& values, std::string_view line) {
  const Words words = split(line, " ");
  const auto group = group_of(words);
  if (!group || words.size() % 2 == 0) return false;
  for (std::size_t i = 1; i < words.size(); i += 2) {
    values.push_back({.group = *group, .field = words[i], .text = words[i + 1]});
  }
  return true;
}

}  // namespace

FileProblems::FileProblems(std::filesystem::path path) : path_(std::move(path)) {}

void FileProblems::add(const std::string& why) {
  if (++count_ <= kMaxProblemsOfFile) lines_.push_back(problem_with(path_, why));
}

void FileProblems::append_to(std::vector<std::string>& lines) const {
  lines.insert(lines.end(), lines_.begin(), lines_.end());
  if (count_ <= kMaxProblemsOfFile) return;
  lines.push_back(problem_with(path_, std::to_string(count_ - kMaxProblemsOfFile) + " more"));
}

ProcValues parse_line_pairs(std::string_view content, FileProblems& problems) {
  const std::string expected = "expected lines of names, each followed by one of values";
  const Words lines = split(content, "\n");
  if (lines.empty()) problems.add(expected);
  ProcValues values;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i + 1 < lines.size() && are_pair(lines[i], lines[i + 1])) {
      add_line_pair(values, lines[i], lines[i + 1], problems);
      ++i;
    } else {
      problems.add(expected + ", got " + quote(lines[i]));
    }
  }
  return values;
}

ProcValues parse_sockstat(std::string_view content, FileProblems& problems) {
  const std::string expected = "expected lines of a group and pairs of name and value";
  const Words lines = split(content, "\n");
  if (lines.empty()) problems.add(expected);
  ProcValues values;
  for (const std::string_view line : lines) {
    if (!add_sockstat_line(values, line)) problems.add(expected + ", got " + quote(line));
  }
  return values;
}

ProcValues parse_sysctl(std::string_view content, FileProblems& /*problems*/) {
  ProcValues values;
  for (const std::string_view word : split(content, " \t\n")) {
    values.push_back({.group = "", .field = "", .position = values.size(), .text = word});
  }
  return values;
}

const ProcValue* find_value(const ProcValues& values, std::string_view group,
                            std::string_view field, std::size_t position) {
  const auto found = std::find_if(values.begin(), values.end(), [&](const ProcValue& value) {
    return value.group == group && value.field == field && value.position == position;
  });
  return found == values.end() ? nullptr : &*found;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

std::string expected_number(const ProcValue& value) {
  const std::string as = value.group.empty() ? "" : " as " + name_of(value.group, value.field);
  return "expected an unsigned number" + as + ", got " + quote(value.text);
}

std::string name_of(std::string_view group, std::string_view field) {
  return std::string(group) + " " + std::string(field);
}

}  // namespace sockdiag
