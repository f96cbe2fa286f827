// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/listener_watch.hpp"

#include <random>

#include "polls.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {

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

TEST_CASE("Other sockets than listeners are passed over") {
  SocketRecord connection = listener(1, 80, 1000, 7);
  connection.state_number = static_cast<std::uint8_t>(TcpState::established);
  Polls polls;
  polls.poll({connection});
  CHECK(polls.port(80).accept_queue_peak == 0);
  CHECK(polls.port(80).drops == 0);
}

}  // namespace sockdiag::test
