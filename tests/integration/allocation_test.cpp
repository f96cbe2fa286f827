// SPDX-License-Identifier: Apache-2.0

// Memory runs out at the worst moment, once: each allocation that an operation makes fails in turn.
// The operation may fail. The process lives, nothing hangs, and the next operation is as good as
// ever.

#include <arpa/inet.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <new>
#include <optional>
#include <string>

#include "service/reloader.hpp"
#include "sockdiag/configuration/configuration_file.hpp"
#include "sockdiag/http/http_server.hpp"
#include "sockdiag/metrics/metric_families.hpp"
#include "sockdiag/pages/exposition.hpp"
#include "sockdiag/procfs/sysctl.hpp"
#include "sockdiag/sampling/sampler.hpp"
#include "sockdiag/sampling/source.hpp"
#include "sockdiag/service/exporter.hpp"
#include "sockdiag/service/log.hpp"
#include "support/catch.hpp"
#include "support/fake_proc.hpp"
#include "support/network_namespace.hpp"
#include "support/subprocess.hpp"

namespace {

std::atomic<long> until_failure = 0;  // none fails at 0
thread_local bool never_fails = false;

bool fails() noexcept {
  if (never_fails || until_failure.load() <= 0) return false;
  return until_failure.fetch_sub(1) == 1;
}

}  // namespace

// Not inlined: the compiler would take each pair of them for malloc() and free().
[[gnu::noinline]] void* operator new(std::size_t size) {
  void* memory = fails() ? nullptr : std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return fails() ? nullptr : std::malloc(size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace sockdiag::test {
namespace {

constexpr std::uint16_t kPort = 10293;

// Catch2 allocates as well.
class ThisThreadNeverFails {
 public:
  ThisThreadNeverFails() { never_fails = true; }
  ThisThreadNeverFails(const ThisThreadNeverFails&) = delete;
  ThisThreadNeverFails& operator=(const ThisThreadNeverFails&) = delete;
  ~ThisThreadNeverFails() { never_fails = false; }
};

// Returns how many allocations have failed, each in a run of its own.
long fail_each_allocation(const std::function<void()>& operation,
                          const std::function<void()>& check_afterwards) {
  for (long number = 1;; ++number) {
    until_failure = number;
    operation();
    const bool has_failed = until_failure.exchange(0) == 0;
    check_afterwards();
    if (!has_failed) return number - 1;
  }
}

// As a caller inside of a `catch` of everything, such as main().
std::function<void()> survived(std::function<void()> operation) {
  return [operation = std::move(operation)] {
    try {
      operation();
    } catch (const std::exception&) {
      until_failure = 0;
    }
  };
}

std::string talk(std::uint16_t port, const std::string& request) {
  const FileDescriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(request.size()));
  std::string answer;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::recv(fd.get(), buffer, sizeof buffer, 0)) > 0;) {
    answer.append(buffer, static_cast<std::size_t>(got));
  }
  return answer;
}

std::string request(const std::string& line, const std::string& header = "") {
  return line + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + header + "\r\n";
}

// Samples once, so that nothing but requests allocates afterwards.
Configuration quiet_configuration() {
  Configuration configuration;
  configuration.sampling.interval = std::chrono::hours(1);
  configuration.listeners.interval = std::chrono::minutes(1);
  configuration.listeners.peak_window = std::chrono::hours(1);
  configuration.web.listen_addresses = {"127.0.0.1:" + std::to_string(kPort)};
  configuration.web.enable_lifecycle = true;
  configuration.web.workers = 2;
  configuration.log.level = LogLevel::error;
  return configuration;
}

// The first sample is taken by the sampler's thread.
void wait_until_ready() {
  while (!talk(kPort, request("GET /-/ready")).starts_with("HTTP/1.1 200 ")) {
  }
}

}  // namespace

TEST_CASE("An allocation that fails during a request costs that request alone") {
  const NetworkNamespace network;
  const ThisThreadNeverFails test;
  const Configuration configuration = quiet_configuration();
  set_up_logging(configuration.log);
  const Exporter exporter(configuration, resolve_listen_addresses(configuration),
                          [&] { return configuration; });
  wait_until_ready();
  const auto bytes = GENERATE(values<std::string>({
      request("GET /metrics"),
      request("GET /metrics", "Accept-Encoding: gzip\r\n"),
      request("GET /"),
      request("GET /-/ready"),
      request("GET /nowhere"),
      request("POST /-/reload"),
  }));
  CAPTURE(bytes);
  const long failed =
      fail_each_allocation([&] { static_cast<void>(talk(kPort, bytes)); },
                           [] {
                             const auto answer = talk(kPort, request("GET /metrics"));
                             REQUIRE(answer.starts_with("HTTP/1.1 200 "));
                             REQUIRE_THAT(answer, contains_text("process_open_fds "));
                           });
  CHECK(failed > 2);
}

TEST_CASE("An allocation that fails during a sample costs that sample alone") {
  const NetworkNamespace network;
  const Configuration configuration = quiet_configuration();
  set_up_logging(configuration.log);
  const Policies policies;
  Board board;
  Publisher publisher(board, {});
  Sampling sampling(kernel_sources({}), [&](std::shared_ptr<const Samples> samples) {
    publisher.publish(std::move(samples));
  });
  const long failed =
      fail_each_allocation([&] { sampling.attempt_all(policies); },
                           [&] {
                             sampling.attempt_all(policies);
                             for (std::size_t source = 0; source < sampling.size(); ++source) {
                               const SampleStatus& status = sampling.status(source);
                               if (status.attempts > 0) REQUIRE(status.success);
                             }
                           });
  CHECK(failed > 100);
}

TEST_CASE("A text that cannot have its memory is no text, rather than the first part of it") {
  KernelValues kernel;
  kernel.values.assign(kernel_value_rows().size(), 123'456);
  const std::string whole = render(kernel);
  const auto render_all = [&] {
    const std::string text = render(kernel);
    const ThisThreadNeverFails test;
    REQUIRE(text == whole);
  };
  CHECK(fail_each_allocation(survived(render_all), [] {}) > 50);
}

TEST_CASE("Reserved ports that cannot have their memory are an error, rather than the first ones") {
  FakeProc proc;
  const std::string padded = std::string(40, '0') + "8080";  // too long for a string without memory
  proc.write("sys/net/ipv4/ip_local_reserved_ports", "80," + padded + ",8443\n");
  const auto read = [&] {
    const auto ports = read_reserved_ports(proc.root());
    const ThisThreadNeverFails test;
    REQUIRE(ports.size() == 3);
  };
  CHECK(fail_each_allocation(survived(read), [] {}) > 5);
}

TEST_CASE("An allocation that fails while the configuration is read or reloaded is an error") {
  const TemporaryDirectory directory;
  const std::string path = directory.copy(SOCKDIAG_SOURCE_DIR "/config/sockdiag_exporter.yml");
  set_up_logging(quiet_configuration().log);
  CHECK(fail_each_allocation(survived([&] { static_cast<void>(load_file(path)); }), [] {}) > 100);
  Reloader reloader(
      {}, [&] { return load_file(path).configuration; }, [](const Configuration&) {});
  CHECK(fail_each_allocation(survived([&] { static_cast<void>(reloader.reload()); }),
                             [&] { REQUIRE_FALSE(reloader.reload().problem); }) > 100);
}

TEST_CASE("A server that cannot have its memory does not start, or works") {
  const NetworkNamespace network;
  const HttpServer::Options options{
      {{ListenAddress::Host::ipv4, "127.0.0.1", kPort}}, 4, std::chrono::milliseconds(100)};
  const auto answer = [](const HttpRequest&) { return text_response(200, "fine"); };
  const auto serve = [&] {
    const HttpServer server(options, answer);
    const ThisThreadNeverFails test;
    const long left = until_failure.exchange(0);
    REQUIRE(talk(kPort, request("GET /")).ends_with("fine"));
    until_failure = left;  // ending the server is part of it
  };
  // A server that half started would still have the port.
  CHECK(fail_each_allocation(survived(serve), serve) > 10);
}

TEST_CASE("A log line that cannot have its memory is lost, and nothing else") {
  set_up_logging({LogLevel::error, LogFormat::json});
  const std::string text(300, 'x');
  CHECK(fail_each_allocation([&] { spdlog::error("{}", text); }, [] {}) > 0);
  const BackgroundLog log({LogLevel::error, LogFormat::json});
  CHECK(fail_each_allocation([&] { spdlog::error("{}", text); }, [] {}) > 0);
  CHECK(fail_each_allocation([&] { spdlog::error(text); }, [] {}) > 0);
}

}  // namespace sockdiag::test
