// SPDX-License-Identifier: Apache-2.0
#include "sampling/schedule.hpp"

#include "support/catch.hpp"

namespace sockdiag::test {

using namespace std::chrono_literals;

TEST_CASE("The interval stretches when a sample exceeds its share and shrinks again") {
  CHECK(interval_in_force(5s, 0.05, 0ms) == 5s);
  CHECK(interval_in_force(5s, 0.05, 250ms) == 5s);
  CHECK(interval_in_force(5s, 0.05, 500ms) == 10s);
  CHECK(interval_in_force(5s, 0.05, 1s) == 20s);
  CHECK(interval_in_force(5s, 0.05, 1ms) == 5s);
  CHECK(interval_in_force(100ms, 1.0, 300ms) == 300ms);
}

TEST_CASE("Samples are due at whole intervals, without drift and without catching up") {
  const std::chrono::steady_clock::time_point start{};
  CHECK(next_due(start, start, 5s) == start + 5s);
  CHECK(next_due(start, start + 1ms, 5s) == start + 5s);
  CHECK(next_due(start, start + 4999ms, 5s) == start + 5s);
  CHECK(next_due(start, start + 5s, 5s) == start + 10s);
  CHECK(next_due(start, start + 17s, 5s) == start + 20s);
  CHECK(next_due(start + 1s, start, 5s) == start + 6s);
}

}  // namespace sockdiag::test
