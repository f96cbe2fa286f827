// SPDX-License-Identifier: Apache-2.0
#include "netlink/message_reader.hpp"

#include <linux/netlink.h>

#include <cstring>
#include <system_error>

#include "netlink/dump_error.hpp"
#include "support/catch.hpp"
#include "support/dump_builder.hpp"

namespace sockdiag::test {
namespace {

std::size_t count_messages(std::vector<ReplayedDatagram> datagrams) {
  ReplayChannel channel(std::move(datagrams));
  MessageReader reader(channel, 1);
  std::size_t count = 0;
  while (reader.next()) ++count;
  return count;
}

std::size_t count_messages(const DumpBuilder& dump) { return count_messages(dump.datagrams()); }

std::string problem_of(std::vector<ReplayedDatagram> datagrams) {
  try {
    count_messages(std::move(datagrams));
  } catch (const DumpError& error) {
    return error.what();
  } catch (const std::system_error& error) {
    return error.code() == std::errc::timed_out ? "timed out" : error.what();
  }
  return "no problem";
}

std::string problem_of(const DumpBuilder& dump) { return problem_of(dump.datagrams()); }

// The header's length field, at the datagram's start.
void set_length(Bytes& datagram, std::uint32_t length) {
  std::memcpy(datagram.data(), &length, sizeof length);
}

}  // namespace

TEST_CASE("A dump that ends with DONE is read to its end") {
  CHECK(count_messages(DumpBuilder().done()) == 0);
  CHECK(count_messages(DumpBuilder().socket({}).socket({}).done()) == 2);
  CHECK(count_messages(DumpBuilder().socket({}).split().socket({}).split().done()) == 2);
  CHECK(count_messages(DumpBuilder().message(NLMSG_NOOP, {}).socket({}).done()) == 1);
  CHECK(count_messages(DumpBuilder().error(0).socket({}).done()) == 1);
}

TEST_CASE("What follows DONE is not read") {
  CHECK(count_messages(DumpBuilder().socket({}).done().socket({}).done(5)) == 1);
}

TEST_CASE("A damaged dump is refused and told apart") {
  const Bytes no_payload;
  const Bytes short_payload(3);
  CHECK_THAT(problem_of(DumpBuilder().socket({}).done(ENOENT)), contains_text("No such file"));
  CHECK_THAT(problem_of(DumpBuilder().error(EINVAL)), contains_text("Invalid argument"));
  CHECK_THAT(problem_of(DumpBuilder().error(EBUSY)), contains_text("busy"));
  CHECK_THAT(problem_of(DumpBuilder().message(NLMSG_DONE, no_payload)),
             contains_text("error number"));
  CHECK_THAT(problem_of(DumpBuilder().message(NLMSG_DONE, short_payload)),
             contains_text("error number"));
  CHECK_THAT(problem_of(DumpBuilder().message(NLMSG_ERROR, short_payload)),
             contains_text("error number"));
  CHECK_THAT(problem_of(DumpBuilder().done(-7)), contains_text("not negative"));
  CHECK_THAT(problem_of(DumpBuilder().done(INT32_MIN)), contains_text("answered"));
  CHECK_THAT(problem_of(DumpBuilder().message(NLMSG_OVERRUN, no_payload)),
             contains_text("OVERRUN"));
  CHECK_THAT(problem_of(DumpBuilder().sequence(2).socket({}).done()), contains_text("sequence"));
  CHECK_THAT(problem_of(DumpBuilder().socket({}).sequence(2).done()), contains_text("sequence"));
  CHECK_THAT(problem_of(DumpBuilder().portid(9).socket({}).done()),
             contains_text("another socket"));
  CHECK(problem_of(DumpBuilder().socket({})) == "timed out");
  CHECK(problem_of(std::vector<ReplayedDatagram>{}) == "timed out");
  CHECK_THAT(problem_of(DumpBuilder()), contains_text("empty datagram"));
}

TEST_CASE("An error carries the kernel's number") {
  try {
    count_messages(DumpBuilder().error(EOPNOTSUPP));
    FAIL("nothing was thrown");
  } catch (const DumpRefused& refused) {
    CHECK(refused.error() == EOPNOTSUPP);
  }
}

TEST_CASE("An interrupted dump is lost, wherever the flag stands") {
  const Bytes payload = encode(SocketSpec{});
  const Bytes zero(4);
  const auto first = DumpBuilder().message(18, payload, NLM_F_DUMP_INTR).done();
  const auto last = DumpBuilder().socket({}).message(NLMSG_DONE, zero, NLM_F_DUMP_INTR);
  CHECK_THROWS_AS(count_messages(first), DumpError);
  CHECK_THROWS_AS(count_messages(last), DumpError);
}

TEST_CASE("A reply that never ends is given up, however often the kernel sends") {
  DumpBuilder dripping;
  for (int second = 0; second < 100; ++second) dripping.socket({}).split();
  ReplayChannel channel(dripping.datagrams());
  std::chrono::steady_clock::time_point now;
  MessageReader reader(channel, 1, [&] { return now; });
  int received = 0;
  const auto drain = [&] {
    for (; reader.next(); ++received) now += std::chrono::seconds(1);
  };
  CHECK_THROWS_WITH(drain(), contains_text("no end of the reply within 30 s"));
  CHECK(received == 30);
}

TEST_CASE("A datagram that lost bytes or came from elsewhere is refused") {
  auto truncated = DumpBuilder().socket({}).done().datagrams();
  truncated[0].truncated = true;
  CHECK_THAT(problem_of(truncated), contains_text("receive buffer"));
  auto foreign = DumpBuilder().socket({}).done().datagrams();
  foreign[0].sender_portid = 1234;
  CHECK_THAT(problem_of(foreign), contains_text("did not send"));
}

TEST_CASE("A message's length must fit its header and its datagram") {
  for (const std::uint32_t length : {0U, 1U, 15U, 0x7fffffffU, 0xffffffffU}) {
    CAPTURE(length);
    auto datagrams = DumpBuilder().socket({}).done().datagrams();
    set_length(datagrams[0].bytes, length);
    CHECK_THAT(problem_of(datagrams), contains_text("message is"));
  }
}

TEST_CASE("The last message of a datagram may lack its padding") {
  auto datagrams = DumpBuilder().message(18, Bytes(5)).split().done().datagrams();
  datagrams[0].bytes.resize(16 + 5);
  CHECK(count_messages(datagrams) == 1);
}

}  // namespace sockdiag::test
