// SPDX-License-Identifier: Apache-2.0
#pragma once

// The rules: one row for each finding, with what it needs and what looks for it. The alert rules of
// deploy/prometheus/sockdiag_alerts.yml ask the same over longer times; they argue the conditions.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "history.hpp"
#include "sockdiag/core/finding.hpp"
#include "sockdiag/core/finding_policy.hpp"
#include "sockdiag/core/samples.hpp"

namespace sockdiag {

// One port, now and before. Valid as long as the Evidence that it is of.
class Port {
 public:
  Port(Direction of, const PortCounts& counts, const PortHistory& history, const Times& times)
      : direction(of), now(counts), past(history), times_(times) {}

  Direction direction;
  const PortCounts& now;
  const PortHistory& past;

  // The least over the window.
  [[nodiscard]] double close_wait(CloseWaitKind kind) const {
    return past.close_wait(kind, times_);
  }
  [[nodiscard]] double lingering_close_wait(CloseWaitKind kind) const {
    return past.lingering_close_wait(kind, times_);
  }
  [[nodiscard]] double lingering(TcpState state) const { return past.lingering(state, times_); }

  [[nodiscard]] double sockets(TcpState state) const { return now.sockets[index_of(state)]; }
  [[nodiscard]] double oldest_seconds(TcpState state) const;
  // Whether the window has three slots: a burst is over by then.
  [[nodiscard]] bool is_known_for_a_while() const {
    return past.slots(times_) >= Times::kWindowSlots;
  }
  [[nodiscard]] const Times& times() const { return times_; }

 private:
  const Times& times_;
};

// What rules look at. Sources that are too old are missing: their members are null, and what comes
// of them is nothing.
struct Evidence {
  Evidence(const Samples& published, const FindingPolicy& findings, const History& remembered,
           History::TimePoint time);

  const Samples& samples;
  const FindingPolicy& policy;
  const History& history;
  History::TimePoint now;
  const TcpSnapshot* tcp;
  const ListenerSnapshot* listeners;
  bool has_kernel;
  std::vector<Port> inbound;
  std::vector<Port> outbound;

  [[nodiscard]] std::optional<double> latest(KernelValue value) const;
  [[nodiscard]] std::optional<Growth> growth(KernelValue value) const;
  // Per second; nothing where the counter is not known for long enough.
  [[nodiscard]] std::optional<double> rate(KernelValue value) const;
  [[nodiscard]] double steady_rate(KernelValue value) const;  // 0 where it is not known

  // That of the busiest of the last minutes.
  [[nodiscard]] std::optional<double> busiest_rate(KernelValue value) const;
  [[nodiscard]] const ListenerCounts* listener(std::uint16_t port) const;
  [[nodiscard]] double threshold_seconds(TcpState state) const;

  // Calls look(port) for each port of both directions.
  template <typename Look>
  void for_each_port(const Look& look) const {
    for (const Port& port : inbound) look(port);
    for (const Port& port : outbound) look(port);
  }
};

// Collects what one rule finds.
class Report {
 public:
  Report(FindingId id, std::vector<Finding>& found) : id_(id), found_(found) {}

  // The first measure is the finding's size, by which findings are ordered.
  void add(Severity severity, std::vector<Measure> seen) {
    found_.push_back({.id = id_, .severity = severity, .seen = std::move(seen)});
  }
  void add(Severity severity, const Port& port, std::vector<Measure> seen) {
    add(severity, std::move(seen));
    found_.back().direction = port.direction;
    found_.back().port = port.now.port;
  }

 private:
  FindingId id_;
  std::vector<Finding>& found_;
};

// What a rule cannot do without.
struct Needs {
  bool sockets = true;       // a fresh dump
  bool cookies = false;      // that tell sockets apart: ages, and starts of TIME_WAIT
  bool ephemeral = false;    // which ports are ephemeral
  std::uint32_t values = 0;  // of the kernel, as bits by KernelValue
  // How long sockets must have been watched before the absence of a finding says something.
  std::chrono::seconds watch{};
  bool host = false;  // what network namespaces share, or what they do not tell
};

struct Rule {
  FindingId id;
  Needs needs;
  void (*check)(const Evidence&, Report&);
};

// By FindingId.
[[nodiscard]] std::span<const Rule> rules() noexcept;

void check_cw_in_not_closed(const Evidence& evidence, Report& report);
void check_cw_in_unread(const Evidence& evidence, Report& report);
void check_cw_in_not_accepted(const Evidence& evidence, Report& report);
void check_cw_out_unread_eof(const Evidence& evidence, Report& report);
void check_cw_out_leak(const Evidence& evidence, Report& report);
void check_close_unacked(const Evidence& evidence, Report& report);
void check_acceptq_full(const Evidence& evidence, Report& report);
void check_acceptq_bursts(const Evidence& evidence, Report& report);
void check_syn_flood(const Evidence& evidence, Report& report);
void check_syn_backlog_short(const Evidence& evidence, Report& report);
void check_syn_unanswered(const Evidence& evidence, Report& report);
void check_listener_lost(const Evidence& evidence, Report& report);
void check_syn_sent_unanswered(const Evidence& evidence, Report& report);
void check_connect_refused(const Evidence& evidence, Report& report);
void check_ports_short(const Evidence& evidence, Report& report);
void check_tw_server(const Evidence& evidence, Report& report);
void check_tw_client(const Evidence& evidence, Report& report);
void check_tw_limit(const Evidence& evidence, Report& report);
void check_fin_wait2_held(const Evidence& evidence, Report& report);
void check_receive_queue_stuck(const Evidence& evidence, Report& report);
void check_send_queue_stuck(const Evidence& evidence, Report& report);
void check_orphans(const Evidence& evidence, Report& report);
void check_tcp_memory(const Evidence& evidence, Report& report);
void check_sockets_hidden(const Evidence& evidence, Report& report);
void check_blind(const Evidence& evidence, Report& report);

}  // namespace sockdiag
