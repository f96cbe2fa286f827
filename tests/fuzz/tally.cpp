// SPDX-License-Identifier: Apache-2.0

// Several dumps and polls in a row, some of them lost, of sockets made from bytes: what is
// remembered between them never makes a count wrong.

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>

#include "generated_input.hpp"
#include "sockdiag/metrics/metric_families.hpp"
#include "sockdiag/tally/listener_watch.hpp"
#include "sockdiag/tally/tcp_tally.hpp"

namespace sockdiag::test {
namespace {

constexpr std::size_t kMostSteps = 200;

// As small as a mutation likes it: most members are a byte or less of the input.
SocketRecord take_record(GeneratedInput& input) {
  SocketRecord record;
  const auto flags = input.take<std::uint8_t>();
  record.state_number = input.take<std::uint8_t>() % 16;
  record.kind = static_cast<SocketKind>(flags % 3);
  record.ipv6_only = (flags & 4U) != 0;
  const auto port = [&] {
    return static_cast<std::uint16_t>((flags & 128U) != 0 ? input.take<std::uint16_t>()
                                                          : input.take<std::uint8_t>() * 257U);
  };
  record.local_port = port();
  record.remote_port = port();
  const auto address = input.take_bytes(2);
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(address, bytes.begin() + 12);
  record.local_address = (flags & 8U) != 0 ? IpAddress::from_ipv6(bytes.data())
                                           : IpAddress::from_ipv4(bytes.data() + 12);
  record.remote_address = record.local_address;
  record.cookie = input.take<std::uint8_t>();
  if ((flags & 16U) != 0) record.receive_queue = input.take<std::uint32_t>();
  if ((flags & 32U) != 0) record.send_queue = input.take<std::uint32_t>();
  record.inode = flags & 64U;
  record.retransmits = flags & 1U;
  record.timer_remaining = std::chrono::milliseconds(input.take<std::uint8_t>() * 500);
  record.drops = input.take<std::uint8_t>();
  if ((flags & 1U) != 0) record.since_last_ack = record.timer_remaining;
  return record;
}

TcpPolicy take_policy(GeneratedInput& input) {
  TcpPolicy policy;
  const auto flags = input.take<std::uint8_t>();
  policy.ports.max_ports = 1 + (flags & 15U);
  if ((flags & 16U) != 0) policy.ports.exclude.add({1, 1000});
  if ((flags & 32U) != 0) policy.ports.outbound.add({2056, 2056});
  if ((flags & 64U) != 0) policy.lifetimes.max_sockets = 2;
  policy.destinations.export_addresses = (flags & 128U) != 0;
  return policy;
}

class Run {
 public:
  explicit Run(GeneratedInput& input) : input_(input) { tally_->begin(kEphemeral, now_); }

  void step() {
    switch (input_.take_below(8)) {
      case 0:
        tally_->set_policy(take_policy(input_));
        sockets_ = 0;
        tally_->begin(kEphemeral, now_);
        break;
      case 1:
        now_ += std::chrono::milliseconds(input_.take<std::uint16_t>());
        break;
      case 2:
        sockets_ = 0;  // the sample before is lost
        tally_->begin(kEphemeral, now_, std::chrono::milliseconds(input_.take<std::uint16_t>()));
        break;
      case 3:
        finish();
        break;
      case 4:
        poll();
        break;
      case 5:
        remember();
        break;
      default:
        add();
    }
  }

 private:
  void add() {
    for (std::size_t left = 1 + input_.take_below(40); left > 0; --left) {
      tally_->add(take_record(input_));
      ++sockets_;
    }
  }

  void remember() {
    const SocketRecord record = take_record(input_);
    tally_->add_polled(record, now_);
    tally_->add_served(record);
    tally_->date(record, now_);
    if (record.ipv6_only) tally_->forget_served();
  }

  void poll() {
    const auto read = [this] {
      const auto drops = input_.take<std::uint8_t>();
      listen_drops_ += drops;
      return drops == 255 ? std::nullopt : ListenerWatch::ListenDrops(listen_drops_);
    };
    watch_.begin(now_, read);
    for (std::size_t left = input_.take_below(8); left > 0; --left) {
      SocketRecord record = take_record(input_);
      record.state_number = static_cast<std::uint8_t>(TcpState::listen);
      watch_.add(record);
    }
    if (!watch_.finish(now_, read)) return;
    const ListenerSnapshot snapshot = watch_.report(now_, std::chrono::minutes(1));
    std::uint64_t sum = snapshot.other.drops.value_or(0);
    for (const ListenerCounts& port : snapshot.ports) sum += port.drops.value_or(0);
    require(sum <= listen_drops_, "ports have no more drops than the kernel counted");
    require_exposition(render(snapshot));
  }

  void finish() {
    if (tally_->learn_services()) {
      sockets_ = 0;
      tally_->begin(kEphemeral, now_);
      return;
    }
    const TcpSnapshot snapshot = tally_->finish(now_);
    require(snapshot.sockets == sockets_, "each socket is in the total");
    std::uint64_t sum = snapshot.unknown_state_sockets;
    for (const Direction direction : kDirections) sum += check(direction, snapshot.of(direction));
    require(sum == sockets_, "each socket is in one place");
    watch_.record_seen(snapshot.of(Direction::inbound), tally_->listening_ports(), now_);
    require_exposition(render(snapshot));
    sockets_ = 0;
    tally_->begin(kEphemeral, now_);
  }

  // Returns the sockets of the direction.
  std::uint64_t check(Direction direction, const DirectionCounts& counts) {
    std::uint64_t sum = check(direction, counts.other);
    for (const PortCounts& port : counts.ports) sum += check(direction, port);
    return sum;
  }

  std::uint64_t check(Direction direction, const PortCounts& counts) {
    const std::uint32_t close_waits = counts.sockets[index_of(TcpState::close_wait)];
    const auto& causes = counts.close_wait_causes;
    require(std::accumulate(causes.begin(), causes.end(), 0U) == close_waits,
            "each CLOSE_WAIT has one cause");
    std::uint64_t& started = started_[{direction, counts.port}];
    require(counts.time_wait_started >= started, "started TIME_WAITs never fall");
    started = counts.time_wait_started;
    return std::accumulate(counts.sockets.begin(), counts.sockets.end(), std::uint64_t{0});
  }

  inline static const EphemeralPorts kEphemeral{{32768, 60999}, std::vector<PortRange>{}};

  GeneratedInput& input_;
  std::unique_ptr<TcpTally> tally_ =
      std::make_unique<TcpTally>(std::make_shared<TallyScratch>(), take_policy(input_));
  ListenerWatch watch_;
  TcpTally::TimePoint now_{std::chrono::hours(1)};
  std::uint64_t sockets_ = 0;  // since begin()
  std::uint64_t listen_drops_ = 0;
  std::map<std::pair<Direction, std::uint16_t>, std::uint64_t> started_;
};

}  // namespace
}  // namespace sockdiag::test

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace sockdiag::test;
  GeneratedInput input(bytes, size);
  Run run(input);
  for (std::size_t step = 0; step < kMostSteps && !input.is_empty(); ++step) run.step();
  return 0;
}
