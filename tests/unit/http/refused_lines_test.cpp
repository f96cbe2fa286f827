// SPDX-License-Identifier: Apache-2.0
#include "http/refused_lines.hpp"

#include "http/start_checks.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {

TEST_CASE("A line a minute names all connections refused since the last one", "[http]") {
  using namespace std::chrono_literals;
  RefusedLines lines;
  const RefusedLines::TimePoint start{};
  CHECK(lines.count(Refused::client, start) == 1U);
  for (int i = 0; i < 59; ++i) CHECK_FALSE(lines.count(Refused::client, start + i * 1s));
  CHECK(lines.count(Refused::network, start + 59s) == 1U);
  CHECK(lines.count(Refused::client, start + 60s) == 60U);
  CHECK_FALSE(lines.count(Refused::client, start + 119s));
}

TEST_CASE("Connections can wait with the descriptors that nothing else needs", "[http]") {
  constexpr unsigned kWorkers = 64;
  constexpr std::size_t kAddresses = 3;
  constexpr rlim_t kOthers = 64 + 2 * 3 + 40;
  CHECK_FALSE(waiting_within(kOthers + 63, kAddresses, kWorkers));
  CHECK(waiting_within(kOthers + 64, kAddresses, kWorkers) == 64U);
  CHECK(waiting_within(kOthers + 100, kAddresses, kWorkers) == 100U);
  CHECK(waiting_within(RLIM_INFINITY, kAddresses, kWorkers) == 512U);
}

}  // namespace sockdiag::test
