// SPDX-License-Identifier: Apache-2.0
#pragma once

// The kernel's own TCP counters and limits (proc_net(5), tcp(7)): one table of them, from which the
// metrics, their help texts and the documentation come, and the reader of the files they are in.
//
// Read under /proc/thread-self, so they are those of the calling thread's network namespace. Safe
// from any thread.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sockdiag {

enum class ValueType : std::uint8_t { counter, gauge };

// As the kernel counts. Pages are published as bytes.
enum class ValueUnit : std::uint8_t { one, pages };

struct KernelValueRow {
  std::string_view metric;
  ValueType type = ValueType::counter;
  std::string_view file;     // below /proc
  std::string_view group;    // "TcpExt" and the like; empty for a sysctl
  std::string_view field;    // its name in the group; empty for a sysctl
  std::size_t position = 0;  // of a sysctl: which of the file's numbers, the first being 0
  ValueUnit unit = ValueUnit::one;
  std::string_view help;
};

[[nodiscard]] std::span<const KernelValueRow> kernel_value_rows() noexcept;

struct KernelValues {
  // By row. Nothing where this kernel or network namespace lacks the value, and where it could not
  // be read. More bytes than 64 bits hold are as many as they hold.
  std::vector<std::optional<std::uint64_t>> values;
  // A line for each file that could not be read, and for each line or number that made no sense,
  // with the file's path and what was expected; a handful a file at most, what they quote cut
  // short. A sysctl that does not exist is no problem: some are the initial namespace's only.
  std::vector<std::string> problems;
};

// Reads each file once. A number that makes no sense costs its own row, a line (or pair of lines)
// the rows of its group, a file that cannot be read its rows, and none of them anything else.
[[nodiscard]] KernelValues read_kernel_values(const std::filesystem::path& proc = "/proc");

// The sockets that sockstat and sockstat6 count, to compare a dump with: those in use and those in
// TIME_WAIT, of both families, without request sockets. A kernel without IPv6 (ipv6.disable=1) has
// neither sockstat6 nor if_inet6. Throws std::runtime_error that names the file.
[[nodiscard]] std::uint64_t read_sockstat_sockets(const std::filesystem::path& proc = "/proc");

}  // namespace sockdiag
