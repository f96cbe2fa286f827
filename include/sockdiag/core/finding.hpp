// SPDX-License-Identifier: Apache-2.0
#pragma once

// What diagnosis finds in samples, as plain values without words: metrics, pages and the command
// line show them. A finding names a fault that somebody has to act on, or should know of.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sockdiag/core/direction.hpp"
#include "sockdiag/core/owner.hpp"

namespace sockdiag {

enum class FindingId : std::uint8_t {
  cw_in_not_closed,
  cw_in_unread,
  cw_in_not_accepted,
  cw_out_unread_eof,
  cw_out_leak,
  close_unacked,
  acceptq_full,
  acceptq_bursts,
  syn_flood,
  syn_backlog_short,
  syn_unanswered,
  listener_lost,
  syn_sent_unanswered,
  connect_refused,
  ports_short,
  tw_server,
  tw_client,
  tw_limit,
  fin_wait2_held,
  receive_queue_stuck,
  send_queue_stuck,
  orphans,
  tcp_memory,
  sockets_hidden,
  blind
};

// By FindingId.
inline constexpr auto kFindingNames = std::to_array<std::string_view>({"cw_in_not_closed",
                                                                       "cw_in_unread",
                                                                       "cw_in_not_accepted",
                                                                       "cw_out_unread_eof",
                                                                       "cw_out_leak",
                                                                       "close_unacked",
                                                                       "acceptq_full",
                                                                       "acceptq_bursts",
                                                                       "syn_flood",
                                                                       "syn_backlog_short",
                                                                       "syn_unanswered",
                                                                       "listener_lost",
                                                                       "syn_sent_unanswered",
                                                                       "connect_refused",
                                                                       "ports_short",
                                                                       "tw_server",
                                                                       "tw_client",
                                                                       "tw_limit",
                                                                       "fin_wait2_held",
                                                                       "receive_queue_stuck",
                                                                       "send_queue_stuck",
                                                                       "orphans",
                                                                       "tcp_memory",
                                                                       "sockets_hidden",
                                                                       "blind"});

inline constexpr std::size_t kFindingCount = kFindingNames.size();

[[nodiscard]] constexpr std::size_t index_of(FindingId id) noexcept {
  return static_cast<std::size_t>(id);
}
[[nodiscard]] constexpr std::string_view name_of(FindingId id) noexcept {
  return kFindingNames[index_of(id)];
}
[[nodiscard]] constexpr std::optional<FindingId> finding_named(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kFindingCount; ++i) {
    if (kFindingNames[i] == name) return static_cast<FindingId>(i);
  }
  return std::nullopt;
}

// Ascending.
enum class Severity : std::uint8_t { info, warning, critical };

inline constexpr auto kSeverityNames =
    std::to_array<std::string_view>({"info", "warning", "critical"});

[[nodiscard]] constexpr std::string_view name_of(Severity severity) noexcept {
  return kSeverityNames[static_cast<std::size_t>(severity)];
}

// A number that a rule looked at. `name` is of static lifetime, in snake_case; its end tells the
// unit: _seconds, _bytes, _per_second, _ratio; otherwise it is a count.
struct Measure {
  std::string_view name;
  double value = 0;

  friend bool operator==(const Measure&, const Measure&) noexcept = default;
};

struct Finding {
  FindingId id{};
  Severity severity{};
  std::optional<Direction> direction{};  // nothing: of the whole host
  std::optional<std::uint16_t> port{};   // 0: all ports without series of their own
  std::vector<Measure> seen{};           // every measure that the text of the finding names
  std::chrono::system_clock::time_point since{};  // it has held without a break
  // Who has the sockets: the owner of most of them, or the owner of their network namespace.
  OwnerLabels owner{};
  bool of_namespace = false;  // found in another network namespace, that of `owner`
  std::string port_name{};    // what the operator calls the port; may be empty

  // The owner of sockets of the exporter's own network namespace is part of what is seen.
  [[nodiscard]] bool is_same(const Finding& other) const noexcept {
    return id == other.id && direction == other.direction && port == other.port &&
           of_namespace == other.of_namespace && (!of_namespace || owner == other.owner);
  }
};

// An immutable value once published.
struct Findings {
  std::vector<Finding> found;  // the most severe first
  // Those that could not be looked for, since this kernel or network namespace lacks a value, and
  // those for which sockets have not been watched for long enough. They are no proof of health.
  std::vector<FindingId> unchecked;
};

}  // namespace sockdiag
