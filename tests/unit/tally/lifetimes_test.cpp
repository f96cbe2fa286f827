// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/lifetimes.hpp"

#include <map>
#include <random>
#include <span>
#include <vector>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using namespace std::chrono_literals;
using Milliseconds = std::chrono::milliseconds;

constexpr auto kCloseWait = TcpState::close_wait;
constexpr auto kLastAck = TcpState::last_ack;

// Lifetimes and a clock of their own; a sample takes no time unless it is told to.
class Watch {
 public:
  explicit Watch(std::size_t max_sockets = 1000) { budget_.set_max_sockets(max_sockets); }

  Watch& begin() {
    lifetimes_.begin(now_);
    return *this;
  }
  std::optional<Milliseconds> follow(std::uint64_t cookie, TcpState state = kCloseWait) {
    return lifetimes_.follow(cookie, state);
  }
  Watch& finish() {
    lifetimes_.finish(now_);
    return *this;
  }
  // A sample of this one socket.
  std::optional<Milliseconds> sample(std::uint64_t cookie, TcpState state = kCloseWait) {
    begin();
    const auto age = follow(cookie, state);
    finish();
    return age;
  }
  Watch& pass(Milliseconds time) {
    now_ += time;
    return *this;
  }
  Lifetimes& lifetimes() { return lifetimes_; }
  LifetimeBudget& budget() { return budget_; }
  [[nodiscard]] Lifetimes::TimePoint now() const { return now_; }

 private:
  LifetimeBudget budget_;
  Lifetimes lifetimes_{budget_};
  Lifetimes::TimePoint now_{1000h};
};

}  // namespace

TEST_CASE("Of a batch each socket that there is room for has the age that it has alone") {
  struct Socket {
    std::uint64_t cookie;
    TcpState state;
  };
  Watch watch(2);
  watch.sample(7);
  watch.pass(3s).begin();
  std::map<std::uint64_t, Milliseconds> ages;
  const std::vector<Socket> batch = {{7, kCloseWait}, {8, kLastAck}, {9, kLastAck}};
  watch.lifetimes().follow(
      std::span(batch), [&](const Socket& socket, Milliseconds age) { ages[socket.cookie] = age; });
  CHECK(ages == std::map<std::uint64_t, Milliseconds>{{7, 3000ms}, {8, 0ms}});
  watch.finish();
  CHECK(watch.lifetimes().unfollowed() == 1);
}

TEST_CASE("A socket is as old as the time since the sample that saw it first") {
  Watch watch;
  CHECK(watch.sample(7) == 0ms);
  CHECK(watch.pass(1500ms).sample(7) == 1500ms);
  CHECK(watch.pass(500ms).sample(7) == 2000ms);
}

TEST_CASE("An age counts from the end of the first sample to the beginning of the last") {
  Watch watch;
  watch.begin();
  CHECK(watch.follow(7) == 0ms);
  watch.pass(400ms).finish();
  watch.pass(600ms).begin();
  watch.pass(300ms);
  CHECK(watch.follow(7) == 600ms);
}

TEST_CASE("A part of a millisecond is never added to an age") {
  LifetimeBudget budget;
  Lifetimes lifetimes(budget);
  const Lifetimes::TimePoint start{1h};
  lifetimes.begin(start);
  CHECK(lifetimes.follow(7, kCloseWait) == 0ms);
  lifetimes.finish(start + 100us);
  lifetimes.begin(start + 2ms + 50us);
  CHECK(lifetimes.follow(7, kCloseWait) == 1ms);
}

TEST_CASE("Another state starts anew") {
  Watch watch;
  watch.sample(7);
  CHECK(watch.pass(10s).sample(7, kLastAck) == 0ms);
  CHECK(watch.pass(1s).sample(7, kLastAck) == 1s);
  CHECK(watch.pass(1s).sample(7, kCloseWait) == 0ms);
}

TEST_CASE("A socket that a sample did not show is forgotten, another cookie is another socket") {
  Watch watch;
  watch.sample(7);
  CHECK(watch.pass(1s).sample(8) == 0ms);
  CHECK(watch.lifetimes().size() == 1);
  CHECK(watch.pass(1s).sample(7) == 0ms);
}

TEST_CASE("A lost sample costs no age, neither for those it showed nor for the others") {
  Watch watch;
  watch.begin();
  CHECK(watch.follow(7) == 0ms);
  CHECK(watch.follow(8) == 0ms);
  watch.finish();
  for (int lost = 0; lost < 3; ++lost) {
    watch.pass(1s).begin();
    CHECK(watch.follow(7) == Milliseconds(1000 * (lost + 1)));
  }
  watch.pass(1s).begin();
  CHECK(watch.follow(7) == 4s);
  CHECK(watch.follow(8) == 4s);
  watch.finish();
}

TEST_CASE("A socket that only a lost sample has seen begins with the next good one") {
  Watch watch;
  watch.begin();
  CHECK(watch.follow(7) == 0ms);
  watch.pass(1s);
  CHECK(watch.sample(7) == 0ms);
  CHECK(watch.pass(1s).sample(7) == 1s);
}

TEST_CASE("Above the limit sockets are counted and not followed, and those followed stay so") {
  Watch watch(4);
  watch.begin();
  for (std::uint64_t cookie = 1; cookie <= 4; ++cookie) CHECK(watch.follow(cookie) == 0ms);
  CHECK(watch.follow(5) == 0ms);  // room that is kept for those that have gone
  CHECK(watch.follow(6) == std::nullopt);
  watch.finish();
  CHECK(watch.lifetimes().size() == 4);
  CHECK(watch.lifetimes().unfollowed() == 2);
  for (int sample = 1; sample < 5; ++sample) {
    watch.pass(1s).begin();
    int followed = 0;
    for (std::uint64_t cookie = 6; cookie >= 1; --cookie) {
      if (watch.follow(cookie) == std::chrono::seconds(sample)) ++followed;
    }
    watch.finish();
    CHECK(followed == 4);
    CHECK(watch.lifetimes().unfollowed() == 2);
  }
}

TEST_CASE("A lower limit forgets nobody, and takes nobody on") {
  Watch watch(4);
  watch.begin();
  for (std::uint64_t cookie = 1; cookie <= 4; ++cookie) CHECK(watch.follow(cookie) == 0ms);
  watch.finish();
  watch.budget().set_max_sockets(2);
  watch.pass(1s).begin();
  CHECK(watch.follow(5) == std::nullopt);
  for (std::uint64_t cookie = 1; cookie <= 4; ++cookie) CHECK(watch.follow(cookie) == 1s);
  watch.finish();
  CHECK(watch.lifetimes().size() == 4);
  CHECK(watch.lifetimes().unfollowed() == 1);
}

TEST_CASE("Sockets that have gone take no room from those that are there") {
  Watch watch(1000);
  std::uint64_t cookie = 0;
  for (int sample = 0; sample < 10; ++sample) {
    watch.pass(1s).begin();
    for (int i = 0; i < 600; ++i) CHECK(watch.follow(++cookie) == 0ms);
    watch.finish();
    CHECK(watch.lifetimes().unfollowed() == 0);
  }
}

TEST_CASE("After a sample without room for all, new ones take no more places than went") {
  Watch watch(100);
  const auto follow = [&](std::uint64_t first, std::uint64_t last) {
    int followed = 0;
    for (std::uint64_t cookie = first; cookie <= last; ++cookie) {
      if (watch.follow(cookie)) ++followed;
    }
    return followed;
  };
  const auto sample = [&](std::uint64_t first, std::uint64_t last) {
    watch.pass(1s).begin();
    const int followed = follow(first, last);
    watch.finish();
    return followed;
  };
  CHECK(sample(1, 100) == 100);
  CHECK(sample(1, 200) == 125);  // a quarter more, which has to go at the end
  CHECK(watch.lifetimes().unfollowed() == 100);
  CHECK(sample(1, 200) == 100);
  CHECK(watch.lifetimes().unfollowed() == 100);
  CHECK(sample(16, 200) == 85);  // 15 have gone, which is known when this sample is complete
  CHECK(watch.lifetimes().size() == 85);
  CHECK(sample(16, 200) == 115);  // those 15, and as many more as went before
  CHECK(watch.lifetimes().size() == 100);
  CHECK(watch.lifetimes().unfollowed() == 85);
  watch.pass(1s).begin();
  CHECK(follow(16, 300) == 100);
}

TEST_CASE("Lost samples do not fill the memory with sockets that have gone") {
  Watch watch(10);
  for (std::uint64_t cookie = 0; cookie < 1000; ++cookie) {
    watch.begin();
    static_cast<void>(watch.follow(cookie));
  }
  CHECK(watch.lifetimes().size() <= 12);
  watch.begin().finish();
  CHECK(watch.lifetimes().size() == 0);
}

TEST_CASE(
    "However many samples are lost, sockets that have gone are forgotten and others keep their "
    "age") {
  const int lost = GENERATE(254, 255, 256, 257, 511, 512);
  CAPTURE(lost);
  Watch watch;
  watch.begin();
  for (const std::uint64_t cookie : {1U, 2U, 3U}) CHECK(watch.follow(cookie) == 0ms);
  watch.finish();
  for (int i = 0; i < lost; ++i) {
    watch.pass(100ms).begin();
    if (i == 0) static_cast<void>(watch.follow(1));
  }
  CHECK(watch.pass(100ms).sample(2) == (lost + 1) * 100ms);
  CHECK(watch.lifetimes().size() == 1);
  CHECK(watch.pass(100ms).sample(1) == 0ms);
}

TEST_CASE("A dated socket has its age from the first sample on") {
  Watch watch;
  watch.lifetimes().date(7, kCloseWait, watch.now() - 90s);
  watch.lifetimes().date(8, kCloseWait, watch.now() - 90s);
  watch.lifetimes().date(9, kCloseWait, watch.now() + 90s);
  watch.begin();
  CHECK(watch.follow(7) == 90s);
  CHECK(watch.follow(8, kLastAck) == 0ms);
  CHECK(watch.follow(9) == 0ms);
  watch.finish();
  CHECK(watch.pass(1s).sample(7) == 91s);
}

TEST_CASE("Dating keeps to the limit, and what it dated in vain is forgotten") {
  Watch watch(2);
  for (std::uint64_t cookie = 1; cookie < 10; ++cookie) {
    watch.lifetimes().date(cookie, kCloseWait, watch.now());
  }
  CHECK(watch.lifetimes().size() == 2);
  watch.begin().finish();
  watch.begin().finish();
  CHECK(watch.lifetimes().size() == 0);
}

TEST_CASE("Whatever comes and goes, no age is negative or above the time watched") {
  std::mt19937 random(20261123);
  const auto pick = [&](int most) { return std::uniform_int_distribution<>(0, most)(random); };
  Watch watch(40);
  // Of each socket: its state, and when it was first seen in it.
  std::map<std::uint64_t, std::pair<TcpState, Lifetimes::TimePoint>> model;
  for (int round = 0; round < 2000; ++round) {
    watch.pass(Milliseconds(pick(3000))).begin();
    const bool lost = pick(9) == 0;
    std::map<std::uint64_t, std::pair<TcpState, Lifetimes::TimePoint>> seen;
    for (int i = pick(60); i > 0; --i) {
      const auto cookie = static_cast<std::uint64_t>(pick(80));
      if (seen.contains(cookie)) continue;
      const TcpState state = pick(4) == 0 ? kLastAck : kCloseWait;
      const auto known = model.find(cookie);
      const bool same = known != model.end() && known->second.first == state;
      const auto since = same ? known->second.second : watch.now();
      seen[cookie] = {state, since};
      const auto age = watch.follow(cookie, state);
      if (age) {
        REQUIRE(*age >= 0ms);
        REQUIRE(*age <= watch.now() - since);
      }
    }
    REQUIRE(watch.lifetimes().size() <= 50);
    if (lost) {
      model.merge(seen);
      for (const auto& [cookie, entry] : seen) model[cookie] = entry;
    } else {
      watch.finish();
      model = seen;
    }
  }
}

}  // namespace sockdiag::test
