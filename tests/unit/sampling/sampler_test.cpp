// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/sampling/sampler.hpp"

#include <atomic>
#include <ctime>
#include <future>
#include <limits>
#include <utility>

#include "fake_kernel.hpp"
#include "sampling/schedule.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

Policies with(SamplingPolicy sampling) {
  Policies policies;
  policies.sampling = sampling;
  return policies;
}

// Of the calling thread.
void use_cpu(std::chrono::milliseconds time) {
  const std::clock_t until = std::clock() + time * CLOCKS_PER_SEC / 1s;
  while (std::clock() < until) {
  }
}

const SampleStatus& tcp_of(const Sampling& sampling) { return sampling.status(kTcp); }

}  // namespace

TEST_CASE("A good sample is published with its status") {
  FakeKernel kernel;
  Sampling sampling = kernel.sampling();
  sampling.attempt(kTcp, {});
  CHECK(tcp_of(sampling).success);
  CHECK(tcp_of(sampling).last_success.has_value());
  CHECK(tcp_of(sampling).interval == 5s);
  CHECK_THAT(kernel.sockets_text(), contains_text("port=\"80\",state=\"established\"} 1\n"));
  CHECK_THAT(kernel.statuses_text(), contains_text("sample_success{source=\"tcp\"} 1\n"));
  CHECK(kernel.is_fresh());
}

TEST_CASE("A failed sample publishes its failure and nothing of its sockets") {
  FakeKernel kernel;
  Sampling sampling = kernel.sampling();
  sampling.attempt(kTcp, {});
  const auto before = kernel.sockets_text();
  kernel.answer = DumpBuilder().socket({}).socket({}).done(ENOMEM);
  sampling.attempt(kTcp, {});
  sampling.attempt(kTcp, {});
  CHECK(kernel.sockets_text() == before);
  CHECK_FALSE(tcp_of(sampling).success);
  CHECK(tcp_of(sampling).failures == 2);
  CHECK_THAT(kernel.statuses_text(), contains_text("sample_success{source=\"tcp\"} 0\n"));
  CHECK_THAT(kernel.statuses_text(), contains_text("failures_total{source=\"tcp\"} 2\n"));
  kernel.answer = good();
  sampling.attempt(kTcp, {});
  CHECK(tcp_of(sampling).success);
  CHECK(kernel.sockets_text() == before);
}

TEST_CASE("Failing from the first sample on shows no sockets") {
  FakeKernel kernel;
  kernel.answer = DumpBuilder().done(ENOMEM);
  Sampling sampling = kernel.sampling();
  sampling.attempt(kTcp, {});
  CHECK(kernel.sockets_text().empty());
  CHECK_FALSE(kernel.is_fresh());
  CHECK(kernel.statuses_text().find("sample_timestamp") == std::string::npos);
}

TEST_CASE("A dump that the kernel calls inconsistent is an attempt that failed") {
  FakeKernel kernel;
  kernel.answer = DumpBuilder().message(18, encode(SocketSpec{}), 0x10).done();
  Sampling sampling = kernel.sampling();
  sampling.attempt(kTcp, {});
  CHECK(tcp_of(sampling).attempts == 1);
  CHECK(tcp_of(sampling).failures == 1);
  kernel.answer = DumpBuilder().done();
  sampling.attempt(kTcp, {});
  CHECK(tcp_of(sampling).attempts == 2);
  CHECK(tcp_of(sampling).failures == 1);
  CHECK_FALSE(kernel.sockets_text().empty());
}

TEST_CASE("Staleness comes after max_staleness and never before three intervals") {
  FakeKernel kernel;
  Sampling sampling = kernel.sampling();
  const auto lifetime = [&](SamplingPolicy settings) {
    sampling.attempt(kTcp, with(settings));
    return kernel.samples()->tcp.withdrawn_after - std::chrono::steady_clock::now();
  };
  CHECK(lifetime({.interval = 1h, .max_staleness = 60s}) > 2h);
  CHECK(lifetime({.interval = 1h, .max_staleness = 60s}) <= 3h);
  CHECK(lifetime({.interval = 1s, .max_staleness = 24h}) > 23h);
}

TEST_CASE("A cheap failure does not shorten the interval that a good sample stretched") {
  FakeKernel kernel;
  Sampling sampling = kernel.sampling();
  const SamplingPolicy settings{.interval = 1ms, .cpu_budget = 1e-9};
  sampling.attempt(kTcp, with(settings));
  const auto stretched = tcp_of(sampling).interval;
  kernel.answer = DumpBuilder().done(ENOMEM);
  sampling.attempt(kTcp, with(settings));
  CHECK_FALSE(tcp_of(sampling).success);
  CHECK(tcp_of(sampling).interval >= stretched);
  CHECK(kernel.is_fresh());
}

TEST_CASE("A longer interval holds for the last sample too") {
  FakeKernel kernel;
  Sampling sampling = kernel.sampling();
  sampling.attempt(kTcp, with({.interval = 1s, .max_staleness = 1s}));
  sampling.reschedule_and_publish(with({.interval = 1h, .max_staleness = 1s}));
  CHECK(tcp_of(sampling).interval == 1h);
  CHECK(kernel.is_fresh(2h));
  CHECK_THAT(kernel.statuses_text(), contains_text("interval_seconds{source=\"tcp\"} 3600"));
}

TEST_CASE("The sampler samples at once, again at its interval, and ends when asked") {
  std::atomic<int> samples = 0;
  std::promise<void> third;
  Policies policies = with({.interval = 1ms, .cpu_budget = 1});
  FakeKernel kernel;
  kernel.sampled = [&] {
    if (++samples == 3) third.set_value();
  };
  Sampler sampler(kernel.sampling(), policies);
  CHECK(third.get_future().wait_for(60s) == std::future_status::ready);
}

TEST_CASE("The sampler tells that it turns, also while no sample is due") {
  std::atomic<int> samples = 0;
  std::atomic<int> iterations = 0;
  std::promise<void> third;
  Policies policies = with({.interval = 1h, .cpu_budget = 1});
  policies.listeners.interval = 1h;
  const auto on_iteration = [&] {
    if (++iterations == 3) third.set_value();
  };
  FakeKernel kernel;
  kernel.sampled = [&] { ++samples; };
  Sampler sampler(kernel.sampling(), policies, {on_iteration, 1ms});
  CHECK(third.get_future().wait_for(60s) == std::future_status::ready);
  CHECK(samples == 1);
}

TEST_CASE("A shorter interval and new ports hold without waiting for the old interval") {
  std::atomic<int> samples = 0;
  std::promise<void> first;
  std::promise<void> third;
  Policies policies = with({.interval = 1h});
  FakeKernel kernel;
  kernel.sampled = [&] {
    const int number = ++samples;
    if (number == 1) first.set_value();
    if (number == 3) third.set_value();
  };
  Sampler sampler(kernel.sampling(), policies);
  REQUIRE(first.get_future().wait_for(60s) == std::future_status::ready);
  policies.sampling.interval = 10ms;
  policies.sampling.cpu_budget = 1;
  policies.tcp.ports.outbound = {9};
  sampler.configure(policies);
  REQUIRE(third.get_future().wait_for(60s) == std::future_status::ready);
  CHECK_THAT(kernel.sockets_text(), contains_text("direction=\"outbound\",port=\"9\""));
}

TEST_CASE("Listeners are polled once a sample has told which ports have series") {
  FakeKernel kernel;
  kernel.answer = DumpBuilder().socket(kListener).done();
  Sampling sampling = kernel.sampling();
  sampling.attempt(kListeners, {});
  CHECK(sampling.status(kListeners).attempts == 0);
  CHECK(kernel.listeners_text().empty());
  sampling.attempt(kTcp, {});
  sampling.attempt(kListeners, {});
  CHECK(sampling.status(kListeners).success);
  CHECK_THAT(kernel.listeners_text(), contains_text("listener_drops_total{port=\"80\"} 0\n"));
}

TEST_CASE("Drops at listeners are bounded by ListenDrops") {
  FakeKernel kernel;
  SocketSpec listener = kListener;
  kernel.answer = DumpBuilder().socket(listener).done();
  Sampling sampling = kernel.sampling();
  sampling.attempt_all({});
  listener.drops = *listener.drops + 10;
  kernel.answer = DumpBuilder().socket(listener).done();
  *kernel.listen_drops += 3;
  sampling.attempt(kListeners, {});
  CHECK_THAT(kernel.listeners_text(), contains_text("listener_drops_total{port=\"80\"} 3\n"));
}

TEST_CASE("Without ListenDrops the listeners' source fails, peaks are shown and drops are not") {
  FakeKernel kernel;
  kernel.answer = DumpBuilder().socket(kListener).done();
  kernel.listen_drops.reset();
  Sampling sampling = kernel.sampling();
  for (const std::size_t again : {kKernel, kTcp}) {
    sampling.attempt_all({});
    sampling.attempt(again, {});
    CHECK_FALSE(sampling.status(kListeners).success);
    const std::string text = kernel.listeners_text();
    CHECK_THAT(text, contains_text("accept_queue_peak_sockets{port=\"80\"} 0\n"));
    CHECK(text.find("listener_drops_total") == std::string::npos);
  }
  kernel.listen_drops = 5;
  sampling.attempt(kListeners, {});
  CHECK(sampling.status(kListeners).success);
  CHECK_THAT(kernel.listeners_text(), contains_text("listener_drops_total{port=\"80\"} 0\n"));
}

TEST_CASE("A poll that fails costs the listeners' part alone") {
  FakeKernel kernel;
  Sampling sampling = kernel.sampling();
  sampling.attempt(kTcp, {});
  kernel.answer = DumpBuilder().done(ENOMEM);
  sampling.attempt(kListeners, {});
  CHECK_FALSE(sampling.status(kListeners).success);
  CHECK(tcp_of(sampling).success);
  const std::string status = kernel.statuses_text();
  CHECK_THAT(status, contains_text("sample_success{source=\"tcp\"} 1\n"));
  CHECK_THAT(status, contains_text("sample_success{source=\"listeners\"} 0\n"));
  CHECK(status.find("source=\"kernel\"") == std::string::npos);
}

TEST_CASE("A peak is never under the queue that is shown beside it") {
  FakeKernel kernel;
  SocketSpec listener = kListener;
  kernel.answer = DumpBuilder().socket(listener).done();
  Sampling sampling = kernel.sampling();
  sampling.attempt_all({});
  listener.receive_queue = 7;
  kernel.answer = DumpBuilder().socket(listener).done();
  sampling.attempt(kTcp, {});
  CHECK_THAT(kernel.sockets_text(), contains_text("accept_queue_sockets{port=\"80\"} 7\n"));
  CHECK_THAT(kernel.listeners_text(), contains_text("accept_queue_peak_sockets{port=\"80\"} 7\n"));
}

TEST_CASE("CLOSE_WAITs are dated at the first good sample and never again") {
  SocketSpec leak{.state = 8,
                  .local = "127.0.0.1:33000",
                  .remote = "127.0.0.1:80",
                  .cookie = 9,
                  .last_ack_ms = 90'000};
  int dumps = 0;
  FakeKernel kernel;
  kernel.opened = [&] { ++dumps; };
  kernel.answer = DumpBuilder().done(ENOMEM);
  Sampling sampling = kernel.sampling();
  sampling.attempt(kTcp, {});
  kernel.answer = DumpBuilder().socket(leak).done();
  dumps = 0;
  sampling.attempt(kTcp, {});
  CHECK(dumps == 2);
  const std::string one = "state=\"close_wait\"} 1\n";
  CHECK_THAT(kernel.sockets_text(),
             contains_text("lingering_sockets{direction=\"outbound\",port=\"80\"," + one));
  sampling.attempt(kTcp, {});
  CHECK(dumps == 3);
}

TEST_CASE("A file of counters that cannot be read fails its source, the other files are shown") {
  FakeKernel kernel;
  kernel.problems = {"reading a file: no", "reading another: no"};
  Sampling sampling = kernel.sampling();
  sampling.attempt(kKernel, {});
  CHECK_FALSE(sampling.status(kKernel).success);
  CHECK(sampling.status(kKernel).failures == 1);
  const std::string first(kernel_value_rows()[0].metric);
  CHECK_THAT(kernel.kernel_text(), contains_text(first + " 42\n"));
  kernel.problems.clear();
  sampling.attempt(kKernel, {});
  CHECK(sampling.status(kKernel).success);
}

TEST_CASE("A file that the sample of sockets could not read fails the source of counters") {
  FakeKernel kernel;
  Sampling sampling = kernel.sampling();
  const auto totals = std::exchange(kernel.total_sockets, []() -> std::optional<std::uint64_t> {
    throw std::runtime_error("no sockstat");
  });
  sampling.attempt_all({});
  CHECK(tcp_of(sampling).success);
  CHECK_FALSE(sampling.status(kKernel).success);
  const std::string first(kernel_value_rows()[0].metric);
  CHECK_THAT(kernel.kernel_text(), contains_text(first + " 42\n"));
  CHECK(kernel.sockets_text().find("unaccounted_sockets") == std::string::npos);
  kernel.total_sockets = totals;
  sampling.attempt_all({});
  CHECK(sampling.status(kKernel).success);
}

TEST_CASE("Polls and counters take a tenth of the CPU budget each at most, the dump the rest") {
  FakeKernel kernel;
  Sampling sampling = kernel.sampling();
  Policies policies = with({.interval = 1ms, .cpu_budget = 1e-6});
  policies.listeners.interval = 1ms;
  double shares = 0;
  for (const std::size_t source : {kTcp, kListeners, kKernel}) sampling.attempt(source, policies);
  for (const std::size_t source : {kTcp, kListeners, kKernel}) {
    const SampleStatus& status = sampling.status(source);
    const double share = share_of_cpu(status.cpu_time_total, status.interval);
    CHECK(share > 0);
    if (source != kTcp) CHECK(share <= 1.000001e-7);
    shares += share;
  }
  CHECK(shares == Approx(1e-6).epsilon(0.001));
}

TEST_CASE("A source with a budget of its own takes nothing from that of the others") {
  FakeKernel kernel;
  std::vector<Source> sources = kernel.sources();
  Source own = sources[kTcp];
  own.name = "own";
  own.own_budget = [](const Policies& policies) { return policies.namespaces.cpu_budget; };
  sources.push_back(own);
  Sampling sampling(std::move(sources), [](const std::shared_ptr<const Samples>&) {});
  Policies policies = with({.interval = 1ms, .cpu_budget = 1e-6});
  policies.listeners.interval = 1ms;
  policies.namespaces.cpu_budget = 1e-5;
  sampling.attempt_all(policies);
  double shares = 0;
  for (const std::size_t source : {kTcp, kListeners, kKernel}) {
    const SampleStatus& status = sampling.status(source);
    shares += share_of_cpu(status.cpu_time_total, status.interval);
  }
  CHECK(shares == Approx(1e-6).epsilon(0.001));
  const SampleStatus& status = sampling.status(kKernel + 1);
  CHECK(share_of_cpu(status.cpu_time_total, status.interval) == Approx(1e-5).epsilon(0.001));
}

TEST_CASE("A source that follows another has its interval, and costs from its share") {
  FakeKernel kernel;
  std::vector<Source> sources = kernel.sources();
  Source follower = sources[kTcp];
  follower.name = "follower";
  follower.follows = "tcp";
  follower.interval = [](const Policies&) { return 1ms; };
  follower.sample = [](const Policies&) {
    use_cpu(20ms);
    return SampleResult{};
  };
  bool is_wanted = true;
  follower.is_wanted = [&](const Policies&) { return is_wanted; };
  sources.push_back(std::move(follower));
  Sampling sampling(std::move(sources), [](const std::shared_ptr<const Samples>&) {});
  const Policies policies = with({.interval = 1ms, .cpu_budget = 0.001});
  sampling.attempt_all(policies);
  CHECK(tcp_of(sampling).interval >= 20s);
  CHECK(sampling.status(kKernel + 1).interval == tcp_of(sampling).interval);
  const auto with_follower = tcp_of(sampling).interval;
  is_wanted = false;
  sampling.reschedule_and_publish(policies);
  CHECK(tcp_of(sampling).interval < with_follower);
}

TEST_CASE("A source that works in turns is attempted until it has been through, or for so long") {
  FakeKernel kernel;
  int turns = 0;
  int needed = 3;
  std::vector<Source> sources = kernel.sources();
  Source in_turns = sources[kTcp];
  in_turns.sample = [&](const Policies&) { return SampleResult{.has_more = ++turns < needed}; };
  sources.push_back(in_turns);
  int published = 0;
  Sampling sampling(std::move(sources),
                    [&](const std::shared_ptr<const Samples>&) { ++published; });
  sampling.attempt_all({});
  CHECK(turns == 1);
  sampling.attempt_all({}, 1h);
  CHECK(turns == 3);
  CHECK(published == 2);
  needed = std::numeric_limits<int>::max();
  sampling.attempt_all({}, 1ms);
  CHECK(turns > 3);
}

TEST_CASE("A source that nobody wants any longer forgets, once") {
  FakeKernel kernel;
  int forgotten = 0;
  bool wanted = true;
  std::vector<Source> sources = kernel.sources();
  Source unwanted = sources[kTcp];
  unwanted.is_wanted = [&](const Policies&) { return wanted; };
  unwanted.forget = [&] { ++forgotten; };
  sources.push_back(unwanted);
  Sampling sampling(std::move(sources), [](const std::shared_ptr<const Samples>&) {});
  sampling.attempt_all({});
  CHECK(forgotten == 0);
  wanted = false;
  sampling.reschedule_and_publish({});
  sampling.attempt_all({});
  CHECK(forgotten == 1);
  wanted = true;
  sampling.attempt_all({});
  wanted = false;
  sampling.attempt(kTcp, {});
  CHECK(forgotten == 2);
}

TEST_CASE("The source that was attempted pays for the publication that follows") {
  FakeKernel kernel;
  bool publishing_is_dear = true;
  const auto publish = [&](const std::shared_ptr<const Samples>&) {
    if (publishing_is_dear) use_cpu(100ms);
  };
  Sampling sampling(kernel.sources(), publish);
  sampling.attempt(kTcp, {});
  publishing_is_dear = false;
  for (const std::size_t source : {kListeners, kKernel, kTcp}) sampling.attempt(source, {});
  CHECK(tcp_of(sampling).cpu_time_total > sampling.status(kListeners).cpu_time_total);
  CHECK(tcp_of(sampling).cpu_time_total > sampling.status(kKernel).cpu_time_total);
}

}  // namespace sockdiag::test
