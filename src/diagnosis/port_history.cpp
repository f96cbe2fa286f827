// SPDX-License-Identifier: Apache-2.0
#include "port_history.hpp"

#include <algorithm>
#include <numeric>

namespace sockdiag {
namespace {

constexpr std::chrono::minutes kBlock{5};  // a leak grows in each of three
constexpr double kBlockGrowth = 1.05;      // less is the noise of a pile that stands
constexpr std::size_t kCompared = 6;       // samples of a queue, with as many before
constexpr double kSteady = 0.99;           // queues of thousands of busy sockets move by more

std::uint32_t senders_of(const StateCounts& sockets) {
  constexpr std::array kSending = {TcpState::established, TcpState::fin_wait1, TcpState::close_wait,
                                   TcpState::closing, TcpState::last_ack};
  std::uint32_t senders = 0;
  for (const TcpState state : kSending) senders += sockets[index_of(state)];
  return senders;
}

std::uint32_t limited(std::uint64_t count) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(count, ~std::uint32_t{0}));
}

template <typename Array>
void take_least(Array& to, const Array& from) {
  std::transform(to.begin(), to.end(), from.begin(), to.begin(),
                 [](auto a, auto b) { return std::min(a, b); });
}

}  // namespace

namespace {

using Causes = std::array<std::uint32_t, kCloseWaitCauseCount>;

CloseWaitCounts by_kind(const Causes& causes, Direction direction) {
  const auto of = [&](CloseWaitCause cause) { return causes[index_of(cause)]; };
  const std::uint32_t data = of(CloseWaitCause::unread_data);
  const std::uint32_t ends = of(CloseWaitCause::unread_goodbye) + of(CloseWaitCause::unread_eof);
  const std::uint32_t leaked = of(CloseWaitCause::not_closed);
  if (direction == Direction::outbound) return {leaked + data, ends, 0};
  return {leaked, data + ends, of(CloseWaitCause::not_accepted)};
}

}  // namespace

CloseWaitCounts close_waits_of(const PortCounts& counts, Direction direction) noexcept {
  Causes causes = counts.close_wait_causes;
  causes[index_of(CloseWaitCause::not_closed)] -= counts.served_close_wait;
  return by_kind(causes, direction);
}

CloseWaitCounts lingering_close_waits_of(const PortCounts& counts, Direction direction) noexcept {
  return by_kind(counts.lingering_close_wait, direction);
}

void Times::advance(TimePoint time, std::chrono::nanoseconds interval) noexcept {
  const auto slot_length = std::max<std::chrono::nanoseconds>(kSlot, interval);
  step_length = std::max<std::chrono::nanoseconds>(kStep, interval);
  sample_length = interval;
  now = time;
  new_slot = slots.advance(now, slot_length, slot_length / 10);
  new_step = steps.advance(now, step_length, slot_length / 10);
  const auto length = std::max<std::chrono::nanoseconds>(kWindow, kWindowSlots * slot_length);
  window = slots.count_since(now - length);
}

std::size_t Times::steps_of_samples(std::size_t samples) const noexcept {
  const auto needed = static_cast<std::int64_t>(samples) * sample_length;
  return 1 + static_cast<std::size_t>(std::max<std::int64_t>(needed.count() - 1, 0) /
                                      step_length.count());
}

PortHistory::Trouble PortHistory::trouble_of(const PortCounts& counts,
                                             Direction direction) noexcept {
  Trouble trouble{.close_wait = close_waits_of(counts, direction),
                  .lingering_close_wait = lingering_close_waits_of(counts, direction),
                  .retransmitting = counts.retransmitting_syn_recv,
                  .least_queue = limited(counts.accept_queue.length),
                  .most_queue = limited(counts.accept_queue.length),
                  .utilization_sum = static_cast<float>(counts.accept_queue.utilization),
                  .utilization = static_cast<float>(counts.accept_queue.utilization)};
  std::transform(counts.stays.begin(), counts.stays.end(), trouble.lingering.begin(),
                 [](const Stay& stay) { return stay.lingering; });
  return trouble;
}

PortHistory::Pile PortHistory::pile_of(const PortCounts& counts, Direction direction) noexcept {
  const auto receive_queue = static_cast<float>(counts.receive_queue_bytes);
  const auto send_queue = static_cast<float>(counts.send_queue_bytes);
  return {close_waits_of(counts, direction)[0],
          {receive_queue, receive_queue},
          {send_queue, send_queue}};
}

void PortHistory::add(Trouble& trouble, const Trouble& now) noexcept {
  take_least(trouble.close_wait, now.close_wait);
  take_least(trouble.lingering_close_wait, now.lingering_close_wait);
  take_least(trouble.lingering, now.lingering);
  trouble.retransmitting = std::min(trouble.retransmitting, now.retransmitting);
  trouble.utilization = std::min(trouble.utilization, now.utilization);
  trouble.least_queue = std::min(trouble.least_queue, now.least_queue);
  trouble.most_queue = std::max(trouble.most_queue, now.most_queue);
  trouble.utilization_sum += now.utilization;
}

void PortHistory::add(Pile& pile, const Pile& now) noexcept {
  const auto add = [](Bytes& bytes, const Bytes& more) {
    bytes = {std::min(bytes.least, more.least), std::max(bytes.most, more.most)};
  };
  pile.leaked = std::min(pile.leaked, now.leaked);
  add(pile.receive_queue, now.receive_queue);
  add(pile.send_queue, now.send_queue);
}

void PortHistory::make_room_for(const PortCounts& counts, Direction direction) {
  troubles_.make_room_for(trouble_of(counts, direction));
  piles_.make_room_for(pile_of(counts, direction));
}

void PortHistory::record(const PortCounts& counts, Direction direction,
                         std::optional<std::uint64_t> drops, const Times& times) noexcept {
  if (known_steps_ == 0) last_used_ = times.now;
  record_trouble(trouble_of(counts, direction), record_slot(counts, drops, times), times);
  record_pile(pile_of(counts, direction), record_step(counts, times), times);
  record_listeners(counts, times);
}

bool PortHistory::record_slot(const PortCounts& counts, std::optional<std::uint64_t> drops,
                              const Times& times) noexcept {
  const Slot now{.time_wait_started = counts.time_wait_started,
                 .drops = drops.value_or(Slot::kUnknown),
                 .established = counts.sockets[index_of(TcpState::established)],
                 .senders = senders_of(counts.sockets),
                 .samples = 1};
  Slot& slot = slots_[times.slots.index(0)];
  if (times.new_slot || known_slots_ == 0) {
    known_slots_ =
        static_cast<std::uint8_t>(std::min<std::size_t>(known_slots_ + 1U, slots_.size()));
    slot = now;
    return true;
  }
  slot.established = std::max(slot.established, now.established);
  slot.senders = std::max(slot.senders, now.senders);
  ++slot.samples;
  return false;
}

void PortHistory::record_trouble(const Trouble& now, bool new_slot, const Times& times) noexcept {
  Trouble slot = trouble(0, times);
  if (new_slot) {
    slot = now;
  } else {
    add(slot, now);
  }
  troubles_.set(times.slots.index(0), slot);
  troubles_.free_if_all_are({});
}

bool PortHistory::record_step(const PortCounts& counts, const Times& times) noexcept {
  const std::uint32_t limit = limited(counts.accept_queue.limit);
  std::uint32_t& step = accept_limits_[times.steps.index(0)];
  if (times.new_step || known_steps_ == 0) {
    known_steps_ =
        static_cast<std::uint8_t>(std::min<std::size_t>(known_steps_ + 1U, accept_limits_.size()));
    step = limit;
    return true;
  }
  step = std::max(step, limit);
  return false;
}

void PortHistory::record_pile(const Pile& now, bool new_step, const Times& times) noexcept {
  Pile step = pile(0, times);
  if (new_step) {
    step = now;
  } else {
    add(step, now);
  }
  piles_.set(times.steps.index(0), step);
  piles_.free_if_all_are({});
}

void PortHistory::record_listeners(const PortCounts& counts, const Times& times) noexcept {
  if (std::accumulate(counts.sockets.begin(), counts.sockets.end(), std::uint64_t{0}) > 0) {
    last_used_ = times.now;
  }
  if (counts.sockets[index_of(TcpState::listen)] == 0) {
    ++samples_without_listener_;
    return;
  }
  if (!has_listened_ || samples_without_listener_ > 0) first_listening_ = times.now;
  last_listening_ = times.now;
  has_listened_ = true;
  samples_without_listener_ = 0;
}

bool PortHistory::accept_queue_stands(double least, const Times& times) const noexcept {
  const std::size_t known = std::min<std::size_t>(known_slots_, times.slots.count());
  if (known < Times::kSlots || trouble(known - 1, times).least_queue < least) return false;
  for (std::size_t back = 1; back < known; ++back) {
    if (trouble(back - 1, times).least_queue < trouble(back, times).most_queue) return false;
  }
  return true;
}

std::size_t PortHistory::slots(const Times& times) const noexcept {
  return std::min<std::size_t>(known_slots_, times.window);
}

template <typename ValueOf>
auto PortHistory::least(const Times& times, const ValueOf& value_of) const noexcept {
  auto least = value_of(0);
  for (std::size_t back = 1; back < slots(times); ++back) {
    least = std::min(least, value_of(back));
  }
  return least;
}

template <typename ValueOf>
auto PortHistory::most(const Times& times, const ValueOf& value_of) const noexcept {
  auto most = value_of(0);
  for (std::size_t back = 1; back < slots(times); ++back) {
    most = std::max(most, value_of(back));
  }
  return most;
}

std::uint32_t PortHistory::close_wait(CloseWaitKind kind, const Times& times) const noexcept {
  const auto index = static_cast<std::size_t>(kind);
  return least(times, [&](std::size_t back) { return trouble(back, times).close_wait[index]; });
}

std::uint32_t PortHistory::lingering_close_wait(CloseWaitKind kind,
                                                const Times& times) const noexcept {
  const auto index = static_cast<std::size_t>(kind);
  return least(times,
               [&](std::size_t back) { return trouble(back, times).lingering_close_wait[index]; });
}

std::uint32_t PortHistory::lingering(TcpState state, const Times& times) const noexcept {
  const std::size_t index = passing_index_of(state);
  return least(times, [&](std::size_t back) { return trouble(back, times).lingering[index]; });
}

std::uint32_t PortHistory::retransmitting(const Times& times) const noexcept {
  return least(times, [&](std::size_t back) { return trouble(back, times).retransmitting; });
}

double PortHistory::least_utilization(const Times& times) const noexcept {
  return least(times, [&](std::size_t back) { return trouble(back, times).utilization; });
}

double PortHistory::mean_utilization(const Times& times) const noexcept {
  double sum = 0;
  double samples = 0;
  for (std::size_t back = 0; back < slots(times); ++back) {
    sum += trouble(back, times).utilization_sum;
    samples += slot(back, times).samples;
  }
  return samples > 0 ? sum / samples : 0;
}

std::uint32_t PortHistory::most_established(const Times& times) const noexcept {
  return most(times, [&](std::size_t back) { return slot(back, times).established; });
}

std::uint32_t PortHistory::most_senders(const Times& times) const noexcept {
  return most(times, [&](std::size_t back) { return slot(back, times).senders; });
}

template <typename Member>
std::optional<Growth> PortHistory::growth(std::uint64_t count, TimePoint now, const Times& times,
                                          const Member& member) const noexcept {
  std::optional<Growth> growth;
  std::uint64_t least = count;
  for (std::size_t back = 0; back < slots(times); ++back) {
    const std::uint64_t before = member(slot(back, times));
    const auto age = now - times.slots.start(back);
    if (before > least) break;  // it began anew, or is not known
    least = before;
    if (age >= Times::kSlot - Times::kSlot / 10) {
      growth =
          Growth{static_cast<double>(count - before), std::chrono::duration<double>(age).count()};
    }
  }
  return growth;
}

std::optional<Growth> PortHistory::time_wait_starts(std::uint64_t now,
                                                    const Times& times) const noexcept {
  return growth(now, times.now, times, [](const Slot& slot) { return slot.time_wait_started; });
}

std::optional<Growth> PortHistory::drops(std::uint64_t count, TimePoint now,
                                         const Times& times) const noexcept {
  return growth(count, now, times, [](const Slot& slot) { return slot.drops; });
}

// Returns the least of the steps that began `from` to `to` ago.
std::optional<double> PortHistory::least_leaked(std::chrono::minutes from, std::chrono::minutes to,
                                                const Times& times) const noexcept {
  std::optional<double> least;
  for (std::size_t back = 0; back < steps(times); ++back) {
    const auto age = times.now - times.steps.start(back);
    if (age < from || age >= to) continue;
    const double leaked = pile(back, times).leaked;
    least = std::min(least.value_or(leaked), leaked);
  }
  return least;
}

std::optional<double> PortHistory::leaked_before(double growth, const Times& times) const noexcept {
  using std::chrono::minutes;
  const auto now = least_leaked(minutes(0), kBlock, times);
  const auto later = least_leaked(kBlock, 2 * kBlock, times);
  const auto before = least_leaked(2 * kBlock, 4 * kBlock, times);
  const auto oldest = least_leaked(3 * kBlock - minutes(1), 4 * kBlock, times);
  if (!now || !later || !before || !oldest) return std::nullopt;
  const bool rises = *now > kBlockGrowth * *later && *later > kBlockGrowth * *before;
  if (!rises || *now <= growth * *oldest) return std::nullopt;
  return oldest;
}

std::uint64_t PortHistory::accept_limit(const Times& times) const noexcept {
  std::uint64_t limit = 0;
  for (std::size_t back = 0; back < steps(times); ++back) {
    limit = std::max<std::uint64_t>(limit, accept_limits_[times.steps.index(back)]);
  }
  return limit;
}

std::optional<double> PortHistory::stuck(Bytes Pile::*queue, const Times& times) const noexcept {
  const std::size_t part = times.steps_of_samples(kCompared);
  const std::size_t last = 2 * part;  // the newest step has just begun
  if (steps(times) <= last) return std::nullopt;
  if (times.now - times.steps.start(last) > (2 * last + 1) * times.step_length) return std::nullopt;
  float now = (pile(0, times).*queue).least;
  for (std::size_t back = 1; back <= part; ++back) {
    now = std::min(now, (pile(back, times).*queue).least);
  }
  Bytes before = pile(last, times).*queue;
  for (std::size_t back = part + 1; back < last; ++back) {
    before.least = std::min(before.least, (pile(back, times).*queue).least);
    before.most = std::max(before.most, (pile(back, times).*queue).most);
  }
  if (now < static_cast<float>(kSteady) * before.most) return std::nullopt;
  return std::min(now, before.least);
}

std::optional<double> PortHistory::stuck_receive_queue(const Times& times) const noexcept {
  return stuck(&Pile::receive_queue, times);
}

std::optional<double> PortHistory::stuck_send_queue(const Times& times) const noexcept {
  return stuck(&Pile::send_queue, times);
}

std::optional<PortHistory::Loss> PortHistory::listener_loss(const Times& times) const noexcept {
  if (!has_listened_ || samples_without_listener_ == 0) return std::nullopt;
  return Loss{last_listening_ - first_listening_, times.now - last_listening_,
              samples_without_listener_};
}

}  // namespace sockdiag
