// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/exporter/service_manager.hpp"

#include <unistd.h>

#include <cstdlib>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using namespace std::chrono_literals;

std::optional<std::chrono::microseconds> period_of(const std::string& microseconds,
                                                   const std::string& process = "") {
  ::setenv("WATCHDOG_USEC", microseconds.c_str(), 1);
  if (!process.empty()) ::setenv("WATCHDOG_PID", process.c_str(), 1);
  const auto period = service_manager::watchdog_period();
  ::unsetenv("WATCHDOG_USEC");
  ::unsetenv("WATCHDOG_PID");
  return period;
}

}  // namespace

TEST_CASE("The watchdog's period is what the service manager says, an hour at most") {
  CHECK(service_manager::watchdog_period() == std::nullopt);
  CHECK(period_of("60000000") == 60s);
  CHECK(period_of("1") == 1us);
  CHECK(period_of("18446744073709551615") == 1h);
  for (const char* bad : {"", "0", "-1", "1s", " 1", "18446744073709551616"}) {
    CAPTURE(bad);
    CHECK(period_of(bad) == std::nullopt);
  }
}

TEST_CASE("A watchdog of another process is not ours") {
  CHECK(period_of("1000000", std::to_string(::getpid())) == 1s);
  CHECK(period_of("1000000", "1") == std::nullopt);
  CHECK(period_of("1000000", "us") == std::nullopt);
}

}  // namespace sockdiag::test
