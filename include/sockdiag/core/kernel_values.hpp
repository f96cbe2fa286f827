// SPDX-License-Identifier: Apache-2.0
#pragma once

// The kernel's own TCP counters and limits (proc_net(5), tcp(7)): one table of them, from which the
// reader, the metrics, their help texts and the documentation come.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sockdiag {

enum class ValueType : std::uint8_t { counter, gauge };

// As the kernel counts. Pages are published as bytes.
enum class ValueUnit : std::uint8_t { one, pages };

// The files, below /proc.
namespace kernel_file {
inline constexpr std::string_view kNetstat = "thread-self/net/netstat";
inline constexpr std::string_view kSnmp = "thread-self/net/snmp";
inline constexpr std::string_view kSockstat = "thread-self/net/sockstat";
inline constexpr std::string_view kMaxOrphans = "sys/net/ipv4/tcp_max_orphans";
inline constexpr std::string_view kMemory = "sys/net/ipv4/tcp_mem";
inline constexpr std::string_view kMaxTimeWaits = "sys/net/ipv4/tcp_max_tw_buckets";
}  // namespace kernel_file

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

  friend bool operator==(const KernelValues&, const KernelValues&) noexcept = default;
};

}  // namespace sockdiag
