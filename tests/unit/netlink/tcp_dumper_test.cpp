// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/netlink/tcp_dumper.hpp"

#include <linux/inet_diag.h>
#include <linux/netlink.h>

#include <cstring>
#include <deque>

#include "netlink/dump_error.hpp"
#include "support/catch.hpp"
#include "support/dump_builder.hpp"

namespace sockdiag::test {
namespace {

using Method = TcpDumper::Method;

// A kernel that gives prepared answers, one a channel, and remembers what it was asked.
class ScriptedKernel {
 public:
  ScriptedKernel& answers(const DumpBuilder& dump) {
    answers_.push_back(dump.datagrams());
    return *this;
  }

  [[nodiscard]] ChannelFactory channels() {
    return [this] {
      REQUIRE_FALSE(answers_.empty());
      auto channel = std::make_unique<ReplayChannel>(answers_.front(), &requests_);
      answers_.pop_front();
      return channel;
    };
  }

  [[nodiscard]] std::vector<int> request_types() const {
    std::vector<int> types;
    for (const Bytes& request : requests_) {
      nlmsghdr header;
      std::memcpy(&header, request.data(), sizeof header);
      types.push_back(header.nlmsg_type);
    }
    return types;
  }

  // Of the first request, one for both families.
  [[nodiscard]] std::uint32_t requested_states() const {
    inet_diag_req request;
    std::memcpy(&request, requests_.front().data() + sizeof(nlmsghdr), sizeof request);
    return request.idiag_states;
  }

 private:
  std::deque<std::vector<ReplayedDatagram>> answers_;
  std::vector<Bytes> requests_;
};

DumpBuilder by_family(const SocketSpec& spec) {
  return DumpBuilder().answer_type(20).socket(spec).done();
}

DumpBuilder empty_by_family() { return DumpBuilder().done(); }

std::vector<int> dumped_ports(TcpDumper& dumper) {
  std::vector<int> ports;
  dumper.dump_all([&](const SocketRecord& record) { ports.push_back(record.local_port); });
  return ports;
}

}  // namespace

TEST_CASE("Both families are dumped in one walk where the kernel allows it, every time") {
  ScriptedKernel kernel;
  const auto dump = DumpBuilder().socket({.local = "127.0.0.1:7"}).done();
  kernel.answers(dump).answers(dump);
  TcpDumper dumper(kernel.channels());
  CHECK(dumper.method() == std::nullopt);
  CHECK(dumped_ports(dumper) == std::vector<int>{7});
  CHECK(dumped_ports(dumper) == std::vector<int>{7});
  CHECK(dumper.method() == Method::one_walk);
  CHECK(kernel.request_types() == std::vector<int>{18, 18});
}

TEST_CASE("Where the kernel refuses it each family is dumped, listeners first, and it stays so") {
  ScriptedKernel kernel;
  kernel.answers(DumpBuilder().error(EOPNOTSUPP));
  for (int i = 0; i < 2; ++i) {
    kernel.answers(by_family({.state = 10, .local = "127.0.0.1:1"}));
    kernel.answers(by_family({.state = 10, .local = "[::1]:2", .remote = "[::]:0"}));
    kernel.answers(by_family({.local = "127.0.0.1:3"}));
    kernel.answers(by_family({.local = "[::1]:4", .remote = "[::1]:9"}));
  }
  TcpDumper dumper(kernel.channels());
  CHECK(dumped_ports(dumper) == std::vector<int>{1, 2, 3, 4});
  CHECK(dumped_ports(dumper) == std::vector<int>{1, 2, 3, 4});
  CHECK(dumper.method() == Method::walk_per_family);
  CHECK(kernel.request_types() == std::vector<int>{18, 20, 20, 20, 20, 20, 20, 20, 20});
}

TEST_CASE("Listeners are dumped alone, with their drops, in the way chosen") {
  ScriptedKernel kernel;
  const SocketSpec listener{.state = 10, .local = "127.0.0.1:7", .drops = 18};
  kernel.answers(DumpBuilder().socket(listener).done());
  kernel.answers(DumpBuilder().error(EINVAL));
  kernel.answers(by_family(listener)).answers(by_family(listener));
  for (const std::size_t listeners : {1U, 2U}) {
    TcpDumper dumper(kernel.channels());
    std::vector<SocketRecord> records;
    dumper.dump_listeners([&](const SocketRecord& record) { records.push_back(record); });
    REQUIRE(records.size() == listeners);
    CHECK(records[0].drops == 18U);
  }
  CHECK(kernel.request_types() == std::vector<int>{18, 18, 20, 20});
}

TEST_CASE("Sockets in some states are dumped alone") {
  ScriptedKernel kernel;
  kernel.answers(DumpBuilder().socket({.state = 8, .local = "127.0.0.1:7"}).done());
  TcpDumper dumper(kernel.channels());
  int sockets = 0;
  dumper.dump_some(1U << 8 | 1U << 10, [&](const SocketRecord&) { ++sockets; });
  CHECK(sockets == 1);
  CHECK(kernel.requested_states() == (1U << 8 | 1U << 10));
}

TEST_CASE("A failure that will pass does not change the way of dumping") {
  const int passing = GENERATE(ENOMEM, EBUSY, EINTR, ENOBUFS);
  CAPTURE(passing);
  ScriptedKernel kernel;
  kernel.answers(DumpBuilder().error(passing)).answers(DumpBuilder().done());
  TcpDumper dumper(kernel.channels());
  CHECK_THROWS_AS(dumped_ports(dumper), DumpRefused);
  CHECK(dumper.method() == std::nullopt);
  CHECK(dumped_ports(dumper).empty());
  CHECK(dumper.method() == Method::one_walk);
}

TEST_CASE("A dump that breaks off after sockets is lost, not tried in another way") {
  ScriptedKernel kernel;
  kernel.answers(DumpBuilder().socket({}).done(EOPNOTSUPP));
  TcpDumper dumper(kernel.channels());
  CHECK_THROWS_AS(dumped_ports(dumper), DumpRefused);
  CHECK(kernel.request_types().size() == 1);
}

TEST_CASE("A kernel without tcp_diag is told with the remedy") {
  ScriptedKernel kernel;
  kernel.answers(DumpBuilder().done(ENOENT)).answers(DumpBuilder().done(ENOENT));
  TcpDumper dumper(kernel.channels());
  CHECK_THROWS_WITH(dumped_ports(dumper), contains_text("modprobe tcp_diag"));
  CHECK(dumper.method() == std::nullopt);
}

TEST_CASE("One family that fails loses the whole dump") {
  ScriptedKernel kernel;
  kernel.answers(DumpBuilder().error(EINVAL));
  kernel.answers(empty_by_family()).answers(empty_by_family());
  kernel.answers(by_family({})).answers(DumpBuilder().done(ENOMEM));
  TcpDumper dumper(kernel.channels());
  CHECK_THROWS_AS(dumped_ports(dumper), DumpRefused);
  CHECK(dumper.method() == std::nullopt);
}

}  // namespace sockdiag::test
