// SPDX-License-Identifier: Apache-2.0
#include "http/connection_table.hpp"

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using namespace std::chrono_literals;

// A table whose clock the test turns, in the small language of the tests. A connection has the
// number of the order in which it came.
class Table {
 public:
  explicit Table(const ConnectionTable::Limits& limits) : table_(limits) {}

  // What becomes of connections when one more of the client comes.
  ConnectionTable::Admission connect(std::uint8_t client) {
    const auto admission = table_.admit(address(client), now_);
    if (admission.admitted) table_.add({last_ + 1, 0}, address(client), now_);
    if (admission.admitted) ++last_;
    return admission;
  }
  int send_request(std::uint8_t client) {
    REQUIRE(connect(client).admitted);
    enter(last_, Phase::ready);
    return last_;
  }
  // Connects and gets a worker.
  int begin_request(std::uint8_t client) {
    const int connection = send_request(client);
    REQUIRE(hand_over() == connection);
    return connection;
  }
  void enter(int connection, Phase phase) { table_.enter(connection, phase, now_); }
  void close(int connection) { table_.remove(connection); }
  void wait(std::chrono::milliseconds time) { now_ += time; }

  std::optional<int> hand_over() {
    const auto chosen = table_.hand_over(now_);
    return chosen ? std::optional(chosen->descriptor) : std::nullopt;
  }
  std::optional<int> release() { return table_.release_for_ready(now_); }
  std::optional<int> overdue() {
    const auto found = table_.next_overdue(now_);
    return found ? std::optional(found->descriptor) : std::nullopt;
  }
  [[nodiscard]] const ConnectionTable& operator()() const { return table_; }
  std::optional<int> make_room() { return table_.make_room(); }

 private:
  static AddressBytes address(std::uint8_t client) { return {client}; }

  ConnectionTable table_;
  ConnectionTable::TimePoint now_{};
  int last_ = 0;
};

constexpr ConnectionTable::Limits kSmall{
    .workers = 8, .per_client = 3, .waiting = 6, .timeout = 1000ms};

}  // namespace

TEST_CASE("A client at its limit loses the connection that was silent longest", "[http]") {
  Table table(kSmall);
  for (int i = 0; i < 3; ++i) CHECK_FALSE(table.connect(1).close);
  CHECK(table.connect(1).close == 1);
  CHECK(table.connect(1).close == 2);
  CHECK_FALSE(table.connect(2).close);
  CHECK(table().waiting() == 4);
}

TEST_CASE("A client at its limit without silent ones loses an idle one, and each once", "[http]") {
  Table table(kSmall);
  for (int i = 0; i < 3; ++i) table.enter(table.begin_request(1), Phase::idle);
  CHECK(table.connect(1).release == 1);
  table.enter(4, Phase::ready);
  CHECK(table.connect(1).release == 2);
}

TEST_CASE("A client whose connections are all busy is refused", "[http]") {
  Table table(kSmall);
  for (int i = 0; i < 3; ++i) table.begin_request(1);
  CHECK_FALSE(table.connect(1).admitted);
  CHECK(table.connect(2).admitted);
  table.close(1);
  CHECK(table.connect(1).admitted);
}

TEST_CASE("When too many wait, the client with most connections loses a silent one", "[http]") {
  Table table(kSmall);
  CHECK(table.connect(1).admitted);
  for (int i = 0; i < 3; ++i) table.send_request(2);
  for (int i = 0; i < 2; ++i) CHECK(table.connect(3).admitted);
  CHECK(table.connect(4).close == 2);
  for (int i = 0; i < 3; ++i) CHECK(table.connect(static_cast<std::uint8_t>(5 + i)).close);
  CHECK(table().waiting() == 6);
}

TEST_CASE("Only connections without a worker make room", "[http]") {
  Table table(kSmall);
  const int busy = table.begin_request(1);
  CHECK_FALSE(table.make_room());
  CHECK(table.connect(1).admitted);
  CHECK(table.make_room() == busy + 1);
}

TEST_CASE("The client with fewest requests in flight is next", "[http]") {
  Table table(kSmall);
  table.begin_request(1);
  const int second = table.send_request(1);
  const int first_of_another = table.send_request(2);
  CHECK(table.hand_over() == first_of_another);
  CHECK(table.hand_over() == second);
  CHECK_FALSE(table.hand_over());
}

TEST_CASE("Clients with a request in flight leave a quarter of the workers to others", "[http]") {
  Table table({.workers = 8, .per_client = 100, .waiting = 100, .timeout = 1000ms});
  for (int i = 0; i < 20; ++i) table.send_request(1);
  for (int i = 0; i < 6; ++i) CHECK(table.hand_over());
  CHECK_FALSE(table.hand_over());
  const int other = table.send_request(2);
  CHECK(table.hand_over() == other);
  CHECK(table.hand_over() == std::nullopt);
  table.close(1);
  CHECK_FALSE(table.hand_over());
  table.close(other);
  CHECK(table.hand_over());
}

TEST_CASE("No more are handed over than workers are free, kept connections included", "[http]") {
  Table table({.workers = 2, .per_client = 100, .waiting = 100, .timeout = 1000ms});
  table.enter(table.begin_request(1), Phase::idle);
  const int busy = table.begin_request(2);
  table.send_request(3);
  CHECK_FALSE(table.hand_over());
  table.close(busy);
  CHECK(table.hand_over());
}

TEST_CASE("An idle connection goes for a client that has no request in flight", "[http]") {
  Table table({.workers = 2, .per_client = 100, .waiting = 100, .timeout = 1000ms});
  const int kept = table.begin_request(1);
  table.enter(kept, Phase::idle);
  table.begin_request(2);
  CHECK_FALSE(table.release());
  table.send_request(2);
  CHECK_FALSE(table.release());
  table.send_request(3);
  CHECK(table.release() == kept);
  CHECK_FALSE(table.release());
}

TEST_CASE("A client with requests in flight loses an idle connection of its own", "[http]") {
  Table table({.workers = 4, .per_client = 100, .waiting = 100, .timeout = 1000ms});
  table.enter(table.begin_request(1), Phase::idle);
  const int own = table.begin_request(2);
  table.enter(own, Phase::idle);
  table.begin_request(2);
  table.send_request(2);
  CHECK_FALSE(table.hand_over());
  CHECK(table.release() == own);
}

TEST_CASE("A client has its time to send, and again to take the answer", "[http]") {
  struct Case {
    const char* name;
    Phase phase;
    bool has_deadline;
  };
  const auto row = GENERATE(values<Case>({
      {"silent", Phase::silent, true},
      {"ready", Phase::ready, false},
      {"reading", Phase::reading, true},
      {"working", Phase::working, false},
      {"writing", Phase::writing, true},
      {"idle", Phase::idle, false},
  }));
  CAPTURE(row.name);
  Table table(kSmall);
  CHECK(table.connect(1).admitted);
  table.wait(500ms);
  table.enter(1, row.phase);
  table.wait(999ms);
  CHECK_FALSE(table.overdue());
  table.wait(1ms);
  CHECK(table.overdue().has_value() == row.has_deadline);
  CHECK_FALSE(table.overdue());
  CHECK(table().first_deadline() == ConnectionTable::TimePoint::max());
}

TEST_CASE("A connection that has gone is not touched", "[http]") {
  Table table(kSmall);
  const int connection = table.begin_request(1);
  table.close(connection);
  table.close(connection);
  table.enter(connection, Phase::writing);
  table.wait(1h);
  CHECK_FALSE(table.overdue());
  CHECK_FALSE(table().phase_of(connection));
  CHECK_FALSE(table().client_of(connection));
  CHECK(table().waiting() == 0);
}

}  // namespace sockdiag::test
