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
}

void ListenerWatch::begin() {
  counted_.give_back_memory();
  lengths_.clear();
  polled_.clear();
}

void ListenerWatch::add(const SocketRecord& record) {
  if (tcp_state_from_number(record.state_number) != TcpState::listen) return;
  if (!known_[record.local_port]) return;
  lengths_[series_of(record.local_port)] += record.receive_queue;
  if (record.drops) polled_.push_back({record.cookie, record.local_port, *record.drops});
}

void ListenerWatch::finish(TimePoint now) {
  for (const std::uint16_t port : seated_) peaks_[port].saw(lengths_[port], now);
  peaks_[0].saw(lengths_[0], now);
  make_room(now);
  count_drops(now);
  forget_gone(now);
}

// All that allocates: then the poll is counted whole.
void ListenerWatch::make_room(TimePoint now) {
  for (const Polled& each : polled_) {
    counted_.insert(each.cookie, {.last_seen = now});
    dropped_.make_room(series_of(each.port));
  }
}

void ListenerWatch::count_drops(TimePoint now) noexcept {
  for (const Polled& each : polled_) {
    Counted& counted = *counted_.find(each.cookie);
    dropped_.add(series_of(each.port), each.drops - counted.drops);
    counted.drops = each.drops;
    counted.last_seen = now;
  }
}

void ListenerWatch::forget_gone(TimePoint now) noexcept {
  const Duration retention = counted_.size() > kMaxRemembered ? Duration{} : kRetention;
  counted_.erase_if([&](const Counted& counted) { return counted.last_seen + retention < now; });
}

ListenerCounts ListenerWatch::counts_of(std::uint16_t series, TimePoint start) {
  return {series, peaks_[series].since(start), dropped_.at(series)};
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
