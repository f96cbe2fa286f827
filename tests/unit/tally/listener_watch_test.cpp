// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/listener_watch.hpp"

#include <array>
#include <map>
#include <random>
#include <utility>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using namespace std::chrono_literals;
using Listeners = std::vector<SocketRecord>;

constexpr auto kWindow = 60s;
constexpr std::uint32_t kLimit = 10;
constexpr std::uint32_t kFull = kLimit + 1;
constexpr std::uint64_t kMany = 1'000'000'000;

SocketRecord listener(std::uint64_t cookie, std::uint16_t port, std::uint32_t queue,
                      std::optional<std::uint32_t> drops = 0) {
  SocketRecord record;
  record.send_queue = kLimit;
  record.state_number = static_cast<std::uint8_t>(TcpState::listen);
  record.cookie = cookie;
  record.local_port = port;
  record.receive_queue = queue;
  record.drops = drops;
  return record;
}

// A watch over ports 80 and 443, with a clock and the kernel's ListenDrops.
class Polls {
 public:
  Polls() { record_seen(0, 0); }

  Polls& begin(const Listeners& listeners) {
    watch_.begin(now_, read_);
    for (const SocketRecord& record : listeners) watch_.add(record);
    return *this;
  }
  Polls& poll(const Listeners& listeners) { return poll(kMany, listeners); }
  // ListenDrops has grown since the last poll, and again while this one ran.
  Polls& poll(std::uint64_t growth, const Listeners& listeners, std::uint64_t meanwhile = 0) {
    if (listen_drops_) *listen_drops_ += growth;
    if (!try_poll(listeners, meanwhile)) {
      if (listen_drops_) *listen_drops_ -= meanwhile;
      REQUIRE(try_poll(listeners, meanwhile));
    }
    return *this;
  }
  Polls& lose_listen_drops() {
    listen_drops_.reset();
    return *this;
  }
  Polls& find_listen_drops(std::uint64_t count) {
    listen_drops_ = count;
    return *this;
  }
  // A sample of all sockets, with the length of port 80's queue and that of ports without series.
  Polls& record_seen(std::uint64_t length, std::uint64_t other) {
    DirectionCounts inbound;
    for (const std::uint16_t port : ports_) inbound.ports.push_back({.port = port});
    if (!inbound.ports.empty()) inbound.ports[0].accept_queue.length = length;
    inbound.other.accept_queue.length = other;
    watch_.record_seen(inbound, listening_, now_);
    return *this;
  }
  Polls& seat(std::vector<std::uint16_t> ports) {
    ports_ = std::move(ports);
    return record_seen(0, 0);
  }
  // A sample that shows this port for the first time.
  Polls& discover(std::uint16_t port, std::vector<std::uint16_t> seated) {
    listening_.set(port);
    return seat(std::move(seated));
  }
  Polls& pass(std::chrono::milliseconds time) {
    now_ += time;
    return *this;
  }

  ListenerCounts port(std::uint16_t port) {
    const ListenerSnapshot snapshot = watch_.report(now_, kWindow);
    for (const ListenerCounts& counts : snapshot.ports) {
      if (counts.port == port) return counts;
    }
    FAIL("no such port");
    return {};
  }
  [[nodiscard]] const std::vector<std::uint16_t>& seated() const { return ports_; }
  ListenerCounts other() { return watch_.report(now_, kWindow).other; }
  // Since the last question.
  int reads() { return std::exchange(reads_, 0); }

 private:
  bool try_poll(const Listeners& listeners, std::uint64_t meanwhile) {
    begin(listeners);
    if (listen_drops_) *listen_drops_ += meanwhile;
    return watch_.finish(now_, read_);
  }

  ListenerWatch watch_;
  ListenerWatch::ListenDrops listen_drops_ = 7000;
  int reads_ = 0;
  ListenerWatch::ReadListenDrops read_ = [this] {
    ++reads_;
    return listen_drops_;
  };
  std::vector<std::uint16_t> ports_ = {80, 443};
  PortSet listening_ = PortSet().set(80).set(443).set(8080).set(8081);
  ListenerWatch::TimePoint now_{1000h};
};

}  // namespace

TEST_CASE("The peak is the highest queue of the window, and falls when that has left it") {
  Polls polls;
  polls.poll({listener(1, 80, 5)}).pass(1s).poll({listener(1, 80, 3)}).pass(1s);
  polls.poll({listener(1, 80, 0)});
  CHECK(polls.port(80).accept_queue_peak == 5);
  CHECK(polls.port(443).accept_queue_peak == 0);
  CHECK(polls.pass(58s).port(80).accept_queue_peak == 5);
  CHECK(polls.pass(1ms).port(80).accept_queue_peak == 3);
  CHECK(polls.pass(1s).port(80).accept_queue_peak == 0);
}

TEST_CASE("All listeners of a port queue together, those without series under other") {
  Polls polls;
  polls.poll({listener(1, 80, 5), listener(2, 80, 2), listener(3, 8080, 4), listener(4, 8081, 1)});
  CHECK(polls.port(80).accept_queue_peak == 7);
  CHECK(polls.other().accept_queue_peak == 5);
}

TEST_CASE("What a sample of all sockets saw counts for the peak, too") {
  Polls polls;
  polls.record_seen(9, 4).poll({listener(1, 80, 1)});
  CHECK(polls.port(80).accept_queue_peak == 9);
  CHECK(polls.other().accept_queue_peak == 4);
}

TEST_CASE("Whatever the lengths, the peak is the maximum over the window") {
  std::mt19937 random(20261123);
  Polls polls;
  std::vector<std::uint32_t> lengths;
  for (int i = 0; i < 500; ++i) {
    const auto length = std::uniform_int_distribution<std::uint32_t>(0, 50)(random);
    lengths.push_back(length);
    polls.pass(1s).poll({listener(1, 80, length)});
    const auto first = lengths.size() > 61 ? lengths.end() - 61 : lengths.begin();
    REQUIRE(polls.port(80).accept_queue_peak == *std::max_element(first, lengths.end()));
  }
}

TEST_CASE("Drops are counted from the first poll on") {
  Polls polls;
  CHECK(polls.poll({listener(1, 80, 0, 18)}).port(80).drops == 0);
  CHECK(polls.poll({listener(1, 80, 0, 18)}).port(80).drops == 0);
  CHECK(polls.poll({listener(1, 80, 0, 20)}).port(80).drops == 2);
}

TEST_CASE("Drops add up over listeners of a port and over their restarts") {
  Polls polls;
  polls.poll({}).poll({listener(1, 80, 0, 10), listener(2, 80, 0, 5)});
  CHECK(polls.port(80).drops == 15);
  CHECK(polls.poll({listener(2, 80, 0, 6)}).port(80).drops == 16);
  CHECK(polls.poll({}).port(80).drops == 16);
  CHECK(polls.poll({listener(3, 80, 0, 2)}).port(80).drops == 18);
}

TEST_CASE("The kernel's 32 bits may wrap") {
  Polls polls;
  polls.poll({listener(1, 80, 0, 0xffffffff)});
  CHECK(polls.poll({listener(1, 80, 0, 4)}).port(80).drops == 5);
}

TEST_CASE("A lost poll counts nothing and loses nothing") {
  Polls polls;
  polls.poll({}).poll({listener(1, 80, 1, 10)});
  polls.begin({listener(1, 80, 99, 15), listener(2, 80, 0, 7), listener(3, 443, kFull)});
  polls.poll(13, {listener(1, 80, 2, 16), listener(2, 80, 0, 7), listener(3, 443, 0, 1)});
  CHECK(polls.port(80).drops == 22);
  CHECK(polls.port(443).drops == 0);
  CHECK(polls.port(80).accept_queue_peak == 2);
}

TEST_CASE("A port that gets or loses its series makes no counter fall") {
  Polls polls;
  polls.poll({}).poll({listener(1, 8080, 0, 10)});
  CHECK(polls.other().drops == 10);
  polls.seat({80, 8080}).poll({listener(1, 8080, 0, 13)});
  CHECK(polls.port(8080).drops == 3);
  CHECK(polls.other().drops == 10);
  polls.seat({80}).poll({listener(1, 8080, 0, 14)});
  CHECK(polls.other().drops == 11);
  polls.seat({80, 8080}).poll({listener(1, 8080, 0, 15)});
  CHECK(polls.port(8080).drops == 4);
}

TEST_CASE("A listener that a poll does not show is not counted anew when it is back") {
  Polls polls;
  polls.poll({}).poll({listener(1, 80, 0, 14)}).pass(1s).poll({}).pass(1s);
  CHECK(polls.poll({listener(1, 80, 0, 15)}).port(80).drops == 15);
}

TEST_CASE("A port that no sample has seen is counted when one has, with all its drops") {
  Polls polls;
  polls.poll({}).poll(13, {listener(1, 9000, 5, 13)}).pass(1s).poll(1, {listener(1, 9000, 5, 14)});
  CHECK(polls.other().drops == 0);
  CHECK(polls.other().accept_queue_peak == 0);
  polls.discover(9000, {80, 9000});
  CHECK(polls.port(9000).drops == 14);
  CHECK(polls.poll(1, {listener(1, 9000, 5, 15)}).port(9000).drops == 15);
  CHECK(polls.port(9000).accept_queue_peak == 5);
  CHECK(polls.seat({80}).poll({listener(1, 9000, 5, 15)}).other().drops == 0);
}

TEST_CASE("A port without series that no sample has seen is counted under other when one has") {
  Polls polls;
  polls.poll({}).poll({listener(1, 9000, 5, 13)}).discover(9000, {80});
  CHECK(polls.other().drops == 13);
}

TEST_CASE("Listeners that have gone are remembered for a time, and not too many") {
  Polls polls;
  polls.poll({}).poll({listener(1, 80, 0, 10)}).pass(ListenerWatch::kRetention + 1s).poll({});
  CHECK(polls.poll({listener(1, 80, 0, 10)}).port(80).drops == 20);

  Listeners many;
  for (std::uint64_t i = 0; i <= ListenerWatch::kMaxRemembered; ++i) {
    many.push_back(listener(100 + i, 443, 0, 0));
  }
  polls.poll({listener(1, 80, 0, 10)}).pass(1s).poll(many);
  CHECK(polls.poll({listener(1, 80, 0, 10)}).port(80).drops == 30);
}

TEST_CASE("A kernel that does not tell the drops of each listener has none counted") {
  Polls polls;
  polls.poll({listener(1, 80, 0), listener(2, 443, 3, std::nullopt)});
  CHECK_FALSE(polls.port(80).drops.has_value());
  CHECK_FALSE(polls.other().drops.has_value());
  CHECK(polls.port(443).accept_queue_peak == 3);
}

namespace {

struct Claim {
  std::uint16_t port;
  std::uint32_t drops;  // by the listener's own counter
  bool full = false;
};

struct CreditRow {
  std::string it;
  std::uint64_t growth;
  std::vector<Claim> claims;
  std::map<std::uint16_t, std::uint64_t> credited;
};

const std::vector<CreditRow> kCredits = {
    {"gives each its own where ListenDrops grew as much",
     15,
     {{80, 10}, {443, 5}},
     {{80, 10}, {443, 5}}},
    {"gives none where ListenDrops stands", 0, {{80, 500}, {443, 1, true}}, {{80, 0}, {443, 0}}},
    {"gives one alone no more than the growth", 3, {{80, 500}}, {{80, 3}}},
    {"gives a full one alone no more than the growth", 3, {{80, 500, true}}, {{80, 3}}},
    {"gives what the other cannot have taken", 20, {{80, 500}, {443, 18}}, {{80, 2}, {443, 0}}},
    {"guesses nothing between equals", 10, {{80, 10}, {443, 10}}, {{80, 0}, {443, 0}}},
    {"puts a full queue first", 10, {{80, 500}, {443, 10, true}}, {{80, 0}, {443, 10}}},
    {"leaves the others what the full ones cannot have taken",
     12,
     {{80, 500}, {443, 10, true}},
     {{80, 2}, {443, 10}}},
    {"leaves the others nothing while the full ones may have taken all",
     10,
     {{80, 10, true}, {443, 10, true}, {8080, 5}},
     {{80, 0}, {443, 0}, {8080, 0}}},
    {"tells two full ones apart as far as it is certain",
     200,
     {{80, 500, true}, {443, 100, true}},
     {{80, 100}, {443, 0}}},
    {"adds up the listeners of a port first",
     10,
     {{80, 6}, {80, 6}, {443, 1}},
     {{80, 9}, {443, 0}}},
};

}  // namespace

TEST_CASE("Drops are credited as far as they are certain") {
  for (const CreditRow& row : kCredits) {
    INFO("it " << row.it);
    Polls polls;
    polls.seat({80, 443, 8080}).poll({});
    Listeners listeners;
    for (const Claim& claim : row.claims) {
      listeners.push_back(
          listener(listeners.size(), claim.port, claim.full ? kFull : kLimit, claim.drops));
    }
    polls.poll(row.growth, listeners);
    for (const auto& [port, drops] : row.credited) {
      CAPTURE(port);
      CHECK(polls.port(port).drops == drops);
    }
  }
}

TEST_CASE("A queue that was full at the poll before comes first, too, but not for longer") {
  Polls polls;
  const auto poll = [&](std::uint32_t queue, std::uint32_t drops) {
    polls.poll(10, {listener(1, 80, 0, drops * 50), listener(2, 443, queue, drops)});
    return *polls.port(443).drops;
  };
  CHECK(poll(kFull, 0) == 0);
  CHECK(poll(0, 10) == 10);
  CHECK(poll(0, 20) == 10);
}

TEST_CASE("What is dropped while a poll runs may be shown by the next") {
  Polls polls;
  polls.poll(0, {listener(1, 80, 0, 0)}, 3);
  CHECK(polls.poll(0, {listener(1, 80, 0, 3)}).port(80).drops == 3);
  CHECK(polls.poll(0, {listener(1, 80, 0, 6)}).port(80).drops == 3);  // not twice
  polls.poll(5, {listener(1, 80, 0, 6)}, 3);
  CHECK(polls.poll(0, {listener(1, 80, 0, 14)}).port(80).drops == 6);
  polls.poll(1, {listener(1, 80, 0, 17)}, 2);  // shown at once
  CHECK(polls.port(80).drops == 9);
  CHECK(polls.poll(0, {listener(1, 80, 0, 20)}).port(80).drops == 9);
}

TEST_CASE("ListenDrops is read while something happens, and else now and then") {
  Polls polls;
  const Listeners quiet = {listener(1, 80, 0, 5), listener(2, 443, 0, 0)};
  const auto reads = [&](const Listeners& listeners) {
    polls.pass(1s).poll(0, listeners);
    return polls.reads();
  };
  CHECK(reads(quiet) == 2);
  CHECK(reads(quiet) == 1);
  CHECK(reads(quiet) == 0);
  CHECK(reads(quiet) == 0);
  CHECK(polls.pass(ListenerWatch::kReadAge).poll(0, quiet).reads() == 1);
  CHECK(reads(quiet) == 0);
  CHECK(reads({listener(1, 80, 0, 6), quiet[1]}) == 2);  // a counter moved
  CHECK(reads({listener(1, 80, 0, 7), quiet[1]}) == 2);
  CHECK(reads({listener(1, 80, 0, 7), quiet[1]}) == 1);
  CHECK(reads({listener(1, 80, 0, 7), quiet[1]}) == 0);
  CHECK(reads({listener(1, 80, 0, 7)}) == 1);  // one has gone
  CHECK(reads({listener(1, 80, 0, 7)}) == 1);
  CHECK(reads({listener(1, 80, 0, 7)}) == 0);
  CHECK(reads({listener(3, 80, 0, 0)}) == 1);  // one has gone and another one come
  CHECK(reads({listener(3, 80, 0, 0)}) == 1);
  CHECK(reads({listener(1, 80, 0, 7)}) == 1);  // one of those that are remembered
  CHECK(reads({listener(1, 80, 0, 7)}) == 1);
  CHECK(reads({listener(1, 80, 0, 7)}) == 0);
}

TEST_CASE("After polls that read nothing, drops are credited whole and false claims are not") {
  const auto after_a_rest = [](std::uint64_t meanwhile, std::uint32_t shown) {
    Polls polls;
    polls.poll(0, {listener(1, 80, 0, 5)});
    for (int i = 0; i < 5; ++i) polls.pass(1s).poll(0, {listener(1, 80, 0, 5)});
    // Dropped while the dump ran, after it had shown the listener.
    polls.pass(1s).poll(0, {listener(1, 80, 0, 5)}, meanwhile);
    return polls.pass(1s).poll(3, {listener(1, 80, 0, shown)});
  };
  CHECK(after_a_rest(0, 8).port(80).drops == 3);
  CHECK(after_a_rest(4, 12).port(80).drops == 7);
  CHECK(after_a_rest(0, 500).port(80).drops == 3);
}

TEST_CASE("What a listener that has gone dropped is not credited to another one later") {
  Polls polls;
  const SocketRecord other = listener(2, 443, 0, 0);
  for (int i = 0; i < 4; ++i) polls.pass(1s).poll(0, {listener(1, 80, 0, 5), other});
  polls.pass(1s).poll(9, {other}).pass(1s).poll(0, {other});
  polls.pass(1s).poll(0, {listener(2, 443, 0, 9)});
  CHECK(polls.port(443).drops == 0);
}

TEST_CASE("What happened unseen while nothing was read is forgotten when ListenDrops is read") {
  Polls polls;
  const Listeners quiet = {listener(1, 80, 0, 5)};
  for (int i = 0; i < 4; ++i) polls.pass(1s).poll(0, quiet);
  polls.pass(1s).poll(9, quiet).pass(ListenerWatch::kReadAge).poll(0, quiet);
  polls.pass(1s).poll(0, {listener(1, 80, 0, 14)});
  CHECK(polls.port(80).drops == 0);
}

TEST_CASE("Without ListenDrops no drops are told, and the interval counts nothing") {
  Polls polls;
  polls.poll({}).poll({listener(1, 80, 0, 10)});
  polls.lose_listen_drops().poll({listener(1, 80, 5, 20)});
  CHECK_FALSE(polls.port(80).drops.has_value());
  CHECK_FALSE(polls.other().drops.has_value());
  CHECK(polls.port(80).accept_queue_peak == 5);
  polls.find_listen_drops(kMany).poll(0, {listener(1, 80, 0, 30)});
  CHECK(polls.port(80).drops == 10);
  CHECK(polls.poll(5, {listener(1, 80, 0, 31)}).port(80).drops == 11);
}

TEST_CASE("After a read that failed the next poll counts like the first") {
  Polls polls;
  for (int i = 0; i < 4; ++i) polls.pass(1s).poll(0, {listener(1, 80, 0, 5)});
  polls.lose_listen_drops().pass(ListenerWatch::kReadAge).poll({listener(1, 80, 0, 5)});
  CHECK_FALSE(polls.port(80).drops.has_value());
  polls.find_listen_drops(7000).pass(1s).poll(0, {listener(1, 80, 0, 5)}, 3);
  CHECK(polls.port(80).drops == 0);
  CHECK(polls.pass(1s).poll(0, {listener(1, 80, 0, 8)}).port(80).drops == 3);
}

TEST_CASE("A ListenDrops that falls is one that tells nothing") {
  Polls polls;
  polls.poll({}).find_listen_drops(5).poll(0, {listener(1, 80, 0, 10)});
  CHECK(polls.port(80).drops == 0);
  CHECK(polls.poll(2, {listener(1, 80, 0, 12)}).port(80).drops == 2);
}

namespace {

// A kernel whose listeners drop, and count as drops what is none. Each poll it may replace
// listeners, and seats move.
class Host {
 public:
  static constexpr std::array<std::uint16_t, 5> kPorts = {80, 443, 8080, 8081, 9000};

  struct Port {
    std::uint64_t truth = 0;     // dropped so far
    std::uint32_t shown = 0;     // by its listener's counter
    std::uint64_t credited = 0;  // under its own name and as long as nothing moves
    std::uint64_t cookie = 0;
    bool was_full = false;
    bool is_full = false;
    std::uint64_t claimed = 0;
    std::uint64_t dropped = 0;  // those since the last poll
  };

  explicit Host(std::uint32_t seed) : random_(seed) {}

  int pick(int most) { return std::uniform_int_distribution<>(0, most)(random_); }

  // Returns how much ListenDrops has grown.
  std::uint64_t live() {
    std::uint64_t growth = 0;
    for (auto& [number, port] : ports) {
      port.was_full = port.is_full;
      port.is_full = pick(3) == 0;
      port.dropped = static_cast<std::uint64_t>(pick(2) == 0 ? pick(20) : 0);
      port.claimed = port.dropped + static_cast<std::uint64_t>(pick(2) == 0 ? pick(50) : 0);
      if (pick(9) == 0) {
        port.cookie = ++cookies_;
        port.shown = 0;
      }
      port.shown += static_cast<std::uint32_t>(port.claimed);
      port.truth += port.dropped;
      growth += port.dropped;
    }
    return growth;
  }

  [[nodiscard]] Listeners listeners() const {
    Listeners all;
    for (const auto& [number, port] : ports) {
      all.push_back(listener(port.cookie, number, port.is_full ? kFull : 0, port.shown));
    }
    return all;
  }

  std::map<std::uint16_t, Port> ports = [] {
    std::map<std::uint16_t, Port> made;
    for (const std::uint16_t number : kPorts) made[number].cookie = number;
    return made;
  }();

 private:
  std::mt19937 random_;
  std::uint64_t cookies_ = 10000;
};

}  // namespace

TEST_CASE("Whatever the drops, no more is credited than ListenDrops grew, nor than was claimed") {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    Host host(seed);
    Polls polls;
    const std::vector<std::uint16_t> all(Host::kPorts.begin(), Host::kPorts.end());
    polls.discover(9000, all).poll(0, host.listeners());
    for (int round = 0; round < 200; ++round) {
      CAPTURE(round);
      const std::uint64_t growth = host.live();
      polls.pass(1s).poll(growth, host.listeners());
      std::uint64_t credited = 0;
      for (auto& [number, port] : host.ports) {
        CAPTURE(number);
        const std::uint64_t counter = *polls.port(number).drops;
        REQUIRE(counter >= port.credited);
        const std::uint64_t gained = counter - std::exchange(port.credited, counter);
        REQUIRE(gained <= port.claimed);
        if (!port.is_full && !port.was_full) REQUIRE(gained <= port.dropped);
        credited += gained;
      }
      REQUIRE(credited <= growth);
    }
  }
}

TEST_CASE("Whatever becomes of seats, polls and ListenDrops, no counter falls or has too much") {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    Host host(seed);
    Polls polls;
    polls.poll(0, host.listeners());
    std::map<std::uint16_t, std::uint64_t> counters;
    std::uint64_t grown = 0;
    const auto check = [&](std::uint16_t series, const ListenerCounts& counts) {
      if (!counts.drops) return;
      REQUIRE(*counts.drops >= counters[series]);
      counters[series] = *counts.drops;
    };
    for (int round = 0; round < 300; ++round) {
      std::vector<std::uint16_t> seated;
      for (const std::uint16_t port : Host::kPorts) {
        if (host.pick(2) > 0) seated.push_back(port);
      }
      if (host.pick(4) == 0) polls.seat(seated);
      if (round == 100) polls.discover(9000, seated);
      const std::uint64_t growth = host.live();
      const std::uint64_t meanwhile = static_cast<std::uint64_t>(host.pick(9) == 0 ? 5 : 0);
      grown += growth + meanwhile;
      if (host.pick(9) == 0) {
        polls.begin(host.listeners());
        grown -= growth + meanwhile;  // ListenDrops has not moved
        continue;
      }
      polls.poll(growth, host.listeners(), meanwhile);
      for (const std::uint16_t port : polls.seated()) check(port, polls.port(port));
      check(0, polls.other());
      std::uint64_t credited = 0;
      for (const auto& [series, drops] : counters) credited += drops;
      REQUIRE(credited <= grown);
    }
  }
}

TEST_CASE("Where counters count drops alone, each is credited, whenever it happens") {
  for (std::uint32_t seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto one_of = [&](int number) {
      return std::uniform_int_distribution<>(1, number)(random) == 1;
    };
    Polls polls;
    std::uint32_t truth = 0;
    std::uint32_t not_shown = 0;
    polls.poll(0, {listener(1, 80, 0, 0), listener(2, 443, 0, 0)});
    for (int round = 0; round < 300; ++round) {
      CAPTURE(round);
      const std::uint32_t before = one_of(6) ? 4 : 0;
      const std::uint32_t during = one_of(6) ? 2 : 0;
      const std::uint32_t shown_at_once = one_of(2) ? during : 0;
      if (one_of(10)) polls.pass(1s).begin({listener(1, 80, 0, truth)});  // lost
      const std::uint32_t shown = truth + before + shown_at_once;
      polls.pass(1s).poll(before, {listener(1, 80, 0, shown), listener(2, 443, 0, 0)}, during);
      truth += before + during;
      not_shown = truth - shown;
      REQUIRE(*polls.port(80).drops + not_shown == truth);
      REQUIRE(polls.port(443).drops == 0);
    }
  }
}

TEST_CASE("Other sockets than listeners are passed over") {
  SocketRecord connection = listener(1, 80, 1000, 7);
  connection.state_number = static_cast<std::uint8_t>(TcpState::established);
  Polls polls;
  polls.poll({connection});
  CHECK(polls.port(80).accept_queue_peak == 0);
  CHECK(polls.port(80).drops == 0);
}

}  // namespace sockdiag::test
