// SPDX-License-Identifier: Apache-2.0
#include "sampling/tcp_tables.hpp"

#include <utility>

#include "fake_kernel.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

// The request is in none of the kernel's totals.
DumpBuilder two_and_a_request() {
  return DumpBuilder()
      .socket({.cookie = 1})
      .socket({.cookie = 2})
      .socket({.state = 3, .inode = 0, .attributes = false, .cookie = 3})
      .done();
}

}  // namespace

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
