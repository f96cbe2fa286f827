// SPDX-License-Identifier: Apache-2.0
#include "kernel_files.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "sockdiag/procfs/kernel_value_reader.hpp"
#include "sockdiag/procfs/sockstat.hpp"
#include "sockdiag/procfs/sysctl.hpp"

namespace sockdiag {
namespace {

void add_once(std::vector<std::string>& problems, const std::string& problem) {
  if (std::find(problems.begin(), problems.end(), problem) == problems.end()) {
    problems.push_back(problem);
  }
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "; ") + line;
  return text;
}

}  // namespace

// What `read` returns; nothing where it throws.
template <typename Read>
auto KernelFiles::if_readable(const Read& read) -> decltype(read()) {
  try {
    return read();
  } catch (const std::runtime_error& error) {
    add_once(problems_, error.what());
    return {};
  }
}

std::optional<PortRange> KernelFiles::ephemeral_range() {
  return if_readable(readers_.ephemeral_range);
}

EphemeralPorts::Reserved KernelFiles::reserved_ports() {
  return if_readable(readers_.reserved_ports);
}

std::optional<std::uint64_t> KernelFiles::total_sockets() {
  return if_readable(readers_.total_sockets);
}

std::optional<std::chrono::milliseconds> KernelFiles::time_wait_length() {
  return if_readable(readers_.time_wait_length);
}

SampleResult KernelFiles::sample() {
  KernelValues values = readers_.values();
  for (const std::string& problem : problems_) add_once(values.problems, problem);
  std::string problem = joined(values.problems);
  values_ = std::make_shared<const KernelValues>(std::move(values));
  return {true, std::move(problem)};
}

KernelFiles running_kernel_files() {
  return KernelFiles({.ephemeral_range = [] { return read_ephemeral_range(); },
                      .reserved_ports = [] { return read_reserved_ports(); },
                      .total_sockets = [] { return read_sockstat_sockets(); },
                      .time_wait_length = [] { return read_time_wait_length(); },
                      .values = [] { return read_kernel_values(); }});
}

}  // namespace sockdiag
