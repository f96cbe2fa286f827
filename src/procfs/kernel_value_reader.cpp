// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/procfs/kernel_value_reader.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <stdexcept>
#include <utility>

#include "proc_file.hpp"

namespace sockdiag {
namespace {

constexpr std::string_view kSockstat6 = "thread-self/net/sockstat6";
constexpr std::string_view kIpv6Addresses = "thread-self/net/if_inet6";

// One value of a file, identified as a row of the table does. Borrows from the file's text.
struct Entry {
  std::string_view group;
  std::string_view field;
  std::size_t position = 0;
  std::string_view value;
};
using Entries = std::vector<Entry>;

// A file of nonsense must not fill the log.
constexpr std::size_t kMaxProblemsOfFile = 5;
constexpr std::size_t kMaxQuotedBytes = 40;

std::string quote(std::string_view text) {
  const bool cut = text.size() > kMaxQuotedBytes;
  return '"' + std::string(text.substr(0, kMaxQuotedBytes)) + (cut ? "...\"" : "\"");
}

// What is wrong within one file.
class FileProblems {
 public:
  explicit FileProblems(std::filesystem::path path) : path_(std::move(path)) {}

  void add(const std::string& why) {
    if (++count_ <= kMaxProblemsOfFile) lines_.push_back(problem_with(path_, why));
  }
  void append_to(std::vector<std::string>& lines) const {
    lines.insert(lines.end(), lines_.begin(), lines_.end());
    if (count_ <= kMaxProblemsOfFile) return;
    lines.push_back(problem_with(path_, std::to_string(count_ - kMaxProblemsOfFile) + " more"));
  }

 private:
  std::filesystem::path path_;
  std::vector<std::string> lines_;
  std::size_t count_ = 0;
};

// The stretches between separators; none is empty.
std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  std::size_t end = 0;
  for (std::size_t begin = 0;
       (begin = text.find_first_not_of(separators, end)) != std::string_view::npos;) {
    end = std::min(text.find_first_of(separators, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
  }
  return parts;
}

// "TcpExt" where the line begins with "TcpExt:".
std::optional<std::string_view> group_of(const std::vector<std::string_view>& words) {
  if (words.empty() || !words[0].ends_with(':')) return std::nullopt;
  return words[0].substr(0, words[0].size() - 1);
}

bool are_pair(std::string_view name_line, std::string_view value_line) {
  const auto group = group_of(split(name_line, " "));
  return group && group == group_of(split(value_line, " "));
}

void add_line_pair(Entries& entries, std::string_view name_line, std::string_view value_line,
                   FileProblems& problems) {
  const auto names = split(name_line, " ");
  const auto values = split(value_line, " ");
  if (names.size() != values.size()) {
    problems.add("expected as many values as names, got " + std::to_string(values.size() - 1) +
                 " for " + std::to_string(names.size() - 1) + " in " + quote(name_line));
    return;
  }
  const std::string_view group = *group_of(names);
  for (std::size_t i = 1; i < names.size(); ++i) {
    entries.push_back({.group = group, .field = names[i], .value = values[i]});
  }
}

// netstat and snmp: "Tcp: RtoMin MaxConn ..." and on the next line "Tcp: 200 -1 ...".
Entries parse_line_pairs(std::string_view content, FileProblems& problems) {
  const std::string expected = "expected lines of names, each followed by one of values";
  const auto lines = split(content, "\n");
  if (lines.empty()) problems.add(expected);
  Entries entries;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i + 1 < lines.size() && are_pair(lines[i], lines[i + 1])) {
      add_line_pair(entries, lines[i], lines[i + 1], problems);
      ++i;
    } else {
      problems.add(expected + ", got " + quote(lines[i]));
    }
  }
  return entries;
}

bool add_sockstat_line(Entries& entries, std::string_view line) {
  const auto words = split(line, " ");
  const auto group = group_of(words);
  if (!group || words.size() % 2 == 0) return false;
  for (std::size_t i = 1; i < words.size(); i += 2) {
    entries.push_back({.group = *group, .field = words[i], .value = words[i + 1]});
  }
  return true;
}

// sockstat and sockstat6: "TCP: inuse 5 orphan 0 tw 1 alloc 6 mem 2".
Entries parse_sockstat(std::string_view content, FileProblems& problems) {
  const std::string expected = "expected lines of a group and pairs of name and value";
  const auto lines = split(content, "\n");
  if (lines.empty()) problems.add(expected);
  Entries entries;
  for (const std::string_view line : lines) {
    if (!add_sockstat_line(entries, line)) problems.add(expected + ", got " + quote(line));
  }
  return entries;
}

// A sysctl: "131072", or more numbers with tabs between them.
Entries parse_sysctl(std::string_view content, FileProblems& /*problems*/) {
  Entries entries;
  for (const std::string_view word : split(content, " \t\n")) {
    entries.push_back({.group = "", .field = "", .position = entries.size(), .value = word});
  }
  return entries;
}

const Entry* find_entry(const Entries& entries, std::string_view group, std::string_view field,
                        std::size_t position = 0) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) {
    return entry.group == group && entry.field == field && entry.position == position;
  });
  return found == entries.end() ? nullptr : &*found;
}

std::string name_of(std::string_view group, std::string_view field) {
  return std::string(group) + " " + std::string(field);
}

std::optional<std::uint64_t> number_of(const Entry& entry) {
  std::uint64_t number = 0;
  const char* const end = entry.value.data() + entry.value.size();
  const auto [stopped, error] = std::from_chars(entry.value.data(), end, number);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

std::string expected_number(const Entry& entry) {
  const std::string as = entry.group.empty() ? "" : " as " + name_of(entry.group, entry.field);
  return "expected an unsigned number" + as + ", got " + quote(entry.value);
}

std::uint64_t pages_to_bytes(std::uint64_t pages) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return pages > kMost / page_bytes ? kMost : pages * page_bytes;
}

std::optional<std::uint64_t> value_of(const KernelValueRow& row, const Entries& entries,
                                      FileProblems& problems) {
  const Entry* const entry = find_entry(entries, row.group, row.field, row.position);
  if (entry == nullptr) {
    if (!row.group.empty()) return std::nullopt;
    problems.add("expected unsigned numbers, " + std::to_string(row.position + 1) + " at least");
    return std::nullopt;
  }
  const auto number = number_of(*entry);
  if (!number) problems.add(expected_number(*entry));
  return number && row.unit == ValueUnit::pages ? pages_to_bytes(*number) : number;
}

struct SourceFile {
  std::string_view name;
  Entries (*parse)(std::string_view content, FileProblems&);
  bool required;
};

constexpr auto kFiles = std::to_array<SourceFile>({
    {kernel_file::kNetstat, parse_line_pairs, true},
    {kernel_file::kSnmp, parse_line_pairs, true},
    {kernel_file::kSockstat, parse_sockstat, true},
    {kernel_file::kMaxOrphans, parse_sysctl, false},
    {kernel_file::kMemory, parse_sysctl, false},
    {kernel_file::kMaxTimeWaits, parse_sysctl, false},
});

void read_rows(const SourceFile& file, const std::filesystem::path& proc, KernelValues& result) {
  const auto path = path_below(proc, file.name);
  const auto text = file.required ? read_proc_file(path) : read_proc_file_if_exists(path);
  if (!text) return;
  FileProblems problems(path);
  const Entries entries = file.parse(text->content, problems);
  const auto rows = kernel_value_rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].file == file.name) result.values[i] = value_of(rows[i], entries, problems);
  }
  problems.append_to(result.problems);
}

// Of sockstat or sockstat6, whatever its other lines are.
std::uint64_t number_in(const ProcFile& text, std::string_view group, std::string_view field) {
  FileProblems of_other_lines(text.path);
  const Entries entries = parse_sockstat(text.content, of_other_lines);
  const Entry* const entry = find_entry(entries, group, field);
  if (entry == nullptr) refuse(text.path, "expected " + name_of(group, field));
  const auto number = number_of(*entry);
  if (!number) refuse(text.path, expected_number(*entry));
  return *number;
}

}  // namespace

KernelValues read_kernel_values(const std::filesystem::path& proc) {
  KernelValues result;
  result.values.resize(kernel_value_rows().size());
  for (const SourceFile& file : kFiles) {
    try {
      read_rows(file, proc, result);
    } catch (const std::runtime_error& error) {
      result.problems.emplace_back(error.what());
    }
  }
  return result;
}

std::uint64_t read_sockstat_sockets(const std::filesystem::path& proc) {
  const ProcFile ipv4 = read_proc_file(path_below(proc, kernel_file::kSockstat));
  const std::uint64_t sockets = number_in(ipv4, "TCP", "inuse") + number_in(ipv4, "TCP", "tw");
  const auto ipv6 = read_proc_file_if_exists(path_below(proc, kSockstat6));
  if (ipv6) return sockets + number_in(*ipv6, "TCP6", "inuse");
  if (is_there(path_below(proc, kIpv6Addresses))) {
    refuse(path_below(proc, kSockstat6), "expected, since there is if_inet6");
  }
  return sockets;
}

}  // namespace sockdiag
