// SPDX-License-Identifier: Apache-2.0
#include "service/service_manager.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <future>
#include <thread>

#include "notify_socket.hpp"
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

// Whether that thread of this process waits in sendto(2) (proc(5): /proc/pid/task/tid/syscall).
bool is_sending(pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/syscall");
  long number = -1;
  return (file >> number) && number == SYS_sendto;
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
  const NotifySocket manager;
  std::string long_status = "x";
  for (int i = 0; i < 3000; ++i) long_status += "ü";
  CHECK(service_manager::ready(long_status));
  CHECK(manager.receive() == "READY=1\nSTATUS=" + long_status.substr(0, 1023));
}

TEST_CASE("Nobody is told anything without a service manager") {
  CHECK(service_manager::ready("serving"));
}

TEST_CASE("A manager that is gone is not told") {
  ::setenv("NOTIFY_SOCKET", "/nowhere/notify", 1);
  CHECK_FALSE(service_manager::ready("serving"));
  ::unsetenv("NOTIFY_SOCKET");
}

TEST_CASE("Nothing waits for ever for a manager that does not read") {
  const NotifySocket manager;
  const std::size_t strangers = manager.fill();
  CHECK_FALSE(service_manager::ready("serving"));
  service_manager::reloading();
  service_manager::feed_watchdog();
  service_manager::stopping();
  for (std::size_t i = 0; i < strangers; ++i) CHECK(manager.receive() == NotifySocket::kStranger);
  CHECK(manager.receive().empty());
}

TEST_CASE("READY waits for a manager that is busy") {
  const NotifySocket manager;
  bool told = false;
  // A machine that stalls may let the second pass.
  for (int attempt = 0; attempt < 10 && !told; ++attempt) {
    const std::size_t strangers = manager.fill();
    std::atomic<pid_t> thread = 0;
    auto ready = std::async(std::launch::async, [&] {
      thread = ::gettid();
      return service_manager::ready("serving");
    });
    while (!is_sending(thread) && ready.wait_for(0s) != std::future_status::ready) {
      std::this_thread::yield();
    }
    for (std::size_t i = 0; i < strangers; ++i) static_cast<void>(manager.receive());
    told = ready.get();
  }
  REQUIRE(told);
  CHECK(manager.receive() == "READY=1\nSTATUS=serving");
}

}  // namespace sockdiag::test
