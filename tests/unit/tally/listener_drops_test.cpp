// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <string>

#include "polls.hpp"
#include "sockdiag/tally/listener_watch.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {

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

}  // namespace sockdiag::test
