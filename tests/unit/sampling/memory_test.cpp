// SPDX-License-Identifier: Apache-2.0

// How much memory one more network namespace takes: all that is allocated for it and not freed,
// with what the allocator adds.

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "fake_host.hpp"
#include "sampling/kernel_files.hpp"
#include "sampling/tcp_tables.hpp"
#include "sockdiag/diagnosis/diagnosis.hpp"
#include "support/catch.hpp"
#include "support/dump_builder.hpp"
#include "support/replay_channel.hpp"

namespace {

std::size_t allocated = 0;
std::size_t most_allocated = 0;

constexpr std::size_t kHead = 8;  // that glibc adds to each block

}  // namespace

// Not inlined: the compiler would take each pair of them for malloc() and free().
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  void* memory = std::malloc(size);
  if (memory != nullptr) allocated += ::malloc_usable_size(memory) + kHead;
  most_allocated = std::max(most_allocated, allocated);
  return memory;
}
[[gnu::noinline]] void* operator new(std::size_t size) {
  void* memory = ::operator new(size, std::nothrow);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  if (memory != nullptr) allocated -= ::malloc_usable_size(memory) + kHead;
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  ::operator delete(memory);
}

namespace sockdiag::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kNamespaces = 300;
constexpr std::size_t kMost = 7 * 1024;  // bytes of each

// Bytes of each from the visit to the diagnosis: between publications, and while there are two.
constexpr std::size_t kMostInAll = 15 * 1024;
constexpr std::size_t kMostAtOnce = 19 * 1024;

using Datagrams = std::vector<ReplayedDatagram>;

SocketSpec connection(int number, TcpState state, std::string local, std::string remote) {
  return {.state = static_cast<std::uint8_t>(state),
          .local = std::move(local),
          .remote = std::move(remote),
          .cookie = static_cast<std::uint64_t>(100 + number)};
}

DumpBuilder listeners() {
  DumpBuilder dump;
  for (std::uint64_t i = 0; i < 3; ++i) {
    dump.socket({.state = 10,
                 .local = (i == 0 ? "10.0.0.1:" : "0.0.0.0:") + std::to_string(8080 + i),
                 .remote = "0.0.0.0:0",
                 .drops = 0,
                 .cookie = 1 + i});
  }
  return dump;
}

// A pod of 20 sockets: three listeners, and connections from clients and to three services.
DumpBuilder pod() {
  DumpBuilder dump = listeners();
  const auto client = [](int number) { return "192.0.2.7:" + std::to_string(40000 + number); };
  const auto local = [](int number) { return "10.0.0.1:" + std::to_string(33000 + number); };
  for (int i = 0; i < 6; ++i) {
    dump.socket(connection(i, TcpState::established, "10.0.0.1:8081", client(i)));
  }
  for (int i = 6; i < 9; ++i) {
    dump.socket(connection(i, TcpState::close_wait, "10.0.0.1:8080", client(i)));
  }
  for (int i = 9; i < 12; ++i) {
    dump.socket(connection(i, TcpState::time_wait, "10.0.0.1:8081", client(i)));
  }
  for (int i = 12; i < 17; ++i) {
    dump.socket(connection(i, TcpState::established, local(i),
                           "192.0.2.9:" + std::to_string(5432 + i % 3)));
  }
  return dump.done();
}

// The same pod while it is busy: many sockets that are followed, of ports that have no seat.
Datagrams busy_pod() {
  DumpBuilder dump = listeners();
  for (int i = 0; i < 3000; ++i) {
    dump.socket(connection(1000 + i, i % 2 == 0 ? TcpState::close_wait : TcpState::time_wait,
                           "10.0.0.1:8081", "192.0.2.7:" + std::to_string(33000 + i)));
  }
  return dump.done().datagrams();
}

class Visits {
 public:
  Visits() {
    policy_.ports.max_ports = 10;
    files_ = std::make_shared<KernelFiles>(
        KernelFiles::Readers{.ephemeral_range =
                                 [] {
                                   return PortRange{32768, 60999};
                                 },
                             .reserved_ports = [] { return std::nullopt; },
                             .total_sockets = [] { return std::nullopt; }});
    visit_all(1);  // what all share grows to its size
    tables_.clear();
    tables_.reserve(kNamespaces);
  }
  void answer(Datagrams datagrams) { answer_ = std::move(datagrams); }

  void visit_all(std::size_t count) {
    while (tables_.size() < count) tables_.push_back(make());
    for (const auto& tables : tables_) {
      REQUIRE(tables->sample(policy_, 60s).attempted);
      REQUIRE(tables->poll_listeners(60s).attempted);
    }
  }

  [[nodiscard]] const TcpTables& any() const { return *tables_.back(); }

 private:
  std::unique_ptr<TcpTables> make() {
    return std::make_unique<TcpTables>(
        TcpTables::Kernel{
            .open_channel = [this] { return std::make_unique<ReplayChannel>(answer_); },
            .release = "6.1.0-18-amd64"},
        files_, scratch_, NetworkKind::visited);
  }

  Datagrams answer_ = pod().datagrams();
  TcpPolicy policy_;
  std::shared_ptr<KernelFiles> files_;
  std::shared_ptr<TallyScratch> scratch_ = std::make_shared<TallyScratch>();
  std::vector<std::unique_ptr<TcpTables>> tables_;
};

struct Memory {
  std::size_t kept = 0;
  std::size_t most = 0;
};

// Visits, publishes and diagnoses that many pods, each with a namespace of its own.
Memory memory_of(std::size_t pods) {
  const std::size_t before = allocated;
  FakeHost host;
  host.collect_sockets();
  host.sockets = pod();
  for (std::size_t i = 0; i < pods; ++i) {
    host.with(std::to_string(100 + i), "web-application-of-shop-" + std::to_string(i) + ".service");
  }
  Diagnosis diagnosis;
  std::size_t examined = 0;
  const auto go_on = [&](std::chrono::seconds length) {
    for (const auto end = host.now + length; host.now < end;) {
      host.run(5s);
      host.asked.clear();
      Samples samples;
      samples.namespaces = {host.snapshot(), host.now + 60s};
      static_cast<void>(diagnosis.examine(samples, {}, host.now));
      examined = host.snapshot()->samples.size();
    }
  };
  go_on(60s);
  most_allocated = allocated;
  go_on(60s);
  CHECK(examined == pods);
  return {allocated - before, most_allocated - before};
}

}  // namespace

TEST_CASE("One more network namespace that is visited and diagnosed takes a few kilobytes") {
  static_cast<void>(memory_of(1));  // what all share grows to its size
  const Memory one = memory_of(1);
  const Memory many = memory_of(31);
  const std::size_t kept = (many.kept - one.kept) / 30;
  const std::size_t most = (many.most - one.most) / 30;
  CHECK(kept <= kMostInAll);
  CHECK(most <= kMostAtOnce);
}

TEST_CASE("One more network namespace takes a few kilobytes") {
  Visits visits;
  const std::size_t before = allocated;
  visits.visit_all(kNamespaces);
  visits.visit_all(kNamespaces);
  const std::size_t each = (allocated - before) / kNamespaces;
  const TcpSnapshot& snapshot = *visits.any().sockets();
  CHECK(snapshot.sockets == 20);
  CHECK(snapshot.of(Direction::inbound).ports.size() == 3);
  CHECK(snapshot.of(Direction::outbound).ports.size() == 3);
  CAPTURE(sizeof(TcpTables), sizeof(TcpTally), sizeof(ListenerWatch), sizeof(TcpSnapshot));
  CHECK(each <= kMost);
}

TEST_CASE("A network namespace that was busy gives its memory back when it is idle") {
  Visits visits;
  const std::size_t before = allocated;
  visits.answer(busy_pod());
  visits.visit_all(10);
  const std::size_t busy = (allocated - before) / 10;
  CHECK(busy > 3000 * 20);
  visits.answer(pod().datagrams());
  visits.visit_all(10);
  visits.visit_all(10);
  CHECK((allocated - before) / 10 <= kMost);
}

}  // namespace sockdiag::test
