// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/configuration/duration.hpp"

#include "support/catch.hpp"

namespace sockdiag::test {

using namespace std::chrono_literals;

TEST_CASE("Durations are read as Prometheus writes them") {
  CHECK(parse_duration("5s") == 5s);
  CHECK(parse_duration("100ms") == 100ms);
  CHECK(parse_duration("1m30s") == 90s);
  CHECK(parse_duration("1h1ms") == 1h + 1ms);
  CHECK(parse_duration("2d") == 48h);
  CHECK(parse_duration("1w") == 168h);
  CHECK(parse_duration("1y2w3d4h5m6s7ms") == 365 * 24h + 14 * 24h + 3 * 24h + 4h + 5min + 6s + 7ms);
  CHECK(parse_duration("1800000ms") == 30min);
  CHECK(parse_duration("0") == 0s);
  CHECK(parse_duration("0s") == 0s);
}

TEST_CASE("What is no duration is refused") {
  for (const char* text : {"", "5", "s", "5 s", " 5s", "5s ", "-5s", "+5s", "1.5s", "5S", "30s1m",
                           "5s5s", "1m1m", "5sec", "0x5s", "999999999999999999999s", "99999999y"}) {
    CAPTURE(text);
    CHECK(parse_duration(text) == std::nullopt);
  }
}

TEST_CASE("A duration is written so that it is read again") {
  for (const auto duration : {0ms, 1ms, 1500ms, 60'000ms, 90'000ms, 3'600'000ms, 86'400'000ms}) {
    CHECK(parse_duration(format_duration(duration)) == duration);
  }
  CHECK(format_duration(5s) == "5s");
  CHECK(format_duration(10min) == "10m");
  CHECK(format_duration(1500ms) == "1s500ms");
}

}  // namespace sockdiag::test
