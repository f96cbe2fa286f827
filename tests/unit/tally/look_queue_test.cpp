// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/look_queue.hpp"

#include <map>
#include <random>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using Queue = LookQueue<std::uint32_t>;
constexpr auto kDepth = static_cast<std::uint32_t>(Queue::kDepth);

// What was handed over, and by how many at a time.
struct Taken {
  std::map<std::uint32_t, int> times;
  std::vector<std::size_t> portions;

  auto take() {
    return [this](std::span<const std::uint32_t> looks) {
      portions.push_back(looks.size());
      for (const std::uint32_t look : looks) ++times[look];
    };
  }
};

}  // namespace

TEST_CASE("Looks wait until there are enough for their region") {
  Queue queue;
  queue.begin(2);
  Taken taken;
  for (std::uint32_t i = 1; i < kDepth; ++i) queue.add(0, i, taken.take());
  for (std::uint32_t i = 1; i < kDepth; ++i) queue.add(1, kDepth + i, taken.take());
  CHECK(taken.times.empty());
  queue.add(1, 2 * kDepth, taken.take());
  CHECK(taken.times.size() == kDepth);
  CHECK(taken.times.begin()->first == kDepth + 1);
  CHECK(taken.portions == std::vector<std::size_t>(kDepth / Queue::kAtOnce, Queue::kAtOnce));
}

TEST_CASE("At the end each look has been handed over once, also from regions that were not known") {
  std::mt19937 random(20261125);
  Queue queue;
  queue.begin(4);
  Taken taken;
  constexpr std::uint32_t kLooks = 20 * kDepth + 5;
  for (std::uint32_t i = 0; i < kLooks; ++i) queue.add(random() % 16, i, taken.take());
  queue.hand_over_all(taken.take());
  CHECK(taken.times.size() == kLooks);
  for (const auto& [look, times] : taken.times) REQUIRE(times == 1);
  Taken again;
  queue.hand_over_all(again.take());
  CHECK(again.times.empty());
}

TEST_CASE("A new beginning drops what was kept back") {
  Queue queue;
  queue.begin(4);
  Taken taken;
  queue.add(3, 7, taken.take());
  queue.begin(1);
  queue.add(0, 8, taken.take());
  queue.hand_over_all(taken.take());
  CHECK(taken.times == std::map<std::uint32_t, int>{{8, 1}});
}

}  // namespace sockdiag::test
