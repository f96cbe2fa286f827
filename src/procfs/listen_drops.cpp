// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/procfs/listen_drops.hpp"

#include "proc_file.hpp"
#include "proc_values.hpp"
#include "sockdiag/core/kernel_values.hpp"

namespace sockdiag {

std::uint64_t read_listen_drops(const std::filesystem::path& proc) {
  const ProcFile file = read_proc_file(path_below(proc, kernel_file::kNetstat));
  FileProblems problems(file.path);
  const ProcValues values = parse_line_pairs(file.content, problems);
  const ProcValue* const value = find_value(values, "TcpExt", "ListenDrops");
  const auto number = value == nullptr ? std::nullopt : parse_number(value->text);
  if (!number) {
    throw_read_error(file.path, "expected an unsigned number as TcpExt ListenDrops");
  }
  return *number;
}

}  // namespace sockdiag
