// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/sampling/sampler.hpp"

#include <ctime>
#include <functional>
#include <future>
#include <mutex>

#include "sampling/schedule.hpp"
#include "sampling/tcp_tables.hpp"
#include "sockdiag/metrics/metric_families.hpp"
#include "support/catch.hpp"
#include "support/dump_builder.hpp"

namespace sockdiag::test {
namespace {

using namespace std::chrono_literals;

constexpr PortRange kEphemeral{32768, 60999};
constexpr std::size_t kTcp = 0;
constexpr std::size_t kListeners = 1;
constexpr std::size_t kKernel = 2;

EphemeralPorts::Reserved none_reserved() { return std::vector<PortRange>{}; }

DumpBuilder good() {
  return DumpBuilder().socket({.local = "127.0.0.1:33000", .remote = "127.0.0.1:80"}).done();
}

const SocketSpec kListener{
    .state = 10, .local = "0.0.0.0:80", .remote = "0.0.0.0:0", .drops = 5, .cookie = 1};

// The request is in none of the kernel's totals.
DumpBuilder two_and_a_request() {
  return DumpBuilder()
      .socket({.cookie = 1})
      .socket({.cookie = 2})
      .socket({.state = 3, .inode = 0, .attributes = false, .cookie = 3})
      .done();
}

// A kernel that answers whatever the test says at that moment, and what came of sampling it.
class FakeKernel {
 public:
  DumpBuilder answer = good();
  std::string release{};
  std::optional<PortRange> range = kEphemeral;
  std::optional<std::uint64_t> listen_drops = 100;
  std::chrono::milliseconds time_wait_length = 60s;
  std::vector<std::string> problems{};
  std::function<std::optional<std::uint64_t>()> total_sockets = [] { return 3; };
  std::function<void()> opened = [] {};   // with each dump
  std::function<void()> sampled = [] {};  // with each sample of all sockets

  std::vector<Source> sources() {
    const auto kernel_files = files();
    return sources_of(tables(kernel_files), kernel_files);
  }

  Sampling sampling() {
    return {sources(), [this](std::shared_ptr<const Samples> samples) {
              const std::lock_guard lock(mutex_);
              samples_ = std::move(samples);
            }};
  }

  // One sample of all sockets, of tables that remember the ones before.
  TcpSnapshot sample() {
    if (tables_ == nullptr) tables_ = tables(files());
    static_cast<void>(tables_->sample({}, 60s));
    return *tables_->sockets();
  }

  // What was published last. Null before the first attempt.
  [[nodiscard]] std::shared_ptr<const Samples> samples() const {
    const std::lock_guard lock(mutex_);
    return samples_;
  }
  [[nodiscard]] std::string sockets_text() const { return text_of(&Samples::tcp); }
  [[nodiscard]] std::string listeners_text() const { return text_of(&Samples::listeners); }
  [[nodiscard]] std::string kernel_text() const { return text_of(&Samples::kernel); }
  [[nodiscard]] std::string statuses_text() const { return render(samples()->statuses); }
  [[nodiscard]] bool is_fresh(std::chrono::steady_clock::duration later = {}) const {
    return samples()->tcp.is_fresh(std::chrono::steady_clock::now() + later);
  }

 private:
  template <typename Value>
  std::string text_of(Sampled<Value> Samples::*source) const {
    const auto published = samples();
    const auto value = published == nullptr ? nullptr : ((*published).*source).value;
    return value == nullptr ? "" : render(*value);
  }

  std::shared_ptr<KernelFiles> files() {
    return std::make_shared<KernelFiles>(
        KernelFiles::Readers{.ephemeral_range =
                                 [this] {
                                   sampled();
                                   return range;
                                 },
                             .reserved_ports = none_reserved,
                             .total_sockets = [this] { return total_sockets(); },
                             .time_wait_length = [this] { return time_wait_length; },
                             .values = [this] { return values(); }});
  }

  std::shared_ptr<TcpTables> tables(std::shared_ptr<KernelFiles> kernel_files) {
    return std::make_shared<TcpTables>(
        TcpTables::Kernel{.open_channel =
                              [this] {
                                opened();
                                return std::make_unique<ReplayChannel>(answer.datagrams());
                              },
                          .listen_drops = [this] { return listen_drops_or_throw(); },
                          .release = release},
        std::move(kernel_files));
  }

  KernelValues values() const {
    KernelValues values;
    values.values.resize(kernel_value_rows().size());
    values.values[0] = 42;
    values.problems = problems;
    return values;
  }

  std::uint64_t listen_drops_or_throw() const {
    if (!listen_drops) throw std::runtime_error("no netstat");
    return *listen_drops;
  }

  mutable std::mutex mutex_;
  std::shared_ptr<const Samples> samples_;
  std::shared_ptr<TcpTables> tables_;
};

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
  CHECK(tcp_of(sampling).cpu_time_total >= 90ms);
  CHECK(sampling.status(kListeners).cpu_time_total < 90ms);
  CHECK(sampling.status(kKernel).cpu_time_total < 90ms);
}

TEST_CASE("A dump is accounted for between the kernel's totals before and after it") {
  struct Row {
    std::string it;
    std::optional<std::uint64_t> before;
    std::optional<std::uint64_t> after;
    std::string expected;
  };
  const std::vector<Row> rows = {{"has them all", 2, 2, "unaccounted_sockets 0\n"},
                                 {"lies between them", 1, 9, "unaccounted_sockets 0\n"},
                                 {"has fewer", 5, 4, "unaccounted_sockets 2\n"},
                                 {"has more", 0, 1, "unaccounted_sockets -1\n"},
                                 {"is alone", std::nullopt, 2, ""}};
  for (const Row& row : rows) {
    INFO("a dump that " << row.it);
    bool first = true;
    FakeKernel kernel;
    kernel.answer = two_and_a_request();
    kernel.total_sockets = [&] { return std::exchange(first, false) ? row.before : row.after; };
    const std::string text = render(kernel.sample());
    if (row.expected.empty()) {
      CHECK(text.find("unaccounted_sockets") == std::string::npos);
    } else {
      CHECK_THAT(text, contains_text(row.expected));
    }
  }
}

TEST_CASE("Where the ephemeral range cannot be read all is shown but the ephemeral ports") {
  FakeKernel kernel;
  kernel.range.reset();
  kernel.answer = DumpBuilder()
                      .socket({.local = "127.0.0.1:33000", .remote = "127.0.0.1:80"})
                      .socket({.local = "127.0.0.1:33001", .remote = "127.0.0.1:40000"})
                      .done();
  const std::string text = render(kernel.sample());
  CHECK_THAT(text, contains_text("port=\"80\",state=\"established\"} 1\n"));
  CHECK_THAT(text, contains_text("port=\"other\",state=\"established\"} 1\n"));
  CHECK(text.find("sockdiag_tcp_ephemeral_ports") == std::string::npos);
}

TEST_CASE("A range that cannot be read once is the last one read") {
  FakeKernel kernel;
  kernel.range = PortRange{1024, 65535};
  kernel.answer = DumpBuilder().socket({.local = "127.0.0.1:9", .remote = "127.0.0.1:1100"}).done();
  CHECK(kernel.sample().ephemeral.available == 64512U);
  kernel.range.reset();
  const TcpSnapshot snapshot = kernel.sample();
  CHECK_FALSE(snapshot.ephemeral.available.has_value());
  CHECK(snapshot.of(Direction::outbound).ports.empty());
}

TEST_CASE("Starts of TIME_WAIT are told by the length that is in force") {
  FakeKernel kernel;
  kernel.answer = DumpBuilder().done();
  const auto started_with = [&](std::uint64_t cookie) {
    kernel.answer = DumpBuilder()
                        .socket({.state = 6,
                                 .local = "127.0.0.1:33000",
                                 .remote = "127.0.0.1:80",
                                 .timer = 3,
                                 .cookie = cookie,
                                 .expires_ms = 4500})
                        .done();
    const auto ports = kernel.sample().of(Direction::outbound).ports;
    return ports.at(0).time_wait_started;
  };
  static_cast<void>(kernel.sample());
  CHECK(started_with(1) == 0);
  kernel.time_wait_length = 5s;
  CHECK(started_with(2) == 1);
}

TEST_CASE("A kernel whose cookies are addresses shows counts, and nothing that follows a socket") {
  SocketSpec leak{.state = 8, .local = "127.0.0.1:33000", .remote = "127.0.0.1:80", .cookie = 9};
  struct Row {
    const char* release;
    bool ages;
    bool drops;
    bool unaccounted;
  };
  for (const Row& row : {Row{"3.10.0-1160.el7.x86_64", false, false, false},
                         {"4.4.0-210-generic", true, false, false},
                         {"4.9.0-19-amd64", true, true, false},
                         {"4.11.0", true, true, true},
                         {"nonsense", true, true, true}}) {
    INFO(row.release);
    FakeKernel kernel;
    kernel.answer = DumpBuilder().socket(kListener).socket(leak).done();
    kernel.release = row.release;
    Sampling sampling = kernel.sampling();
    sampling.attempt_all({});
    const std::string text = kernel.sockets_text() + kernel.listeners_text();
    const auto has = [&](const char* family) { return text.find(family) != std::string::npos; };
    CHECK_THAT(text, contains_text("state=\"close_wait\"} 1\n"));
    CHECK(has("sockdiag_tcp_accept_queue_peak_sockets"));
    for (const char* family :
         {"sockdiag_tcp_lingering_sockets", "sockdiag_tcp_oldest_socket_seconds",
          "sockdiag_tcp_unfollowed_sockets", "sockdiag_tcp_time_wait_started_total"}) {
      INFO(family);
      CHECK(has(family) == row.ages);
    }
    CHECK(has("sockdiag_tcp_listener_drops_total") == row.drops);
    CHECK(has("sockdiag_tcp_unaccounted_sockets") == row.unaccounted);
  }
}

}  // namespace sockdiag::test
