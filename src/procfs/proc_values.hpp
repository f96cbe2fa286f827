// SPDX-License-Identifier: Apache-2.0
#pragma once

// Finds the values in the kernel's text files: netstat and snmp, sockstat and sockstat6, sysctls.
// Values borrow from the file's text. Safe from any thread.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sockdiag {

// One value of a file, named as a row of the table of kernel values names it.
struct ProcValue {
  std::string_view group;
  std::string_view field;
  std::size_t position = 0;
  std::string_view text;
};
using ProcValues = std::vector<ProcValue>;

// Collects what is wrong in one file: five lines at most, and how many more there are, since a file
// of nonsense must not fill the log.
class FileProblems {
 public:
  explicit FileProblems(std::filesystem::path path);
  void add(const std::string& why);
  void append_to(std::vector<std::string>& lines) const;

 private:
  std::filesystem::path path_;
  std::vector<std::string> lines_;
  std::size_t count_ = 0;
};

// Parses netstat and snmp: "Tcp: RtoMin MaxConn ..." and on the next line "Tcp: 200 -1 ...". Skips
// lines that make no sense and adds them to `problems`.
[[nodiscard]] ProcValues parse_line_pairs(std::string_view content, FileProblems& problems);

// Parses sockstat and sockstat6: "TCP: inuse 5 orphan 0 tw 1 alloc 6 mem 2". Skips likewise.
[[nodiscard]] ProcValues parse_sockstat(std::string_view content, FileProblems& problems);

// Parses a sysctl: "131072", or several numbers.
[[nodiscard]] ProcValues parse_sysctl(std::string_view content, FileProblems& problems);

// Returns nullptr if there is no such value.
[[nodiscard]] const ProcValue* find_value(const ProcValues& values, std::string_view group,
                                          std::string_view field, std::size_t position = 0);

// Returns the number that is the whole text; nothing if it is not an unsigned one of 64 bits.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text);

// "expected an unsigned number as TCP inuse, got ..."
[[nodiscard]] std::string expected_number(const ProcValue& value);

// "TCP inuse"
[[nodiscard]] std::string name_of(std::string_view group, std::string_view field);

}  // namespace sockdiag
