// SPDX-License-Identifier: Apache-2.0
#include "finding_owner.hpp"

#include <algorithm>
#include <array>

namespace sockdiag {
namespace {

using enum FindingId;
using enum CloseWaitCause;
using enum TcpState;

// Returns how many of the sockets that a finding speaks of these are.
using Count = double (*)(const OwnerCounts&);

template <CloseWaitCause... Causes>
double causes(const OwnerCounts& counts) {
  return (static_cast<double>(counts.close_wait_causes[index_of(Causes)]) + ...);
}

template <TcpState... States>
double lingering(const OwnerCounts& counts) {
  return (static_cast<double>(counts.lingering[passing_index_of(States)]) + ...);
}

template <TcpState... States>
double in_states(const OwnerCounts& counts) {
  return (static_cast<double>(counts.sockets[index_of(States)]) + ...);
}

struct Row {
  FindingId id;
  Count count;
};

// Outbound TIME_WAIT (tw_client) has no owner, and nobody listens.
constexpr auto kRows = std::to_array<Row>({
    {cw_in_not_closed, causes<not_closed>},
    {cw_in_unread, causes<unread_data, unread_goodbye, unread_eof>},
    {cw_in_not_accepted, in_states<listen>},
    {cw_out_unread_eof, causes<unread_goodbye, unread_eof>},
    {cw_out_leak, causes<not_closed, unread_data>},
    {close_unacked, lingering<fin_wait1, last_ack, closing>},
    {acceptq_full, in_states<listen>},
    {acceptq_bursts, in_states<listen>},
    {syn_flood, in_states<listen>},
    {syn_unanswered, in_states<listen>},
    {syn_sent_unanswered, lingering<syn_sent>},
    {connect_refused, in_states<syn_sent>},
    {tw_server, in_states<listen>},
    {fin_wait2_held, lingering<fin_wait2>},
    {receive_queue_stuck, in_states<established, close_wait, fin_wait1, fin_wait2>},
    {send_queue_stuck, in_states<established, close_wait, fin_wait1, closing, last_ack>},
});

Count count_of(FindingId id) {
  const auto row =
      std::find_if(kRows.begin(), kRows.end(), [id](const Row& each) { return each.id == id; });
  return row == kRows.end() ? nullptr : row->count;
}

bool is_owner(const OwnerLabels& labels) {
  return labels.unit != kFoldedOwners && labels.unit != kRootCgroup && !labels.empty();
}

// An owner that a finding had keeps it while it has this share of the sockets.
constexpr double kShareToStay = 0.25;

// What the owners have of the sockets of one finding.
struct Holders {
  double all = 0;
  double most = 0;
  OwnerLabels owner;    // that has most
  double previous = 0;  // what the one named before has
};

Holders holders_of(const Finding& finding, Count count, const OwnerSnapshot& owners,
                   const OwnerLabels& previous) {
  Holders holders;
  for (const OwnerCounts& counts : owners.counts) {
    if (counts.direction != finding.direction || counts.port != finding.port) continue;
    const double held = count(counts);
    const OwnerLabels& labels = owners.owners[counts.owner].labels;
    holders.all += held;
    if (labels == previous) holders.previous += held;
    if (held <= holders.most) continue;
    holders.most = held;
    holders.owner = labels;
  }
  return holders;
}

OwnerLabels owner_of(const Finding& finding, const OwnerSnapshot& owners,
                     const OwnerLabels& previous) {
  const Count count = count_of(finding.id);
  if (count == nullptr || !finding.direction || !finding.port) return {};
  const Holders holders = holders_of(finding, count, owners, previous);
  const bool stays = holders.previous > 0 && holders.previous >= kShareToStay * holders.all;
  if (stays) return previous;
  const bool has_most = 2 * holders.most > holders.all && is_owner(holders.owner);
  return has_most ? holders.owner : OwnerLabels{};
}

}  // namespace

void name_owners(std::vector<Finding>& found, const Findings* before, const OwnerSnapshot* owners) {
  for (Finding& finding : found) {
    OwnerLabels previous;
    if (before != nullptr) {
      const auto same = std::find_if(before->found.begin(), before->found.end(),
                                     [&](const Finding& each) { return each.is_same(finding); });
      if (same != before->found.end()) previous = same->owner;
    }
    finding.owner = owners == nullptr ? previous : owner_of(finding, *owners, previous);
  }
}

}  // namespace sockdiag
