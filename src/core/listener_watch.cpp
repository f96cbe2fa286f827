// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/core/listener_watch.hpp"

#include <algorithm>

#include "sockdiag/core/tcp_state.hpp"

namespace sockdiag {

void ListenerWatch::Peak::saw(std::uint64_t length, TimePoint now) {
  while (!falling_.empty() && falling_.back().length <= length) falling_.pop_back();
  falling_.push_back({now, length});
}

std::uint64_t ListenerWatch::Peak::since(TimePoint start) {
  const auto in_window = std::find_if(falling_.begin(), falling_.end(),
                                      [&](const Seen& seen) { return seen.at >= start; });
  falling_.erase(falling_.begin(), in_window);
  return falling_.empty() ? 0 : falling_.front().length;
}

std::uint16_t ListenerWatch::series_of(std::uint16_t port) const {
  return std::binary_search(seated_.begin(), seated_.end(), port) ? port : std::uint16_t{0};
}

void ListenerWatch::saw(const DirectionCounts& inbound, const PortSet& listening, TimePoint now) {
  known_ = listening;
  seated_.clear();
  for (const PortCounts& counts : inbound.ports) seated_.push_back(counts.port);
  std::erase_if(peaks_, [&](const auto& entry) { return series_of(entry.first) != entry.first; });
  for (const PortCounts& counts : inbound.ports) {
    peaks_[counts.port].saw(counts.accept_queue.length, now);
  }
  peaks_[0].saw(inbound.other.accept_queue.length, now);
  count_waiting();
}

void ListenerWatch::count_waiting() {
  for (auto each = waiting_.begin(); each != waiting_.end();) {
    if (!known_[each->first]) {
      ++each;
      continue;
    }
    dropped_[series_of(each->first)] += each->second;
    each = waiting_.erase(each);
  }
}

void ListenerWatch::begin(ListenDrops before) {
  counted_.give_back_memory();
  lengths_.clear();
  polled_.clear();
  full_.clear();
  before_ = before;
  all_told_ = true;
}

void ListenerWatch::add(const SocketRecord& record) {
  if (tcp_state_from_number(record.state_number) != TcpState::listen) return;
  const std::uint16_t port = record.local_port;
  if (known_[port]) lengths_[series_of(port)] += record.receive_queue;
  // sk_acceptq_is_full() in include/net/sock.h
  if (record.receive_queue > record.send_queue) full_.push_back(port);
  if (record.drops) polled_.push_back({record.cookie, port, *record.drops});
  all_told_ = all_told_ && record.drops;
}

void ListenerWatch::finish(TimePoint now, ListenDrops after) {
  for (const std::uint16_t port : seated_) peaks_[port].saw(lengths_[port], now);
  peaks_[0].saw(lengths_[0], now);
  make_room(now);
  count_poll(now, after);
  forget_gone(now);
}

// All that allocates: then the poll is counted whole.
void ListenerWatch::make_room(TimePoint now) {
  claims_.clear();
  claims_.reserve(polled_.size());
  for (const Polled& each : polled_) {
    counted_.insert(each.cookie, {.last_seen = now});
    if (known_[each.port]) {
      dropped_.try_emplace(series_of(each.port), 0);
    } else {
      waiting_.try_emplace(each.port, 0);
    }
  }
}

void ListenerWatch::count_poll(TimePoint now, ListenDrops after) noexcept {
  std::sort(full_.begin(), full_.end());
  take_claims(now);
  const ListenDrops growth = growth_until(after);
  open_ = grown_while_polled(after);
  if (growth) open_ = std::min(open_, *growth - credit(*growth));
  after_ = after;
  known_drops_ = after.has_value() && all_told_;
  full_before_.swap(full_);
}

// By port, each once.
void ListenerWatch::take_claims(TimePoint now) noexcept {
  for (const Polled& each : polled_) {
    Counted& counted = *counted_.find(each.cookie);
    const std::uint32_t drops = each.drops - counted.drops;
    if (drops > 0) claims_.push_back({each.port, drops});
    counted.drops = each.drops;
    counted.last_seen = now;
  }
  std::sort(claims_.begin(), claims_.end(),
            [](const PortDrops& a, const PortDrops& b) { return a.port < b.port; });
  std::size_t ports = 0;
  for (const PortDrops& claim : claims_) {
    if (ports > 0 && claims_[ports - 1].port == claim.port) {
      claims_[ports - 1].drops += claim.drops;
    } else {
      claims_[ports++] = claim;
    }
  }
  claims_.resize(ports);
}

// The most that the poll's ports may have dropped since the poll before; nothing where that cannot
// be told.
ListenerWatch::ListenDrops ListenerWatch::growth_until(ListenDrops after) const noexcept {
  if (!after || !after_ || *after < *after_) return std::nullopt;
  return *after - *after_ + open_;
}

// Returns how much of the growth is in the counters now.
std::uint64_t ListenerWatch::credit(std::uint64_t growth) noexcept {
  const auto others = std::partition(claims_.begin(), claims_.end(),
                                     [this](const auto& claim) { return was_full(claim.port); });
  std::uint64_t claimed = 0;
  for (auto claim = claims_.begin(); claim != others; ++claim) claimed += claim->drops;
  // The others get nothing that ports with a full queue may have dropped.
  const std::uint64_t left = growth - std::min(growth, claimed);
  return credit(claims_.begin(), others, growth) + credit(others, claims_.end(), left);
}

std::uint64_t ListenerWatch::credit(std::vector<PortDrops>::iterator first,
                                    std::vector<PortDrops>::iterator last,
                                    std::uint64_t growth) noexcept {
  std::uint64_t claimed = 0;
  for (auto claim = first; claim != last; ++claim) claimed += claim->drops;
  const std::uint64_t false_claims = claimed - std::min(claimed, growth);
  std::uint64_t credited = 0;
  for (auto claim = first; claim != last; ++claim) {
    const std::uint64_t certain = claim->drops - std::min(claim->drops, false_claims);
    drops_of(claim->port) += certain;
    credited += certain;
  }
  return credited;
}

std::uint64_t ListenerWatch::grown_while_polled(ListenDrops after) const noexcept {
  return before_ && after && *before_ < *after ? *after - *before_ : 0;
}

std::uint64_t& ListenerWatch::drops_of(std::uint16_t port) noexcept {
  return known_[port] ? dropped_.find(series_of(port))->second : waiting_.find(port)->second;
}

bool ListenerWatch::was_full(std::uint16_t port) const noexcept {
  return std::binary_search(full_.begin(), full_.end(), port) ||
         std::binary_search(full_before_.begin(), full_before_.end(), port);
}

void ListenerWatch::forget_gone(TimePoint now) noexcept {
  const Duration retention = counted_.size() > kMaxRemembered ? Duration{} : kRetention;
  counted_.erase_if([&](const Counted& counted) { return counted.last_seen + retention < now; });
}

ListenerCounts ListenerWatch::counts_of(std::uint16_t series, TimePoint start) {
  ListenerCounts counts{series, peaks_[series].since(start), std::nullopt};
  if (known_drops_) counts.drops = dropped_[series];
  return counts;
}

ListenerSnapshot ListenerWatch::report(TimePoint now, Duration window) {
  ListenerSnapshot snapshot;
  for (const std::uint16_t port : seated_) {
    snapshot.ports.push_back(counts_of(port, now - window));
  }
  snapshot.other = counts_of(0, now - window);
  return snapshot;
}

}  // namespace sockdiag
