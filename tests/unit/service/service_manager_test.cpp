// SPDX-License-Identifier: Apache-2.0
#include "service/service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "support/catch.hpp"
#include "support/subprocess.hpp"

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

TEST_CASE("A status that is longer than service managers take is cut between two characters") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/notify";
  const FileDescriptor manager(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  REQUIRE(path.copy(address.sun_path, sizeof address.sun_path - 1) == path.size());
  REQUIRE(::bind(manager.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  std::string long_status = "x";
  for (int i = 0; i < 3000; ++i) long_status += "ü";

  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  const bool taken = service_manager::ready(long_status);
  ::unsetenv("NOTIFY_SOCKET");

  CHECK(taken);
  std::array<char, 8192> buffer{};
  const ssize_t got = ::recv(manager.get(), buffer.data(), buffer.size(), 0);
  REQUIRE(got > 0);
  const std::string message(buffer.data(), static_cast<std::size_t>(got));
  CHECK(message == "READY=1\nSTATUS=" + long_status.substr(0, 1023));
}

}  // namespace sockdiag::test
