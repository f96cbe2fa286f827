// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/exporter/sampler.hpp"

#include <future>

#include "support/catch.hpp"
#include "support/dump_builder.hpp"

namespace sockdiag::test {
namespace {

using namespace std::chrono_literals;

constexpr PortRange kEphemeral{32768, 60999};

DumpBuilder good() {
  return DumpBuilder().socket({.local = "127.0.0.1:33000", .remote = "127.0.0.1:80"}).done();
}

// A source whose kernel answers whatever the test says at that moment.
class FakeKernel {
 public:
  DumpBuilder answer = good();
  bool no_ephemeral_ports = false;

  TcpSource source() {
    return {[this] { return std::make_unique<ReplayChannel>(answer.datagrams()); },
            [this] {
              if (no_ephemeral_ports) throw std::runtime_error("no range");
              return kEphemeral;
            },
            {}};
  }
};

std::string sockets_text(const Board& board) {
  const auto latest = board.latest();
  return latest != nullptr && latest->sockets != nullptr ? latest->sockets->text : "";
}

}  // namespace

TEST_CASE("A good sample is published with its status") {
  FakeKernel kernel;
  Board board;
  Sampling sampling(kernel.source(), board);
  sampling.attempt({});
  CHECK(sampling.status().success);
  CHECK(sampling.status().last_success.has_value());
  CHECK(sampling.status().interval == 5s);
  CHECK_THAT(sockets_text(board), contains_text("port=\"80\",state=\"established\"} 1\n"));
  CHECK_THAT(board.latest()->status->text, contains_text("sample_success{source=\"tcp\"} 1\n"));
  CHECK(board.latest()->is_fresh(std::chrono::steady_clock::now()));
}

TEST_CASE("A failed sample publishes its failure and nothing of its sockets") {
  FakeKernel kernel;
  Board board;
  Sampling sampling(kernel.source(), board);
  sampling.attempt({});
  const auto before = sockets_text(board);
  kernel.answer = DumpBuilder().socket({}).socket({}).done(ENOMEM);
  sampling.attempt({});
  sampling.attempt({});
  CHECK(sockets_text(board) == before);
  CHECK_FALSE(sampling.status().success);
  CHECK(sampling.status().failures == 2);
  CHECK_THAT(board.latest()->status->text, contains_text("sample_success{source=\"tcp\"} 0\n"));
  CHECK_THAT(board.latest()->status->text, contains_text("failures_total{source=\"tcp\"} 2\n"));
  kernel.answer = good();
  sampling.attempt({});
  CHECK(sampling.status().success);
  CHECK(sockets_text(board) == before);
}

TEST_CASE("Failing from the first sample on shows no sockets") {
  FakeKernel kernel;
  kernel.no_ephemeral_ports = true;
  Board board;
  Sampling sampling(kernel.source(), board);
  sampling.attempt({});
  CHECK(sockets_text(board).empty());
  CHECK_FALSE(board.latest()->is_fresh(std::chrono::steady_clock::now()));
  CHECK(board.latest()->status->text.find("sample_timestamp") == std::string::npos);
}

TEST_CASE("An interrupted dump is a failure that is counted apart") {
  FakeKernel kernel;
  kernel.answer = DumpBuilder().message(18, encode(SocketSpec{}), 0x10).done();
  Board board;
  Sampling sampling(kernel.source(), board);
  sampling.attempt({});
  CHECK(sampling.status().failures == 1);
  CHECK(sampling.status().interrupted_dumps == 1);
  CHECK(sockets_text(board).empty());
}

TEST_CASE("Staleness comes after max_staleness and never before three intervals") {
  FakeKernel kernel;
  Board board;
  Sampling sampling(kernel.source(), board);
  const auto lifetime = [&](Configuration::Sampling settings) {
    sampling.attempt(settings);
    return board.latest()->withdrawn_after - std::chrono::steady_clock::now();
  };
  CHECK(lifetime({.interval = 1h, .max_staleness = 60s}) > 2h);
  CHECK(lifetime({.interval = 1h, .max_staleness = 60s}) <= 3h);
  CHECK(lifetime({.interval = 1s, .max_staleness = 24h}) > 23h);
}

TEST_CASE("A cheap failure does not shorten the interval that a good sample stretched") {
  FakeKernel kernel;
  Board board;
  Sampling sampling(kernel.source(), board);
  const Configuration::Sampling settings{.interval = 1ms, .cpu_budget = 1e-9};
  sampling.attempt(settings);
  const auto stretched = sampling.status().interval;
  kernel.no_ephemeral_ports = true;
  sampling.attempt(settings);
  CHECK_FALSE(sampling.status().success);
  CHECK(sampling.status().interval >= stretched);
  CHECK(board.latest()->is_fresh(std::chrono::steady_clock::now()));
}

TEST_CASE("A longer interval holds for the last sample too") {
  FakeKernel kernel;
  Board board;
  Sampling sampling(kernel.source(), board);
  sampling.attempt({.interval = 1s, .max_staleness = 1s});
  sampling.settle({.interval = 1h, .max_staleness = 1s});
  CHECK(sampling.status().interval == 1h);
  CHECK(board.latest()->is_fresh(std::chrono::steady_clock::now() + 2h));
  CHECK_THAT(board.latest()->status->text, contains_text("interval_seconds{source=\"tcp\"} 3600"));
}

TEST_CASE("The sampler samples at once, again at its interval, and ends when asked") {
  FakeKernel kernel;
  std::atomic<int> samples = 0;
  std::promise<void> third;
  TcpSource source{[&] { return std::make_unique<ReplayChannel>(good().datagrams()); },
                   [&] {
                     if (++samples == 3) third.set_value();
                     return kEphemeral;
                   },
                   {}};
  Board board;
  Configuration configuration;
  configuration.sampling.interval = 1ms;
  configuration.sampling.cpu_budget = 1;
  Sampler sampler(std::move(source), board, configuration);
  CHECK(third.get_future().wait_for(60s) == std::future_status::ready);
}

TEST_CASE("A shorter interval and new ports hold without waiting for the old interval") {
  std::atomic<int> samples = 0;
  std::promise<void> first;
  std::promise<void> second;
  TcpSource source{[&] { return std::make_unique<ReplayChannel>(good().datagrams()); },
                   [&] {
                     const int number = ++samples;
                     if (number == 1) first.set_value();
                     if (number == 3) second.set_value();
                     return kEphemeral;
                   },
                   {}};
  Board board;
  Configuration configuration;
  configuration.sampling.interval = 1h;
  Sampler sampler(std::move(source), board, configuration);
  REQUIRE(first.get_future().wait_for(60s) == std::future_status::ready);
  configuration.sampling.interval = 10ms;
  configuration.sampling.cpu_budget = 1;
  configuration.ports.outbound = {9};
  sampler.configure(configuration);
  REQUIRE(second.get_future().wait_for(60s) == std::future_status::ready);
  CHECK_THAT(sockets_text(board), contains_text("direction=\"outbound\",port=\"9\""));
}

}  // namespace sockdiag::test
