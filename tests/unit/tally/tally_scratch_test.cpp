// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/tally_scratch.hpp"

#include <linux/sock_diag.h>

#include <memory>
#include <string>
#include <vector>

#include "counter.hpp"
#include "netlink/inet_diag.hpp"
#include "sockdiag/metrics/metric_families.hpp"
#include "sockdiag/netlink/tcp_dumper.hpp"
#include "support/catch.hpp"
#include "support/replay_channel.hpp"

namespace sockdiag::test {
namespace {

std::vector<SocketRecord> recorded(const std::string& name, const DumpRequest& request) {
  ReplayChannel channel(load_recorded_dump(SOCKDIAG_SOURCE_DIR "/tests/data/" + name + ".tcpdiag"));
  std::vector<SocketRecord> records;
  dump(channel, request, [&](const SocketRecord& record) { records.push_back(record); });
  REQUIRE(records.size() > 20);
  return records;
}

// A network namespace whose sockets are those of a recorded dump, some of which come and go.
class Replayed {
 public:
  Replayed(std::vector<SocketRecord> records, TcpPolicy policy, EphemeralPorts ephemeral,
           NetworkKind kind, std::shared_ptr<TallyScratch> scratch)
      : records_(std::move(records)),
        ephemeral_(ephemeral),
        tally_(std::move(scratch), std::move(policy), kind) {}

  // All that is published of one sample.
  std::string sample() {
    begin();
    TcpSnapshot snapshot = tally_.finish(now_ += 10ms);
    std::string text = render(snapshot);
    for (const CgroupCounts& each : snapshot.by_cgroup) {
      text += std::to_string(each.cgroup) + " " + std::to_string(index_of(each.direction)) + " " +
              std::to_string(each.port) + " " + std::to_string(sum(each.sockets)) + "\n";
    }
    for (const std::uint16_t port : tally_.listening_ports()) text += std::to_string(port) + " ";
    now_ += 5s;
    return text;
  }
  // Begins a sample that is never finished.
  void lose_sample() { begin(); }

 private:
  void begin() {
    ++sample_;
    tally_.begin(ephemeral_, now_);
    for (std::size_t i = 0; i < records_.size(); ++i) {
      if ((i + sample_) % 7 != 0) tally_.add(records_[i]);
    }
    if (sample_ == 1) REQUIRE_FALSE(records_.empty());
  }

  std::vector<SocketRecord> records_;
  EphemeralPorts ephemeral_;
  TcpTally tally_;
  TcpTally::TimePoint now_{1h};
  std::size_t sample_ = 0;
};

using Scratch = std::shared_ptr<TallyScratch>;

std::unique_ptr<Replayed> first(const Scratch& scratch) {
  TcpPolicy policy{{.inbound = {1}, .outbound = {}, .exclude = {9}}, {}, {3, true}};
  policy.by_cgroup = true;
  policy.lifetimes.thresholds.fill(12s);
  return std::make_unique<Replayed>(recorded("both_families_root", {}), policy, kEphemeral,
                                    NetworkKind::own, scratch);
}

// The same services as those of first(), but their listeners are not known here.
std::unique_ptr<Replayed> second(const Scratch& scratch) {
  TcpPolicy policy{{.inbound = {}, .outbound = {2}, .max_ports = 3}, {}, {}};
  policy.ports.port_retention = 7s;
  auto records = recorded("ipv4_root", {SOCK_DIAG_BY_FAMILY, AF_INET});
  std::erase_if(records, [](const SocketRecord& record) {
    return tcp_state_from_number(record.state_number) == TcpState::listen;
  });
  return std::make_unique<Replayed>(std::move(records), policy,
                                    EphemeralPorts({1, 50000}, std::nullopt), NetworkKind::visited,
                                    scratch);
}

std::vector<std::string> samples_alone(std::unique_ptr<Replayed> replayed, int samples) {
  std::vector<std::string> texts;
  for (int i = 0; i < samples; ++i) {
    if (i % 3 == 1) replayed->lose_sample();
    texts.push_back(replayed->sample());
  }
  return texts;
}

}  // namespace

TEST_CASE("Network namespaces that share a scratch have the counts that each has alone") {
  constexpr int kSamples = 8;
  const auto first_alone = samples_alone(first(std::make_shared<TallyScratch>()), kSamples);
  const auto second_alone = samples_alone(second(std::make_shared<TallyScratch>()), kSamples);
  CHECK(first_alone[0] != first_alone[1]);
  CHECK(second_alone[0] != second_alone[1]);
  const auto scratch = std::make_shared<TallyScratch>();
  const auto own = first(scratch);
  const auto visited = second(scratch);
  for (int i = 0; i < kSamples; ++i) {
    CAPTURE(i);
    if (i % 3 == 1) own->lose_sample();
    if (i % 3 == 1) visited->lose_sample();
    CHECK(own->sample() == first_alone[static_cast<std::size_t>(i)]);
    CHECK(visited->sample() == second_alone[static_cast<std::size_t>(i)]);
  }
}

TEST_CASE("A tally may end while a sample of it is unfinished") {
  const auto scratch = std::make_shared<TallyScratch>();
  const auto alone = samples_alone(second(std::make_shared<TallyScratch>()), 1);
  auto own = first(scratch);
  own->lose_sample();
  own.reset();
  CHECK(second(scratch)->sample() == alone[0]);
}

TEST_CASE("What one network namespace has shown is unknown in the other") {
  const auto scratch = std::make_shared<TallyScratch>();
  Counter own({}, scratch);
  Counter visited({}, scratch);
  const auto accepted = established("10.0.0.1:40000", "192.0.2.1:50000");
  own.poll({listener("10.0.0.1:40000")});
  CHECK(in_state(visited.count({accepted}).of(kInbound).other, kEstablished) == 0);
  CHECK(in_state(at(own.count({accepted}), kInbound, 40000), kEstablished) == 1);
  CHECK(ports(visited.count({listener("0.0.0.0:80")}), kInbound) == Ports{80});
  CHECK(ports(own.count({}), kInbound).empty() == false);
  CHECK(ports(own.count({}), kInbound) == Ports{40000});
  CHECK(own.count({}).of(kOutbound).ports.empty());
}

TEST_CASE("Only the policy of the own network namespace says how many sockets may be followed") {
  const auto scratch = std::make_shared<TallyScratch>();
  TcpPolicy few;
  few.lifetimes.max_sockets = 4;
  TcpTally own(scratch, few);
  TcpTally visited(scratch, {}, NetworkKind::visited);
  CHECK(scratch->lifetime_budget.room(NetworkKind::own, 0) == 4);
  visited.set_policy({{.max_ports = 1}, {}, {}});
  CHECK(scratch->lifetime_budget.room(NetworkKind::own, 0) == 4);
  CHECK(scratch->lifetime_budget.room(NetworkKind::visited, 0) == 2);
}

}  // namespace sockdiag::test
