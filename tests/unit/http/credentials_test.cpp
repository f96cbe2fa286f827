// SPDX-License-Identifier: Apache-2.0
#include "http/credentials.hpp"

#include <crypt.h>

#include <chrono>
#include <ctime>

#include "sockdiag/http/security_settings.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using Verdict = Credentials::Verdict;

std::string hash_of(const std::string& password, const std::string& prefix = "$2b$04$") {
  crypt_data data{};
  return ::crypt_r(password.c_str(), (prefix + "abcdefghijklmnopqrstuu").c_str(), &data);
}

constexpr std::size_t kAtOnce = 4;

std::chrono::nanoseconds cpu_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

TEST_CASE("Only the user's own password is right", "[credentials]") {
  Credentials credentials({{"alice", hash_of("wonderland")}, {"bob", hash_of("builder")}}, kAtOnce);
  struct Row {
    std::string user;
    std::string password;
    Verdict verdict;
  };
  for (const Row& row :
       {Row{"alice", "wonderland", Verdict::right}, Row{"alice", "wonderland ", Verdict::wrong},
        Row{"alice", "", Verdict::wrong},
        Row{"alice", std::string("wonderland\0", 11), Verdict::wrong},
        Row{"alice", "builder", Verdict::wrong}, Row{"bob", "builder", Verdict::right},
        Row{"", "wonderland", Verdict::wrong}, Row{"carol", "wonderland", Verdict::wrong},
        Row{"carol", "builder", Verdict::wrong}}) {
    CAPTURE(row.user, row.password);
    for (int i = 0; i < 3; ++i) {  // the second time it is remembered
      CHECK(credentials.check(row.user, row.password, "client") == row.verdict);
    }
  }
}

TEST_CASE("A password counts up to 72 bytes, as everywhere with bcrypt", "[credentials]") {
  const std::string longest(72, 'p');
  Credentials credentials({{"alice", hash_of(longest)}}, kAtOnce);
  CHECK(credentials.check("alice", longest + "more", "client") == Verdict::right);
  CHECK(credentials.check("alice", longest.substr(1), "client") == Verdict::wrong);
  CHECK(credentials.check("alice", std::string(900, 'p'), "client") == Verdict::right);
}

TEST_CASE("A replaced hash is asked for again, another user's login stays", "[credentials]") {
  Credentials credentials({{"alice", hash_of("one")}, {"bob", hash_of("bob's")}}, kAtOnce);
  REQUIRE(credentials.check("alice", "one", "client") == Verdict::right);
  credentials.replace({{"alice", hash_of("two")}, {"bob", hash_of("bob's")}});
  CHECK(credentials.check("alice", "one", "client") == Verdict::wrong);
  CHECK(credentials.check("alice", "two", "client") == Verdict::right);
  credentials.replace({{"bob", hash_of("bob's")}});
  CHECK(credentials.check("alice", "two", "client") == Verdict::wrong);
  CHECK(credentials.check("bob", "bob's", "client") == Verdict::right);
  credentials.replace({});
  CHECK_FALSE(credentials.is_needed());
}

TEST_CASE("A client that already has a turn, or finds too many, is refused at once",
          "[credentials]") {
  HashingTurns several(2);
  REQUIRE(several.enter("first"));
  CHECK_FALSE(several.enter("first"));
  several.leave(true);
  CHECK(several.enter("first"));
  several.leave(true);

  HashingTurns one(1);
  REQUIRE(one.enter("first"));
  CHECK_FALSE(one.enter("second"));
  one.leave(false);
  CHECK(one.enter("second"));
  one.leave(true);
}

// A host under load makes the turn begin later still.
TEST_CASE("After a wrong password the next turn begins later by three times its processor time",
          "[credentials]") {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kCost(20);
  HashingTurns turns(2);
  REQUIRE(turns.enter("guesser"));
  for (const auto began = cpu_time(); cpu_time() - began < kCost;) continue;
  const auto left = Clock::now();
  turns.leave(false);
  REQUIRE(turns.enter("another"));
  CHECK(Clock::now() - left >= 3 * kCost);
  turns.leave(true);
}

TEST_CASE("A bcrypt hash is checked when it is read", "[credentials]") {
  const std::string good = hash_of("x");
  for (const char* prefix : {"$2a$04$", "$2b$10$", "$2y$14$"}) {
    CHECK(bcrypt_problem(prefix + good.substr(7)) == std::nullopt);
  }
  for (const std::string& bad :
       {std::string(), std::string("x"), good.substr(1), good + ".", good.substr(0, 59),
        "$2x$" + good.substr(4), std::string("$6$salt$hash"), "$2b$03$" + good.substr(7),
        "$2b$15$" + good.substr(7), "$2b$31$" + good.substr(7), "$2b$4$$" + good.substr(7),
        "$2b$0:$" + good.substr(7), good.substr(0, 20) + "!" + good.substr(21)}) {
    CAPTURE(bad);
    CHECK(bcrypt_problem(bad) != std::nullopt);
  }
}

}  // namespace sockdiag::test
