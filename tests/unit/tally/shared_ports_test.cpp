// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/shared_ports.hpp"

#include <cmath>
#include <memory>
#include <random>
#include <set>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kRange = 28232;  // 32768…60999
constexpr std::uint16_t kFirst = 32768;
constexpr std::uint16_t kLast = 60999;

struct Pair {
  std::uint16_t local;
  std::uint16_t remote;
};

// Samples of the same or other sockets, 5 s apart.
class Samples {
 public:
  // How many of the sockets it called inbound.
  std::size_t sample(const std::vector<Pair>& sockets, std::size_t range = kRange) {
    std::size_t inbound = 0;
    ports_->begin(memory_);
    for (const auto& [local, remote] : sockets)
      inbound += ports_->add(local, remote, false) ? 1 : 0;
    learned_ = ports_->learn(range, now_, 10min);
    now_ += 5s;
    return inbound;
  }
  void pass(std::chrono::seconds time) { now_ += time; }
  [[nodiscard]] bool learned() const { return learned_; }
  [[nodiscard]] bool is_service(Direction direction, std::uint16_t port) const {
    return ports_->is_service(direction, port);
  }
  [[nodiscard]] std::set<std::uint16_t> services(Direction direction) const {
    std::set<std::uint16_t> found;
    for (std::uint32_t port = 0; port < 65536; ++port) {
      const auto each = static_cast<std::uint16_t>(port);
      if (is_service(direction, each)) found.insert(each);
    }
    return found;
  }

 private:
  SharedPorts::Memory memory_;
  std::unique_ptr<SharedPorts> ports_ = std::make_unique<SharedPorts>();
  SharedPorts::TimePoint now_{1000h};
  bool learned_ = false;
};

class RandomPorts {
 public:
  explicit RandomPorts(std::uint16_t first = kFirst, std::uint16_t last = kLast, int step = 1)
      : ports_(0, (last - first) / step), first_(first), step_(step) {}
  std::uint16_t operator()() {
    return static_cast<std::uint16_t>(first_ + ports_(random_) * step_);
  }

 private:
  std::mt19937 random_{20261126};
  std::uniform_int_distribution<> ports_;
  std::uint16_t first_;
  int step_;
};

std::vector<Pair> connections_to(std::uint16_t service, int count, RandomPorts& random) {
  std::vector<Pair> sockets;
  for (int i = 0; i < count; ++i) sockets.push_back({random(), service});
  return sockets;
}

std::vector<Pair> clients_of(std::uint16_t service, int count, RandomPorts& random) {
  std::vector<Pair> sockets;
  for (int i = 0; i < count; ++i) sockets.push_back({service, random()});
  return sockets;
}

std::vector<Pair> operator+(std::vector<Pair> a, const std::vector<Pair>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

constexpr auto kInbound = Direction::inbound;
constexpr auto kOutbound = Direction::outbound;
using Services = std::set<std::uint16_t>;

}  // namespace

TEST_CASE("A remote port of many sockets is a service's, and its clients' ports are none") {
  RandomPorts random;
  Samples samples;
  CHECK(samples.sample(connections_to(50051, 120, random)) == 0);
  CHECK(samples.learned());
  CHECK(samples.services(kOutbound) == Services{50051});
  CHECK(samples.services(kInbound).empty());
}

TEST_CASE("A local port of many sockets makes them inbound from the next sample on") {
  RandomPorts random;
  Samples samples;
  const auto sockets = clients_of(50051, 100, random);
  CHECK(samples.sample(sockets) == 0);
  CHECK(samples.sample(sockets) == 100);
  CHECK_FALSE(samples.learned());
  CHECK(samples.services(kInbound) == Services{50051});
  CHECK(samples.services(kOutbound).empty());
}

TEST_CASE("A few sockets alone on a port are a service's, two are not") {
  Samples samples;
  samples.sample({{40000, 50051}, {40002, 50051}});
  CHECK(samples.services(kOutbound).empty());
  samples.sample({{40000, 50051}, {40002, 50051}, {40004, 50051}, {40006, 50051}});
  CHECK(samples.services(kOutbound) == Services{50051});
}

TEST_CASE("100 000 clients at random ports make no client's port a service's, wherever they go") {
  struct Row {
    const char* it;
    std::uint16_t first, last;
    int step;
    std::size_t range;  // of this host
  };
  constexpr std::size_t kWide = 64512;
  for (const Row& row :
       {Row{"the default range", 32768, 60999, 1, kRange},
        Row{"ports of one parity", 32768, 60999, 2, kRange},
        Row{"a wide range", 1024, 65535, 1, kWide},
        Row{"a wide range's ports of one parity", 1024, 65535, 2, kWide},
        Row{"the range of Windows", 49152, 65535, 1, kRange},
        Row{"the range of Windows, where this host's is wide", 49152, 65535, 1, kWide}}) {
    INFO("clients that take " << row.it);
    RandomPorts random(row.first, row.last, row.step);
    Samples samples;
    for (int round = 0; round < 5; ++round) {
      const auto to_one_port = clients_of(50051, 100'000, random);
      samples.sample(to_one_port + connections_to(40001, 5, random), row.range);
      samples.sample(to_one_port + connections_to(40001, 5, random), row.range);
      CHECK(samples.services(kInbound) == Services{50051});
      CHECK(samples.services(kOutbound) == Services{40001});
    }
  }
}

TEST_CASE("Peers at random ports on both ends are no services, however many there are") {
  for (const int count : {100, 1000, 10'000, 100'000, 1'000'000}) {
    CAPTURE(count);
    for (const int step : {1, 2}) {
      RandomPorts local(kFirst, kLast, step);
      RandomPorts remote(1024, 65535);
      std::vector<Pair> sockets;
      for (int i = 0; i < count; ++i) sockets.push_back({local(), remote()});
      Samples samples;
      samples.sample(sockets);
      CHECK(samples.services(kInbound).empty());
      CHECK(samples.services(kOutbound).empty());
    }
  }
}

TEST_CASE("Many small services are told from as many clients") {
  RandomPorts random;
  std::vector<Pair> sockets;
  Services expected;
  for (std::uint16_t service = 41000; service < 41100; ++service) {
    sockets = sockets + connections_to(service, 6, random);
    expected.insert(service);
  }
  Samples samples;
  samples.sample(sockets);
  CHECK(samples.services(kOutbound) == expected);
  CHECK(samples.services(kInbound).empty());
}

TEST_CASE("Of two services' ports the one with more sockets is this connection's") {
  RandomPorts random;
  Samples samples;
  const auto both = clients_of(50051, 40, random) + connections_to(40001, 20, random);
  samples.sample(both);
  CHECK(samples.sample(both + std::vector<Pair>{{50051, 40001}}) == 41);
}

TEST_CASE("A service stays known while it has a socket, and for the retention after") {
  RandomPorts random;
  Samples samples;
  samples.sample(connections_to(50051, 30, random));
  samples.pass(20min);
  samples.sample({{40000, 50051}});
  samples.pass(9min);
  samples.sample({});
  CHECK(samples.is_service(kOutbound, 50051));
  samples.pass(1min);
  samples.sample({});
  CHECK_FALSE(samples.is_service(kOutbound, 50051));
}

TEST_CASE("A small range of this host does not make services of peers' ports") {
  Samples samples;
  RandomPorts remote;
  std::vector<Pair> sockets;
  for (int i = 0; i < 900; ++i) {
    sockets.push_back({static_cast<std::uint16_t>(kFirst + i), remote()});
  }
  for (int i = 0; i < 40; ++i) {
    sockets.push_back({static_cast<std::uint16_t>(kFirst + i), 50051});
  }
  samples.sample(sockets, 1000);
  CHECK(samples.services(kOutbound) == Services{50051});
}

TEST_CASE("What chance explains is that of one sample, however many were before") {
  Samples samples;
  RandomPorts local;
  std::vector<Pair> sockets;
  for (std::size_t i = 0; i < 100'000; ++i) {
    sockets.push_back({local(), static_cast<std::uint16_t>(kFirst + i % kRange)});
  }
  for (int round = 0; round < 20; ++round) samples.sample(sockets);
  samples.sample(sockets + connections_to(50051, 60, local));
  CHECK(samples.services(kOutbound) == Services{50051});
}

TEST_CASE("More sockets than a counter holds leave a service a service") {
  RandomPorts random;
  Samples samples;
  const auto sockets = connections_to(50051, 70'000, random);
  samples.sample(sockets);
  CHECK(samples.sample(sockets) == 0);
  CHECK(samples.services(kOutbound) == Services{50051});
}

TEST_CASE("A sample that was lost teaches nothing") {
  SharedPorts ports;
  SharedPorts::Memory memory;
  for (int i = 0; i < 2; ++i) {
    ports.begin(memory);
    for (std::uint16_t local = 40000; local < 40002; ++local) {
      CHECK_FALSE(ports.add(local, 50051, false));
    }
  }
  CHECK_FALSE(ports.learn(kRange, {}, 10min));
}

TEST_CASE("What was learned of one network namespace is not known in another") {
  RandomPorts random;
  const auto calls = connections_to(50051, 120, random);
  const auto count = [&](SharedPorts& ports, SharedPorts::Memory& memory) {
    ports.begin(memory);
    for (const auto& [local, remote] : calls) static_cast<void>(ports.add(local, remote, false));
  };
  const auto ports = std::make_unique<SharedPorts>();
  std::array<SharedPorts::Memory, 2> memories;
  count(*ports, memories[0]);
  CHECK(ports->learn(kRange, {}, 10min));
  ports->begin(memories[1]);
  CHECK_FALSE(ports->is_service(kOutbound, 50051));
  CHECK_FALSE(ports->learn(kRange, {}, 10min));
  count(*ports, memories[0]);
  CHECK(ports->is_service(kOutbound, 50051));
  CHECK_FALSE(ports->learn(kRange, {}, 10min));
  count(*ports, memories[1]);
  CHECK(ports->learn(kRange, {}, 10min));
}

TEST_CASE("A threshold is what chance reaches less often than once in a billion samples") {
  // P(any of n ports has k or more), by the binomial's tail, of clients on half of the ports.
  const auto chance = [](std::size_t sockets, std::size_t least, double ports) {
    const double mean = static_cast<double>(sockets) / (ports / 2);
    double tail = 0;
    for (std::size_t k = least; k < least + 200; ++k) {
      const auto exponent = static_cast<double>(k);
      tail += std::exp(exponent * std::log(mean) - mean - std::lgamma(exponent + 1));
    }
    return tail * ports;
  };
  for (const std::size_t sockets :
       {std::size_t{1}, std::size_t{10}, std::size_t{100}, std::size_t{1000}, std::size_t{10'000},
        std::size_t{200'000}, std::size_t{1'000'000}, std::size_t{10'000'000}}) {
    CAPTURE(sockets);
    const double half = kRange / 2.0;
    const double used = half * -std::expm1(-static_cast<double>(sockets) / half);
    const auto least =
        SharedPorts::threshold(sockets, static_cast<std::size_t>(std::ceil(used)), kRange);
    CHECK(chance(sockets, least, kRange) < 1.1e-9);
    if (sockets <= 100'000) CHECK(chance(sockets, least - 1, kRange) >= 0.9e-9);
  }
}

}  // namespace sockdiag::test
