// SPDX-License-Identifier: Apache-2.0
#include "suspects.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "sockdiag/core/close_wait_cause.hpp"
#include "sockdiag/core/socket_record.hpp"
#include "sockdiag/core/tcp_state.hpp"
#include "sockdiag/netlink/kernel_channel.hpp"

namespace sockdiag {
namespace {

using Clock = std::chrono::steady_clock;
using OrderedJson = nlohmann::ordered_json;

constexpr std::chrono::seconds kReceiveDeadline(5);
constexpr std::size_t kMostLooks = 3;        // while it watches
constexpr std::size_t kMostProcesses = 100;  // whose growth is followed
constexpr std::size_t kMostSockets = Suspects::kMostDescriptors;

template <typename... States>
constexpr std::uint32_t bits_of(States... states) {
  return (... | (1U << static_cast<unsigned>(states)));
}

constexpr std::uint32_t kListen = bits_of(TcpState::listen);
constexpr std::uint32_t kCloseWait = bits_of(TcpState::close_wait);
constexpr std::uint32_t kFinWait2 = bits_of(TcpState::fin_wait2);
constexpr std::uint32_t kConnected =
    bits_of(TcpState::established, TcpState::fin_wait1, TcpState::fin_wait2, TcpState::close_wait,
            TcpState::last_ack, TcpState::closing);

bool is_any(const SocketRecord& /*record*/) { return true; }
bool has_unread(const SocketRecord& record) { return record.receive_queue > 0; }
bool has_unsent(const SocketRecord& record) { return record.send_queue > 0; }
bool is_read(const SocketRecord& record) { return record.receive_queue == 0; }
bool has_unread_end(const SocketRecord& record) {
  const CloseWaitCause cause = close_wait_cause_of(record);
  return cause == CloseWaitCause::unread_eof || cause == CloseWaitCause::unread_goodbye;
}
bool is_leaked(const SocketRecord& record) { return !has_unread_end(record); }

}  // namespace

// Which sockets of its port a finding is about.
struct SuspectRow {
  FindingId id;
  std::uint32_t states;
  bool (*is_suspect)(const SocketRecord&);
};

namespace {

constexpr auto kRows = std::to_array<SuspectRow>({
    {FindingId::cw_in_not_closed, kCloseWait, is_read},
    {FindingId::cw_in_unread, kCloseWait, has_unread},
    {FindingId::cw_in_not_accepted, kListen, is_any},
    {FindingId::cw_out_unread_eof, kCloseWait, has_unread_end},
    {FindingId::cw_out_leak, kCloseWait, is_leaked},
    {FindingId::fin_wait2_held, kFinWait2, is_any},
    {FindingId::receive_queue_stuck, kConnected, has_unread},
    {FindingId::send_queue_stuck, kConnected, has_unsent},
    {FindingId::acceptq_full, kListen, is_any},
    {FindingId::acceptq_bursts, kListen, is_any},
});

// Returns null if no process is behind the finding, if it is about ports that have no number, or if
// it is of another network namespace, whose sockets cannot be dumped from here.
const SuspectRow* row_of(const Finding& finding) {
  if (!finding.direction || finding.port.value_or(0) == 0 || finding.of_namespace) return nullptr;
  const auto* const row = std::find_if(
      kRows.begin(), kRows.end(), [&](const SuspectRow& each) { return each.id == finding.id; });
  return row == kRows.end() ? nullptr : row;
}

bool is_of(const SocketRecord& record, const SuspectRow& row, const Finding& finding) {
  const bool inbound = *finding.direction == Direction::inbound;
  return (inbound ? record.local_port : record.remote_port) == *finding.port &&
         (row.states >> record.state_number & 1U) != 0 && row.is_suspect(record);
}

}  // namespace

Suspects::Suspects(const HostPaths& paths)
    : paths_(paths),
      by_root_(::geteuid() == 0),
      dumper_([] { return open_kernel_channel(kReceiveDeadline); }) {}

void Suspects::find_sockets(const Findings& findings, std::vector<Suspect>& suspects, bool& cut) {
  std::uint32_t states = 0;
  std::size_t sockets = 0;
  for (const Suspect& each : suspects) states |= each.row->states;
  dumper_.dump_some(states, [&](const SocketRecord& record) {
    if (record.inode == 0) return;  // no process holds it
    for (Suspect& each : suspects) {
      if (!is_of(record, *each.row, findings.found[each.finding])) continue;
      cut = ++sockets > kMostSockets;
      if (!cut) each.sockets.push_back({record.inode, record.cgroup});
    }
  });
}

// A dump that is lost costs what it would have shown, and no finding.
Suspects::Look Suspects::look(const Findings& findings) {
  Look look;
  for (std::size_t i = 0; i < findings.found.size(); ++i) {
    const SuspectRow* const row = row_of(findings.found[i]);
    if (row != nullptr) look.suspects.push_back({i, row, {}});
  }
  if (!by_root_ || look.suspects.empty()) return look;
  bool cut = false;
  try {
    find_sockets(findings, look.suspects, cut);
  } catch (const std::runtime_error&) {
    return {};
  }
  std::vector<SoughtSocket> all;
  for (Suspect& each : look.suspects) {
    std::sort(each.sockets.begin(), each.sockets.end());
    all.insert(all.end(), each.sockets.begin(), each.sockets.end());
  }
  look.search = find_socket_holders(all, paths_, kMostDescriptors);
  look.search.cut = look.search.cut || cut;
  return look;
}

void Suspects::follow(const SocketHolder& holder) {
  const ProcessKey key(holder.pid, holder.started);
  if (processes_.size() >= kMostProcesses && !processes_.contains(key)) return;
  Process& process = processes_.try_emplace(key, Process{holder, {}}).first->second;
  if (holder.descriptors) process.growth.add(Clock::now(), *holder.descriptors);
}

void Suspects::watch(const Findings& findings) {
  if (!by_root_) return;
  const auto suspects = static_cast<std::size_t>(
      std::count_if(findings.found.begin(), findings.found.end(),
                    [](const Finding& each) { return row_of(each) != nullptr; }));
  if (suspects > suspects_ && looks_ < kMostLooks) {
    ++looks_;
    suspects_ = suspects;
    for (const SocketHolder& holder : look(findings).search.holders) follow(holder);
    return;
  }
  for (auto& [key, process] : processes_) {
    const auto descriptors = count_descriptors(process.holder, paths_);
    if (descriptors) process.growth.add(Clock::now(), *descriptors);
  }
}

HoldingProcess Suspects::process_of(const SocketHolder& holder, std::size_t sockets) const {
  const auto process = processes_.find({holder.pid, holder.started});
  const auto growth =
      process == processes_.end() ? std::nullopt : process->second.growth.per_second();
  return {.pid = holder.pid,
          .name = holder.name,
          .sockets = sockets,
          .descriptors = holder.descriptors,
          .limit = holder.limit,
          .seconds_to_limit = seconds_to_limit(holder.descriptors, holder.limit, growth)};
}

HeldBy Suspects::held_by(const Suspect& suspect, const HolderSearch& search) const {
  HeldBy held_by{.listening = suspect.row->states == kListen,
                 .by_root = by_root_,
                 .cut = search.cut,
                 .refused = search.refused};
  for (const SocketHolder& holder : search.holders) {
    const auto sockets = static_cast<std::size_t>(
        std::count_if(suspect.sockets.begin(), suspect.sockets.end(), [&](const auto& socket) {
          return std::binary_search(holder.inodes.begin(), holder.inodes.end(), socket.inode);
        }));
    if (sockets > 0) held_by.processes.push_back(process_of(holder, sockets));
  }
  return held_by;
}

std::string Suspects::add_to(const std::string& document, const Findings& findings,
                             Language language) {
  const auto [suspects, search] = look(findings);
  if (suspects.empty()) return document;
  for (const SocketHolder& holder : search.holders) follow(holder);
  OrderedJson json = OrderedJson::parse(document);
  OrderedJson& shown = json["findings"];
  for (const Suspect& each : suspects) {
    if (each.finding >= shown.size()) continue;  // the samples became stale meanwhile
    shown[each.finding]["held_by"] = held_by_json(held_by(each, search), language);
  }
  return json.dump();
}

}  // namespace sockdiag
