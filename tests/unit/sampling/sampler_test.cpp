// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/sampling/sampler.hpp"

#include <functional>
#include <future>

#include "sampling/schedule.hpp"
#include "sockdiag/metrics/metric_families.hpp"
#include "support/catch.hpp"
#include "support/dump_builder.hpp"

namespace sockdiag::test {
namespace {

using namespace std::chrono_literals;

constexpr PortRange kEphemeral{32768, 60999};

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

// Samples the good dump, and calls `sampled` each time before.
Sampling counted_sampling(Board& board, std::function<void()> sampled) {
  return {
      TcpSource({.open_channel = [] { return std::make_unique<ReplayChannel>(good().datagrams()); },
                 .ephemeral_range =
                     [sampled = std::move(sampled)] {
                       sampled();
                       return kEphemeral;
                     },
                 .reserved_ports = none_reserved,
                 .total_sockets = [] { return 1; },
                 .listen_drops = [] { return 0; }},
                {}),
      [] {
        return KernelValues{std::vector<std::optional<std::uint64_t>>(kernel_value_rows().size()),
                            {}};
      },
      board};
}

// A kernel that answers whatever the test says at that moment.
class FakeKernel {
 public:
  DumpBuilder answer = good();
  std::string release{};
  std::optional<std::uint64_t> listen_drops = 100;
  std::vector<std::string> problems{};
  bool has_totals = true;
  std::function<void()> opened = [] {};  // with each dump

  Sampling sampling(Board& board) {
    return {TcpSource({.open_channel =
                           [this] {
                             opened();
                             return std::make_unique<ReplayChannel>(answer.datagrams());
                           },
                       .ephemeral_range = [] { return kEphemeral; },
                       .reserved_ports = none_reserved,
                       .total_sockets = [this] { return total_or_throw(); },
                       .listen_drops = [this] { return listen_drops_or_throw(); },
                       .release = release},
                      {}),
            [this] {
              KernelValues values;
              values.values.resize(kernel_value_rows().size());
              values.values[0] = 42;
              values.problems = problems;
              return values;
            },
            board};
  }

 private:
  std::uint64_t total_or_throw() const {
    if (!has_totals) throw std::runtime_error("no sockstat");
    return 3;
  }
  std::uint64_t listen_drops_or_throw() const {
    if (!listen_drops) throw std::runtime_error("no netstat");
    return *listen_drops;
  }
};

Configuration with(SamplingPolicy sampling) {
  Configuration configuration;
  configuration.sampling = sampling;
  return configuration;
}

const SampleStatus& tcp_of(const Sampling& sampling) { return sampling.status(SampleSource::tcp); }

std::string text_of(const Board& board, SampleSource source) {
  const auto latest = board.latest();
  if (latest == nullptr || latest->of(source).part == nullptr) return "";
  return latest->of(source).part->text();
}

std::string sockets_text(const Board& board) { return text_of(board, SampleSource::tcp); }

bool is_fresh(const Board& board, std::chrono::steady_clock::duration later = {}) {
  const auto now = std::chrono::steady_clock::now();
  return board.latest()->of(SampleSource::tcp).is_fresh(now + later);
}

}  // namespace

TEST_CASE("A good sample is published with its status") {
  FakeKernel kernel;
  Board board;
  Sampling sampling = kernel.sampling(board);
  sampling.attempt(SampleSource::tcp, {});
  CHECK(tcp_of(sampling).success);
  CHECK(tcp_of(sampling).last_success.has_value());
  CHECK(tcp_of(sampling).interval == 5s);
  CHECK_THAT(sockets_text(board), contains_text("port=\"80\",state=\"established\"} 1\n"));
  CHECK_THAT(board.latest()->status->text(), contains_text("sample_success{source=\"tcp\"} 1\n"));
  CHECK(is_fresh(board));
}

TEST_CASE("A failed sample publishes its failure and nothing of its sockets") {
  FakeKernel kernel;
  Board board;
  Sampling sampling = kernel.sampling(board);
  sampling.attempt(SampleSource::tcp, {});
  const auto before = sockets_text(board);
  kernel.answer = DumpBuilder().socket({}).socket({}).done(ENOMEM);
  sampling.attempt(SampleSource::tcp, {});
  sampling.attempt(SampleSource::tcp, {});
  CHECK(sockets_text(board) == before);
  CHECK_FALSE(tcp_of(sampling).success);
  CHECK(tcp_of(sampling).failures == 2);
  CHECK_THAT(board.latest()->status->text(), contains_text("sample_success{source=\"tcp\"} 0\n"));
  CHECK_THAT(board.latest()->status->text(), contains_text("failures_total{source=\"tcp\"} 2\n"));
  kernel.answer = good();
  sampling.attempt(SampleSource::tcp, {});
  CHECK(tcp_of(sampling).success);
  CHECK(sockets_text(board) == before);
}

TEST_CASE("Failing from the first sample on shows no sockets") {
  FakeKernel kernel;
  kernel.answer = DumpBuilder().done(ENOMEM);
  Board board;
  Sampling sampling = kernel.sampling(board);
  sampling.attempt(SampleSource::tcp, {});
  CHECK(sockets_text(board).empty());
  CHECK_FALSE(is_fresh(board));
  CHECK(board.latest()->status->text().find("sample_timestamp") == std::string::npos);
}

TEST_CASE("A dump that the kernel calls inconsistent is an attempt that failed") {
  FakeKernel kernel;
  kernel.answer = DumpBuilder().message(18, encode(SocketSpec{}), 0x10).done();
  Board board;
  Sampling sampling = kernel.sampling(board);
  sampling.attempt(SampleSource::tcp, {});
  CHECK(tcp_of(sampling).attempts == 1);
  CHECK(tcp_of(sampling).failures == 1);
  kernel.answer = DumpBuilder().done();
  sampling.attempt(SampleSource::tcp, {});
  CHECK(tcp_of(sampling).attempts == 2);
  CHECK(tcp_of(sampling).failures == 1);
  CHECK_FALSE(sockets_text(board).empty());
}

TEST_CASE("Staleness comes after max_staleness and never before three intervals") {
  FakeKernel kernel;
  Board board;
  Sampling sampling = kernel.sampling(board);
  const auto lifetime = [&](SamplingPolicy settings) {
    sampling.attempt(SampleSource::tcp, with(settings));
    return board.latest()->of(SampleSource::tcp).withdrawn_after - std::chrono::steady_clock::now();
  };
  CHECK(lifetime({.interval = 1h, .max_staleness = 60s}) > 2h);
  CHECK(lifetime({.interval = 1h, .max_staleness = 60s}) <= 3h);
  CHECK(lifetime({.interval = 1s, .max_staleness = 24h}) > 23h);
}

TEST_CASE("A cheap failure does not shorten the interval that a good sample stretched") {
  FakeKernel kernel;
  Board board;
  Sampling sampling = kernel.sampling(board);
  const SamplingPolicy settings{.interval = 1ms, .cpu_budget = 1e-9};
  sampling.attempt(SampleSource::tcp, with(settings));
  const auto stretched = tcp_of(sampling).interval;
  kernel.answer = DumpBuilder().done(ENOMEM);
  sampling.attempt(SampleSource::tcp, with(settings));
  CHECK_FALSE(tcp_of(sampling).success);
  CHECK(tcp_of(sampling).interval >= stretched);
  CHECK(is_fresh(board));
}

TEST_CASE("A longer interval holds for the last sample too") {
  FakeKernel kernel;
  Board board;
  Sampling sampling = kernel.sampling(board);
  sampling.attempt(SampleSource::tcp, with({.interval = 1s, .max_staleness = 1s}));
  sampling.settle(with({.interval = 1h, .max_staleness = 1s}));
  CHECK(tcp_of(sampling).interval == 1h);
  CHECK(is_fresh(board, 2h));
  CHECK_THAT(board.latest()->status->text(),
             contains_text("interval_seconds{source=\"tcp\"} 3600"));
}

TEST_CASE("The sampler samples at once, again at its interval, and ends when asked") {
  std::atomic<int> samples = 0;
  std::promise<void> third;
  Board board;
  Configuration configuration = with({.interval = 1ms, .cpu_budget = 1});
  Sampler sampler(counted_sampling(board,
                                   [&] {
                                     if (++samples == 3) third.set_value();
                                   }),
                  configuration);
  CHECK(third.get_future().wait_for(60s) == std::future_status::ready);
}

TEST_CASE("The sampler tells that it turns, also while no sample is due") {
  std::atomic<int> samples = 0;
  std::atomic<int> turns = 0;
  std::promise<void> third;
  Board board;
  Configuration configuration = with({.interval = 1h, .cpu_budget = 1});
  configuration.listeners.interval = 1h;
  const auto turned = [&] {
    if (++turns == 3) third.set_value();
  };
  Sampler sampler(counted_sampling(board, [&] { ++samples; }), configuration, {turned, 1ms});
  CHECK(third.get_future().wait_for(60s) == std::future_status::ready);
  CHECK(samples == 1);
}

TEST_CASE("A shorter interval and new ports hold without waiting for the old interval") {
  std::atomic<int> samples = 0;
  std::promise<void> first;
  std::promise<void> third;
  Board board;
  Configuration configuration = with({.interval = 1h});
  Sampler sampler(counted_sampling(board,
                                   [&] {
                                     const int number = ++samples;
                                     if (number == 1) first.set_value();
                                     if (number == 3) third.set_value();
                                   }),
                  configuration);
  REQUIRE(first.get_future().wait_for(60s) == std::future_status::ready);
  configuration.sampling.interval = 10ms;
  configuration.sampling.cpu_budget = 1;
  configuration.ports.outbound = {9};
  sampler.configure(configuration);
  REQUIRE(third.get_future().wait_for(60s) == std::future_status::ready);
  CHECK_THAT(sockets_text(board), contains_text("direction=\"outbound\",port=\"9\""));
}

TEST_CASE("Listeners are polled once a sample has told which ports have series") {
  FakeKernel kernel;
  kernel.answer = DumpBuilder().socket(kListener).done();
  Board board;
  Sampling sampling = kernel.sampling(board);
  sampling.attempt(SampleSource::listeners, {});
  CHECK(sampling.status(SampleSource::listeners).attempts == 0);
  CHECK(text_of(board, SampleSource::listeners).empty());
  sampling.attempt(SampleSource::tcp, {});
  sampling.attempt(SampleSource::listeners, {});
  CHECK(sampling.status(SampleSource::listeners).success);
  CHECK_THAT(text_of(board, SampleSource::listeners),
             contains_text("listener_drops_total{port=\"80\"} 0\n"));
}

TEST_CASE("Drops at listeners are bounded by ListenDrops") {
  FakeKernel kernel;
  SocketSpec listener = kListener;
  kernel.answer = DumpBuilder().socket(listener).done();
  Board board;
  Sampling sampling = kernel.sampling(board);
  sampling.attempt_all({});
  listener.drops = *listener.drops + 10;
  kernel.answer = DumpBuilder().socket(listener).done();
  *kernel.listen_drops += 3;
  sampling.attempt(SampleSource::listeners, {});
  CHECK_THAT(text_of(board, SampleSource::listeners),
             contains_text("listener_drops_total{port=\"80\"} 3\n"));
}

TEST_CASE("Without ListenDrops the listeners' source fails, peaks are shown and drops are not") {
  FakeKernel kernel;
  kernel.answer = DumpBuilder().socket(kListener).done();
  kernel.listen_drops.reset();
  Board board;
  Sampling sampling = kernel.sampling(board);
  for (const SampleSource again : {SampleSource::kernel, SampleSource::tcp}) {
    sampling.attempt_all({});
    sampling.attempt(again, {});
    CHECK_FALSE(sampling.status(SampleSource::listeners).success);
    const std::string text = text_of(board, SampleSource::listeners);
    CHECK_THAT(text, contains_text("accept_queue_peak_sockets{port=\"80\"} 0\n"));
    CHECK(text.find("listener_drops_total") == std::string::npos);
  }
  kernel.listen_drops = 5;
  sampling.attempt(SampleSource::listeners, {});
  CHECK(sampling.status(SampleSource::listeners).success);
  CHECK_THAT(text_of(board, SampleSource::listeners),
             contains_text("listener_drops_total{port=\"80\"} 0\n"));
}

TEST_CASE("A poll that fails costs the listeners' part alone") {
  FakeKernel kernel;
  Board board;
  Sampling sampling = kernel.sampling(board);
  sampling.attempt(SampleSource::tcp, {});
  kernel.answer = DumpBuilder().done(ENOMEM);
  sampling.attempt(SampleSource::listeners, {});
  CHECK_FALSE(sampling.status(SampleSource::listeners).success);
  CHECK(tcp_of(sampling).success);
  const std::string status = board.latest()->status->text();
  CHECK_THAT(status, contains_text("sample_success{source=\"tcp\"} 1\n"));
  CHECK_THAT(status, contains_text("sample_success{source=\"listeners\"} 0\n"));
  CHECK(status.find("source=\"kernel\"") == std::string::npos);
}

TEST_CASE("A peak is never under the queue that is shown beside it") {
  FakeKernel kernel;
  SocketSpec listener = kListener;
  kernel.answer = DumpBuilder().socket(listener).done();
  Board board;
  Sampling sampling = kernel.sampling(board);
  sampling.attempt_all({});
  listener.receive_queue = 7;
  kernel.answer = DumpBuilder().socket(listener).done();
  sampling.attempt(SampleSource::tcp, {});
  CHECK_THAT(sockets_text(board), contains_text("accept_queue_sockets{port=\"80\"} 7\n"));
  CHECK_THAT(text_of(board, SampleSource::listeners),
             contains_text("accept_queue_peak_sockets{port=\"80\"} 7\n"));
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
  Board board;
  Sampling sampling = kernel.sampling(board);
  sampling.attempt(SampleSource::tcp, {});
  kernel.answer = DumpBuilder().socket(leak).done();
  dumps = 0;
  sampling.attempt(SampleSource::tcp, {});
  CHECK(dumps == 2);
  const std::string one = "state=\"close_wait\"} 1\n";
  CHECK_THAT(sockets_text(board),
             contains_text("lingering_sockets{direction=\"outbound\",port=\"80\"," + one));
  sampling.attempt(SampleSource::tcp, {});
  CHECK(dumps == 3);
}

TEST_CASE("A file of counters that cannot be read fails its source, the other files are shown") {
  FakeKernel kernel;
  kernel.problems = {"reading a file: no", "reading another: no"};
  Board board;
  Sampling sampling = kernel.sampling(board);
  sampling.attempt(SampleSource::kernel, {});
  CHECK_FALSE(sampling.status(SampleSource::kernel).success);
  CHECK(sampling.status(SampleSource::kernel).failures == 1);
  const std::string first(kernel_value_rows()[0].metric);
  CHECK_THAT(text_of(board, SampleSource::kernel), contains_text(first + " 42\n"));
  kernel.problems.clear();
  sampling.attempt(SampleSource::kernel, {});
  CHECK(sampling.status(SampleSource::kernel).success);
}

TEST_CASE("A file that the sample of sockets could not read fails the source of counters") {
  FakeKernel kernel;
  Board board;
  Sampling sampling = kernel.sampling(board);
  kernel.has_totals = false;
  sampling.attempt_all({});
  CHECK(tcp_of(sampling).success);
  CHECK_FALSE(sampling.status(SampleSource::kernel).success);
  const std::string first(kernel_value_rows()[0].metric);
  CHECK_THAT(text_of(board, SampleSource::kernel), contains_text(first + " 42\n"));
  CHECK(sockets_text(board).find("unaccounted_sockets") == std::string::npos);
  kernel.has_totals = true;
  sampling.attempt_all({});
  CHECK(sampling.status(SampleSource::kernel).success);
}

TEST_CASE("Polls and counters take a tenth of the CPU budget each at most, the dump the rest") {
  FakeKernel kernel;
  Board board;
  Sampling sampling = kernel.sampling(board);
  Configuration configuration = with({.interval = 1ms, .cpu_budget = 1e-6});
  configuration.listeners.interval = 1ms;
  double shares = 0;
  for (const SampleSource source : kSampleSources) sampling.attempt(source, configuration);
  for (const SampleSource source : kSampleSources) {
    const SampleStatus& status = sampling.status(source);
    const double share = share_of_cpu(status.cpu_time_total, status.interval);
    CHECK(share > 0);
    if (source != SampleSource::tcp) CHECK(share <= 1.000001e-7);
    shares += share;
  }
  CHECK(shares == Approx(1e-6).epsilon(0.001));
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
    TcpSource source(
        {.open_channel =
             [] { return std::make_unique<ReplayChannel>(two_and_a_request().datagrams()); },
         .ephemeral_range = [] { return kEphemeral; },
         .reserved_ports = none_reserved,
         .total_sockets = [&] { return std::exchange(first, false) ? row.before : row.after; },
         .listen_drops = [] { return 0; }},
        {});
    const std::string text = render(source.sample());
    if (row.expected.empty()) {
      CHECK(text.find("unaccounted_sockets") == std::string::npos);
    } else {
      CHECK_THAT(text, contains_text(row.expected));
    }
  }
}

TEST_CASE("Where the ephemeral range cannot be read all is shown but the ephemeral ports") {
  const auto dump = DumpBuilder()
                        .socket({.local = "127.0.0.1:33000", .remote = "127.0.0.1:80"})
                        .socket({.local = "127.0.0.1:33001", .remote = "127.0.0.1:40000"})
                        .done();
  TcpSource source(
      {.open_channel = [&] { return std::make_unique<ReplayChannel>(dump.datagrams()); },
       .ephemeral_range = [] { return std::nullopt; },
       .reserved_ports = none_reserved,
       .total_sockets = [] { return 2; }},
      {});
  const std::string text = render(source.sample());
  CHECK_THAT(text, contains_text("port=\"80\",state=\"established\"} 1\n"));
  CHECK_THAT(text, contains_text("port=\"other\",state=\"established\"} 1\n"));
  CHECK(text.find("sockdiag_tcp_ephemeral_ports") == std::string::npos);
}

TEST_CASE("A range that cannot be read once is the last one read") {
  std::optional<PortRange> range = PortRange{1024, 65535};
  const auto dump =
      DumpBuilder().socket({.local = "127.0.0.1:9", .remote = "127.0.0.1:1100"}).done();
  TcpSource source(
      {.open_channel = [&] { return std::make_unique<ReplayChannel>(dump.datagrams()); },
       .ephemeral_range = [&] { return range; },
       .reserved_ports = none_reserved,
       .total_sockets = [] { return 1; }},
      {});
  CHECK(source.sample().ephemeral.available == 64512U);
  range.reset();
  const TcpSnapshot snapshot = source.sample();
  CHECK_FALSE(snapshot.ephemeral.available.has_value());
  CHECK(snapshot.of(Direction::outbound).ports.empty());
}

TEST_CASE("Starts of TIME_WAIT are told by the length that is in force") {
  auto length = 60'000ms;
  DumpBuilder answer = DumpBuilder().done();
  TcpSource source(
      {.open_channel = [&] { return std::make_unique<ReplayChannel>(answer.datagrams()); },
       .ephemeral_range = [] { return kEphemeral; },
       .reserved_ports = none_reserved,
       .total_sockets = [] { return 0; },
       .time_wait_length = [&] { return length; }},
      {});
  const auto started_with = [&](std::uint64_t cookie) {
    answer = DumpBuilder()
                 .socket({.state = 6,
                          .local = "127.0.0.1:33000",
                          .remote = "127.0.0.1:80",
                          .timer = 3,
                          .cookie = cookie,
                          .expires_ms = 4500})
                 .done();
    const auto ports = source.sample().of(Direction::outbound).ports;
    return ports.at(0).time_wait_started;
  };
  static_cast<void>(source.sample());
  CHECK(started_with(1) == 0);
  length = 5'000ms;
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
    Board board;
    Sampling sampling = kernel.sampling(board);
    sampling.attempt_all({});
    const std::string text = sockets_text(board) + text_of(board, SampleSource::listeners);
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
