// SPDX-License-Identifier: Apache-2.0
#pragma once

// What is remembered of the sockets of one port and direction, in two rings. CLOSE_WAIT, sockets
// that linger, the accept queue and the bytes in queues take memory only while a slot or step has
// some: a port without them takes kHealthyPortBytes, any other at most kMaxPortBytes. A busy port
// has bytes in its queues in some sample of each minute.
//
// * Slots, of five seconds or of the sampling interval if that is longer. The window that rules
//   look at is the last half minute or the last three slots, whichever is longer.
// * Steps, of a minute or of the sampling interval, sixteen of them: a quarter of an hour.
//
// All ports share the rings' times. Not thread-safe.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "kernel_history.hpp"
#include "ring.hpp"
#include "sockdiag/core/direction.hpp"
#include "sockdiag/core/tcp_snapshot.hpp"
#include "sparse_array.hpp"

namespace sockdiag {

// What to do about a CLOSE_WAIT goes by its causes together: what one bug leaves.
enum class CloseWaitKind : std::uint8_t {
  leaked,       // inbound: not_closed; outbound: unread_data, too
  unread,       // inbound: data, goodbye or end of the stream; outbound: without data
  not_accepted  // inbound alone
};

using CloseWaitCounts = std::array<std::uint32_t, 3>;  // by CloseWaitKind

[[nodiscard]] CloseWaitCounts close_waits_of(const PortCounts& counts,
                                             Direction direction) noexcept;
[[nodiscard]] CloseWaitCounts lingering_close_waits_of(const PortCounts& counts,
                                                       Direction direction) noexcept;

// When slots and steps began.
struct Times {
  using TimePoint = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::seconds kSlot{5};
  static constexpr std::chrono::seconds kWindow{30};
  static constexpr std::size_t kWindowSlots = 3;
  static constexpr std::chrono::seconds kStep{60};
  static constexpr std::size_t kSlots = 8;
  static constexpr std::size_t kSteps = 16;

  // Begins slots and steps for a sample at `now`.
  void advance(TimePoint now, std::chrono::nanoseconds interval) noexcept;

  // Returns how many steps take so many samples.
  [[nodiscard]] std::size_t steps_of_samples(std::size_t samples) const noexcept;

  Ring<kSlots> slots;
  Ring<kSteps> steps;
  std::size_t window = 0;  // of the newest slots, as many as the window has
  std::chrono::nanoseconds step_length = kStep;
  std::chrono::nanoseconds sample_length{};
  TimePoint now;
  bool new_slot = false;
  bool new_step = false;
};

class PortHistory {
 public:
  using TimePoint = Times::TimePoint;

  static constexpr std::size_t kHealthyPortBytes = 384;
  static constexpr std::size_t kMaxPortBytes = 1331;  // 1.3 KiB

  explicit PortHistory(std::uint16_t port) noexcept : port_(port) {}

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  // Call before record() with the same counts. Throws std::bad_alloc, and changes no reading.
  void make_room_for(const PortCounts& counts, Direction direction);

  // `drops`: the counter of the port's listeners, if it is known.
  void record(const PortCounts& counts, Direction direction, std::optional<std::uint64_t> drops,
              const Times& times) noexcept;

  // Bytes of the object and of what it has allocated.
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return sizeof(*this) + troubles_.memory_bytes() + piles_.memory_bytes();
  }

  // How many slots of the window show the port.
  [[nodiscard]] std::size_t slots(const Times& times) const noexcept;

  // The least over the window.
  [[nodiscard]] std::uint32_t close_wait(CloseWaitKind kind, const Times& times) const noexcept;
  [[nodiscard]] std::uint32_t lingering_close_wait(CloseWaitKind kind,
                                                   const Times& times) const noexcept;
  [[nodiscard]] std::uint32_t lingering(TcpState state, const Times& times) const noexcept;
  [[nodiscard]] std::uint32_t retransmitting(const Times& times) const noexcept;
  [[nodiscard]] double least_utilization(const Times& times) const noexcept;
  [[nodiscard]] double mean_utilization(const Times& times) const noexcept;

  // Whether the accept queue has held `least` or more in all slots, and was never shorter in one
  // than in the slot before: that of a service which accepts moves.
  [[nodiscard]] bool accept_queue_stands(double least, const Times& times) const noexcept;

  // The most over the window.
  [[nodiscard]] std::uint32_t most_established(const Times& times) const noexcept;
  [[nodiscard]] std::uint32_t most_senders(const Times& times) const noexcept;

  // The growth of a counter until now, over the window.
  [[nodiscard]] std::optional<Growth> time_wait_starts(std::uint64_t now,
                                                       const Times& times) const noexcept;
  [[nodiscard]] std::optional<Growth> drops(std::uint64_t count, TimePoint now,
                                            const Times& times) const noexcept;

  // Returns how many sockets there were 15 minutes ago if there are `growth` times as many now, and
  // if they have become more in each five minutes since: a burst of peers that close is one step.
  [[nodiscard]] std::optional<double> leaked_before(double growth,
                                                    const Times& times) const noexcept;
  // The most that the listeners' backlogs came to within the steps.
  [[nodiscard]] std::uint64_t accept_limit(const Times& times) const noexcept;

  // Returns the least bytes of the last minutes if they never became 1 % less than before.
  [[nodiscard]] std::optional<double> stuck_receive_queue(const Times& times) const noexcept;
  [[nodiscard]] std::optional<double> stuck_send_queue(const Times& times) const noexcept;

  struct Loss {
    std::chrono::nanoseconds listened{};  // without a break, before
    std::chrono::nanoseconds lost_for{};  // since the last sample that showed a listener
    std::uint32_t samples = 0;            // without a listener
  };
  // Returns nothing if there are listeners, and if there never were.
  [[nodiscard]] std::optional<Loss> listener_loss(const Times& times) const noexcept;
  // For how long there have been no sockets of any kind.
  [[nodiscard]] std::chrono::nanoseconds idle(const Times& times) const noexcept {
    return times.now - last_used_;
  }

 private:
  struct Bytes {
    float least = 0;
    float most = 0;

    friend bool operator==(const Bytes&, const Bytes&) noexcept = default;
  };
  struct Slot {
    static constexpr std::uint64_t kUnknown = ~std::uint64_t{0};

    std::uint64_t time_wait_started = 0;  // when it began
    std::uint64_t drops = kUnknown;       // when it began
    std::uint32_t established = 0;
    std::uint32_t senders = 0;
    std::uint32_t samples = 0;
  };
  // What most ports lack, of a slot.
  struct Trouble {
    CloseWaitCounts close_wait{};
    CloseWaitCounts lingering_close_wait{};
    ByPassingState<std::uint32_t> lingering{};
    std::uint32_t retransmitting = 0;
    std::uint32_t least_queue = 0;
    std::uint32_t most_queue = 0;
    float utilization_sum = 0;
    float utilization = 0;

    friend bool operator==(const Trouble&, const Trouble&) noexcept = default;
  };
  // What only ports with traffic or leaks have, of a step.
  struct Pile {
    std::uint32_t leaked = 0;
    Bytes receive_queue;
    Bytes send_queue;

    friend bool operator==(const Pile&, const Pile&) noexcept = default;
  };

  [[nodiscard]] static Trouble trouble_of(const PortCounts& counts, Direction direction) noexcept;
  [[nodiscard]] static Pile pile_of(const PortCounts& counts, Direction direction) noexcept;
  static void add(Trouble& trouble, const Trouble& now) noexcept;
  static void add(Pile& pile, const Pile& now) noexcept;

  [[nodiscard]] const Slot& slot(std::size_t back, const Times& times) const noexcept {
    return slots_[times.slots.index(back)];
  }
  [[nodiscard]] Trouble trouble(std::size_t back, const Times& times) const noexcept {
    return troubles_.at(times.slots.index(back));
  }
  [[nodiscard]] Pile pile(std::size_t back, const Times& times) const noexcept {
    return piles_.at(times.steps.index(back));
  }
  [[nodiscard]] std::size_t steps(const Times& times) const noexcept {
    return known_steps_ < times.steps.count() ? known_steps_ : times.steps.count();
  }
  // Each returns true if the port's slot or step is a new one.
  bool record_slot(const PortCounts& counts, std::optional<std::uint64_t> drops,
                   const Times& times) noexcept;
  bool record_step(const PortCounts& counts, const Times& times) noexcept;
  void record_trouble(const Trouble& now, bool new_slot, const Times& times) noexcept;
  void record_pile(const Pile& now, bool new_step, const Times& times) noexcept;
  void record_listeners(const PortCounts& counts, const Times& times) noexcept;
  template <typename ValueOf>
  [[nodiscard]] auto least(const Times& times, const ValueOf& value_of) const noexcept;
  template <typename ValueOf>
  [[nodiscard]] auto most(const Times& times, const ValueOf& value_of) const noexcept;
  template <typename Member>
  [[nodiscard]] std::optional<Growth> growth(std::uint64_t count, TimePoint now, const Times& times,
                                             const Member& member) const noexcept;
  [[nodiscard]] std::optional<double> least_leaked(std::chrono::minutes from,
                                                   std::chrono::minutes to,
                                                   const Times& times) const noexcept;
  [[nodiscard]] std::optional<double> stuck(Bytes Pile::*queue, const Times& times) const noexcept;

  std::array<Slot, Times::kSlots> slots_{};
  std::array<std::uint32_t, Times::kSteps> accept_limits_{};  // of steps
  SparseArray<Trouble, Times::kSlots> troubles_;
  SparseArray<Pile, Times::kSteps> piles_;
  TimePoint first_listening_;
  TimePoint last_listening_;
  TimePoint last_used_;
  std::uint32_t samples_without_listener_ = 0;
  std::uint16_t port_;
  std::uint8_t known_slots_ = 0;
  std::uint8_t known_steps_ = 0;
  bool has_listened_ = false;

  static constexpr std::size_t kTroubleBytes =
      Times::kSlots * sizeof(Trouble) + Times::kSteps * sizeof(Pile);
  static_assert(kHealthyPortBytes + kTroubleBytes <= kMaxPortBytes);
};

static_assert(sizeof(PortHistory) <= PortHistory::kHealthyPortBytes);

}  // namespace sockdiag
