// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/listener_watch.hpp"

#include <algorithm>
#include <utility>

#include "sockdiag/core/tcp_state.hpp"

namespace sockdiag {

void ListenerWatch::Peak::record_seen(std::uint64_t length, TimePoint now) {
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

bool ListenerWatch::knows(std::uint16_t port) const noexcept {
  return std::binary_search(known_.begin(), known_.end(), port);
}

void ListenerWatch::record_seen(const DirectionCounts& inbound,
                                std::vector<std::uint16_t> listening, TimePoint now) {
  known_ = std::move(listening);
  seated_.clear();
  for (const PortCounts& counts : inbound.ports) seated_.push_back(counts.port);
  std::erase_if(peaks_, [&](const auto& entry) { return series_of(entry.first) != entry.first; });
  for (const PortCounts& counts : inbound.ports) {
    peaks_[counts.port].record_seen(counts.accept_queue.length, now);
  }
  peaks_[0].record_seen(inbound.other.accept_queue.length, now);
  count_waiting();
}

void ListenerWatch::count_waiting() {
  for (auto each = waiting_.begin(); each != waiting_.end();) {
    if (!knows(each->first)) {
      ++each;
      continue;
    }
    dropped_[series_of(each->first)] += each->second;
    each = waiting_.erase(each);
  }
}

void ListenerWatch::begin(TimePoint now, const ReadListenDrops& read) {
  counted_.give_back_memory();
  lengths_.clear();
  polled_.clear();
  full_.clear();
  all_have_drops_ = true;
  before_.reset();
  reads_ = news_ || now - read_at_ >= kReadAge;
  if (!reads_) return;
  before_ = read();
  read_at_ = now;
}

void ListenerWatch::add(const SocketRecord& record) {
  if (tcp_state_from_number(record.state_number) != TcpState::listen) return;
  const std::uint16_t port = record.local_port;
  if (knows(port)) lengths_[series_of(port)] += record.receive_queue;
  // sk_acceptq_is_full() in include/net/sock.h
  if (record.receive_queue > record.send_queue) full_.push_back(port);
  if (record.drops) polled_.push_back({record.cookie, port, *record.drops});
  all_have_drops_ = all_have_drops_ && record.drops;
}

bool ListenerWatch::finish(TimePoint now, const ReadListenDrops& read) {
  make_room();
  if (news_ && !reads_) return false;
  for (const std::uint16_t port : seated_) peaks_[port].record_seen(lengths_[port], now);
  peaks_[0].record_seen(lengths_[0], now);
  const bool read_failed = reads_ && !before_;
  const bool needs_growth = counters_moved_ || read_failed || !base_;
  count_poll(now, needs_growth ? read() : std::max(base_, before_));
  forget_gone(now);
  return true;
}

// Does all that may throw, so that the poll is counted as a whole or not at all.
void ListenerWatch::make_room() {
  claims_.clear();
  claims_.reserve(polled_.size());
  counters_moved_ = false;
  news_ = polled_.size() != listeners_;
  for (const Polled& each : polled_) {
    const Counted& counted = counted_.insert(each.cookie, {});
    counters_moved_ = counters_moved_ || counted.drops != each.drops;
    news_ = news_ || counters_moved_ || counted.last_seen != finished_at_;
    if (knows(each.port)) {
      dropped_.try_emplace(series_of(each.port), 0);
    } else {
      waiting_.try_emplace(each.port, 0);
    }
  }
}

void ListenerWatch::count_poll(TimePoint now, ListenDrops after) noexcept {
  std::sort(full_.begin(), full_.end());
  take_claims(now);
  if (after) {
    base_ = credit_until(*after);
  } else {
    base_.reset();
  }
  known_drops_ = after.has_value() && all_have_drops_;
  full_before_.swap(full_);
  finished_at_ = now;
  listeners_ = polled_.size();
  news_ = news_ || !after;
}

// Fills claims_ by port, each port once.
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

// Returns the next base. The next dump may be the first to show drops after the read before this
// dump.
std::uint64_t ListenerWatch::credit_until(std::uint64_t after) noexcept {
  if (!base_ || after < *base_) return std::min(before_.value_or(after), after);
  const std::uint64_t credited = credit(after - *base_);
  return std::max(*base_ + credited, std::min(before_.value_or(0), after));
}

// Returns how much of the growth has been credited.
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

std::uint64_t& ListenerWatch::drops_of(std::uint16_t port) noexcept {
  return knows(port) ? dropped_.find(series_of(port))->second : waiting_.find(port)->second;
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
