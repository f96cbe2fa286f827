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

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
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

void PortHistory::record(const PortCounts& counts, Direction direction,
                         std::optional<std::uint64_t> drops, const Times& times) noexcept {
  if (known_steps_ == 0) last_used_ = times.now;
  record_slot(counts, direction, drops, times);
  record_step(counts, direction, times);
  record_listeners(counts, times);
}

void PortHistory::record_slot(const PortCounts& counts, Direction direction,
                              std::optional<std::uint64_t> drops, const Times& times) noexcept {
  Slot now{.time_wait_started = counts.time_wait_started,
           .drops = drops.value_or(Slot::kUnknown),
           .close_wait = close_waits_of(counts, direction),
           .lingering_close_wait = lingering_close_waits_of(counts, direction),
           .retransmitting = counts.retransmitting_syn_recv,
           .established = counts.sockets[index_of(TcpState::established)],
           .senders = senders_of(counts.sockets),
           .samples = 1,
           .least_queue = limited(counts.accept_queue.length),
           .most_queue = limited(counts.accept_queue.length),
           .utilization_sum = static_cast<float>(counts.accept_queue.utilization),
           .utilization = static_cast<float>(counts.accept_queue.utilization)};
  std::transform(counts.stays.begin(), counts.stays.end(), now.lingering.begin(),
                 [](const Stay& stay) { return stay.lingering; });
  Slot& slot = slots_[times.slots.index(0)];
  if (times.new_slot || known_slots_ == 0) {
    known_slots_ =
        static_cast<std::uint8_t>(std::min<std::size_t>(known_slots_ + 1U, slots_.size()));
    slot = now;
    return;
  }
  take_least(slot.close_wait, now.close_wait);
  take_least(slot.lingering_close_wait, now.lingering_close_wait);
  take_least(slot.lingering, now.lingering);
  slot.retransmitting = std::min(slot.retransmitting, now.retransmitting);
  slot.utilization = std::min(slot.utilization, now.utilization);
  slot.least_queue = std::min(slot.least_queue, now.least_queue);
  slot.most_queue = std::max(slot.most_queue, now.most_queue);
  slot.established = std::max(slot.established, now.established);
  slot.senders = std::max(slot.senders, now.senders);
  slot.utilization_sum += now.utilization;
  ++slot.samples;
}

void PortHistory::record_step(const PortCounts& counts, Direction direction,
                              const Times& times) noexcept {
  const auto receive_queue = static_cast<float>(counts.receive_queue_bytes);
  const auto send_queue = static_cast<float>(counts.send_queue_bytes);
  const std::uint32_t limit = limited(counts.accept_queue.limit);
  const std::uint32_t leaked = close_waits_of(counts, direction)[0];
  Step& step = steps_[times.steps.index(0)];
  if (times.new_step || known_steps_ == 0) {
    known_steps_ =
        static_cast<std::uint8_t>(std::min<std::size_t>(known_steps_ + 1U, steps_.size()));
    step = {leaked, limit, {receive_queue, receive_queue}, {send_queue, send_queue}};
    return;
  }
  const auto add = [](Bytes& bytes, float now) {
    bytes = {std::min(bytes.least, now), std::max(bytes.most, now)};
  };
  step.leaked = std::min(step.leaked, leaked);
  step.accept_limit = std::max(step.accept_limit, limit);
  add(step.receive_queue, receive_queue);
  add(step.send_queue, send_queue);
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
  if (known < Times::kSlots || slot(known - 1, times).least_queue < least) return false;
  for (std::size_t back = 1; back < known; ++back) {
    if (slot(back - 1, times).least_queue < slot(back, times).most_queue) return false;
  }
  return true;
}

std::size_t PortHistory::slots(const Times& times) const noexcept {
  return std::min<std::size_t>(known_slots_, times.window);
}

template <typename Member>
auto PortHistory::least(const Times& times, const Member& member) const noexcept {
  auto least = member(slot(0, times));
  for (std::size_t back = 1; back < slots(times); ++back) {
    least = std::min(least, member(slot(back, times)));
  }
  return least;
}

template <typename Member>
auto PortHistory::most(const Times& times, const Member& member) const noexcept {
  auto most = member(slot(0, times));
  for (std::size_t back = 1; back < slots(times); ++back) {
    most = std::max(most, member(slot(back, times)));
  }
  return most;
}

std::uint32_t PortHistory::close_wait(CloseWaitKind kind, const Times& times) const noexcept {
  const auto index = static_cast<std::size_t>(kind);
  return least(times, [&](const Slot& slot) { return slot.close_wait[index]; });
}

std::uint32_t PortHistory::lingering_close_wait(CloseWaitKind kind,
                                                const Times& times) const noexcept {
  const auto index = static_cast<std::size_t>(kind);
  return least(times, [&](const Slot& slot) { return slot.lingering_close_wait[index]; });
}

std::uint32_t PortHistory::lingering(TcpState state, const Times& times) const noexcept {
  const std::size_t index = passing_index_of(state);
  return least(times, [&](const Slot& slot) { return slot.lingering[index]; });
}

std::uint32_t PortHistory::retransmitting(const Times& times) const noexcept {
  return least(times, [](const Slot& slot) { return slot.retransmitting; });
}

double PortHistory::least_utilization(const Times& times) const noexcept {
  return least(times, [](const Slot& slot) { return slot.utilization; });
}

double PortHistory::mean_utilization(const Times& times) const noexcept {
  double sum = 0;
  double samples = 0;
  for (std::size_t back = 0; back < slots(times); ++back) {
    sum += slot(back, times).utilization_sum;
    samples += slot(back, times).samples;
  }
  return samples > 0 ? sum / samples : 0;
}

std::uint32_t PortHistory::most_established(const Times& times) const noexcept {
  return most(times, [](const Slot& slot) { return slot.established; });
}

std::uint32_t PortHistory::most_senders(const Times& times) const noexcept {
  return most(times, [](const Slot& slot) { return slot.senders; });
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
      growth = Growth{static_cast<double>(count - before), seconds(age)};
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
    const double leaked = step(back, times).leaked;
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
    limit = std::max<std::uint64_t>(limit, step(back, times).accept_limit);
  }
  return limit;
}

std::optional<double> PortHistory::stuck(Bytes Step::*queue, const Times& times) const noexcept {
  const std::size_t part = times.steps_of_samples(kCompared);
  const std::size_t last = 2 * part;  // the newest step has just begun
  if (steps(times) <= last) return std::nullopt;
  if (times.now - times.steps.start(last) > (2 * last + 1) * times.step_length) return std::nullopt;
  float now = (step(0, times).*queue).least;
  for (std::size_t back = 1; back <= part; ++back) {
    now = std::min(now, (step(back, times).*queue).least);
  }
  Bytes before = step(last, times).*queue;
  for (std::size_t back = part + 1; back < last; ++back) {
    before.least = std::min(before.least, (step(back, times).*queue).least);
    before.most = std::max(before.most, (step(back, times).*queue).most);
  }
  if (now < static_cast<float>(kSteady) * before.most) return std::nullopt;
  return std::min(now, before.least);
}

std::optional<double> PortHistory::stuck_receive_queue(const Times& times) const noexcept {
  return stuck(&Step::receive_queue, times);
}

std::optional<double> PortHistory::stuck_send_queue(const Times& times) const noexcept {
  return stuck(&Step::send_queue, times);
}

std::optional<PortHistory::Loss> PortHistory::listener_loss(const Times& times) const noexcept {
  if (!has_listened_ || samples_without_listener_ == 0) return std::nullopt;
  return Loss{last_listening_ - first_listening_, times.now - last_listening_,
              samples_without_listener_};
}

}  // namespace sockdiag
