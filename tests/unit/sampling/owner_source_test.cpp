// SPDX-License-Identifier: Apache-2.0
#include "sampling/owner_source.hpp"

#include <random>

#include "../owners/folder.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using namespace std::chrono_literals;
using Rows = std::vector<std::string>;

constexpr auto kInbound = Direction::inbound;
constexpr auto kOutbound = Direction::outbound;

CgroupCounts established(std::uint64_t cgroup, Direction direction, std::uint16_t port,
                         std::uint32_t sockets) {
  CgroupCounts counts{.cgroup = cgroup, .direction = direction, .port = port};
  counts.sockets[index_of(TcpState::established)] = sockets;
  return counts;
}

// "inbound 80 nginx.service: 3 established"; a state without sockets that was seen is 0.
Rows rows(const OwnerSnapshot& snapshot) {
  Rows rows;
  for (const OwnerCounts& each : snapshot.counts) {
    const OwnerLabels& labels = snapshot.owners.at(each.owner).labels;
    std::string row = std::string(name_of(each.direction)) + " " + std::to_string(each.port) + " " +
                      labels.unit + labels.container + labels.pod_uid + ":";
    for (std::size_t i = 0; i < kTcpStateCount; ++i) {
      if (!each.seen.state(static_cast<TcpState>(i + 1))) continue;
      row += " " + std::to_string(each.sockets[i]) + " " + std::string(kTcpStateNames[i]);
    }
    rows.push_back(row);
  }
  return rows;
}

// A host whose cgroups are plain folders, with services a, b, c ... and ports with series.
class Host {
 public:
  Host() {
    HostPaths paths;
    paths.cgroup = tree_.path();
    paths.container_logs = logs_.path();
    source_ = std::make_unique<OwnerSource>(OwnerNames(paths, OwnerNames::Tree::any_folder),
                                            [this] { return now_; });
  }
  std::uint64_t service(const std::string& name) {
    return tree_.make("/system.slice/" + name + ".service");
  }
  Host& pass(std::chrono::seconds time) {
    now_ += time;
    return *this;
  }
  SampleResult sample(std::vector<CgroupCounts> counts) {
    auto tcp = std::make_shared<TcpSnapshot>();
    for (const std::uint16_t port : ports) {
      for (auto& direction : tcp->directions) direction.ports.push_back({.port = port});
    }
    tcp->by_cgroup = std::move(counts);
    tcp_ = tcp;
    return source_->sample(tcp_, policies);
  }
  Rows rows_of(const std::vector<CgroupCounts>& counts) {
    CHECK(sample(counts).problem.empty());
    return rows(*source_->owners());
  }
  [[nodiscard]] OwnerSource& source() { return *source_; }
  [[nodiscard]] const Folder& tree() const { return tree_; }
  [[nodiscard]] const Folder& logs() const { return logs_; }
  SampleResult sample_again() { return source_->sample(tcp_, policies); }

  Policies policies;
  std::vector<std::uint16_t> ports = {80, 443};

 private:
  Folder tree_;
  Folder logs_;
  std::chrono::steady_clock::time_point now_{1000h};
  std::unique_ptr<OwnerSource> source_;
  std::shared_ptr<const TcpSnapshot> tcp_;
};

}  // namespace

TEST_CASE("Cgroups of one owner are added up") {
  Host host;
  const auto a = host.service("a");
  const auto worker = host.tree().make("/system.slice/a.service/worker");
  CHECK(host.rows_of({established(a, kInbound, 80, 2), established(worker, kInbound, 80, 3),
                      established(a, kOutbound, 443, 1)}) ==
        Rows{"inbound 80 a.service: 5 established", "outbound 443 a.service: 1 established"});
}

TEST_CASE("Sockets of no cgroup, of the root and of removed cgroups have words for owners") {
  Host host;
  CHECK(host.rows_of({established(0, kInbound, 80, 1), established(1, kInbound, 80, 2),
                      established(99'999'999'999, kInbound, 80, 3)}) ==
        Rows{"inbound 80 gone: 3 established", "inbound 80 none: 2 established",
             "inbound 80 other: 1 established"});
}

TEST_CASE("A kernel that tells no cgroup of any socket leaves owners out") {
  Host host;
  CHECK(host.rows_of({established(0, kInbound, 80, 3)}).empty());
}

TEST_CASE("Owners beyond the limit are folded at the same direction and port") {
  Host host;
  host.policies.owners.max_owners = 2;
  std::vector<CgroupCounts> counts;
  for (const auto& [name, sockets] :
       std::map<std::string, std::uint32_t>{{"a", 1}, {"b", 5}, {"c", 4}, {"d", 2}}) {
    counts.push_back(established(host.service(name), kInbound, name == "a" ? 443 : 80, sockets));
  }
  CHECK(host.rows_of(counts) ==
        Rows{"inbound 80 b.service: 5 established", "inbound 80 c.service: 4 established",
             "inbound 80 other: 2 established", "inbound 443 other: 1 established"});
}

TEST_CASE("Combinations beyond the limit are folded, too") {
  Host host;
  host.policies.owners.max_ports = 1;
  const auto a = host.service("a");
  CHECK(host.rows_of({established(a, kInbound, 80, 2), established(a, kInbound, 443, 3)}) ==
        Rows{"inbound 80 other: 2 established", "inbound 443 a.service: 3 established"});
}

TEST_CASE("Seats are sticky, but not against far busier owners, nor beyond the retention") {
  Host host;
  host.policies.owners.max_owners = 1;
  const auto a = host.service("a");
  const auto b = host.service("b");
  const auto both = [&](std::uint32_t of_a, std::uint32_t of_b) {
    return std::vector<CgroupCounts>{established(a, kInbound, 80, of_a),
                                     established(b, kInbound, 80, of_b)};
  };
  const auto seated = [&](const Rows& rows) { return rows.at(0).substr(0, 12); };
  CHECK(seated(host.rows_of(both(2, 1))) == "inbound 80 a");
  CHECK(seated(host.rows_of(both(2, 19))) == "inbound 80 a");
  CHECK(seated(host.rows_of(both(2, 20))) == "inbound 80 b");
  CHECK(seated(host.pass(1s).rows_of(both(21, 20))) == "inbound 80 b");
  CHECK(host.pass(9min).rows_of({}) == Rows{"inbound 80 b.service: 0 established"});
  CHECK(seated(host.pass(2min).rows_of({established(a, kInbound, 80, 1)})) == "inbound 80 a");
}

TEST_CASE(
    "An owner whose cgroup was removed yields its seat, one that only has no socket does not") {
  Host host;
  host.policies.owners.max_owners = 1;
  const auto job = host.service("job");
  const auto first = host.service("first");
  const auto second = host.service("second");
  host.rows_of({established(job, kInbound, 80, 9)});
  CHECK(host.pass(10s).rows_of({established(first, kInbound, 80, 1)}) ==
        Rows{"inbound 80 job.service: 0 established", "inbound 80 other: 1 established"});
  host.tree().remove("/system.slice/job.service");
  const Rows rows = host.pass(10s).rows_of(
      {established(first, kInbound, 80, 1), established(second, kInbound, 443, 2)});
  CHECK(rows ==
        Rows{"inbound 80 other: 1 established", "inbound 443 second.service: 2 established"});
}

TEST_CASE("An owner whose cgroup was removed keeps its seat while it has sockets or nobody waits") {
  Host host;
  host.policies.owners.max_owners = 2;
  const auto job = host.service("job");
  const auto leak = established(job, kInbound, 80, 1);
  const std::vector<CgroupCounts> others = {established(host.service("b"), kOutbound, 443, 2),
                                            established(host.service("c"), kOutbound, 443, 3)};
  host.rows_of({leak});
  host.tree().remove("/system.slice/job.service");
  CHECK(host.pass(10s).rows_of({leak, others[0], others[1]}).front() ==
        "inbound 80 job.service: 1 established");
  CHECK(host.rows_of({others[1]}).front() == "inbound 80 job.service: 0 established");
  CHECK(host.rows_of(others) ==
        Rows{"outbound 443 b.service: 2 established", "outbound 443 c.service: 3 established"});
}

TEST_CASE("A combination of an owner whose cgroup was removed yields its seat") {
  Host host;
  host.policies.owners.max_ports = 1;
  const auto b = host.service("b");
  host.rows_of({established(host.service("job"), kInbound, 80, 9)});
  host.tree().remove("/system.slice/job.service");
  CHECK(host.pass(10s).rows_of({established(b, kInbound, 80, 1)}) ==
        Rows{"inbound 80 b.service: 1 established"});
}

TEST_CASE("An owner with another cgroup keeps its series, as a unit that was restarted") {
  Host host;
  host.policies.owners.max_owners = 1;
  const auto b = established(host.service("b"), kInbound, 80, 5);
  host.rows_of({established(host.service("web"), kInbound, 80, 9)});
  const auto restarted = host.tree().replace("/system.slice/web.service");
  CHECK(host.pass(10s).rows_of({b}).back() == "inbound 80 web.service: 0 established");
  CHECK(host.rows_of({b, established(restarted, kInbound, 80, 1)}).back() ==
        "inbound 80 web.service: 1 established");
}

TEST_CASE("What has been seen of an owner stays, with zeros, while its port has series") {
  Host host;
  const auto a = host.service("a");
  CgroupCounts leak = established(a, kInbound, 80, 1);
  leak.sockets[index_of(TcpState::close_wait)] = 2;
  host.rows_of({leak});
  CHECK(host.rows_of({established(a, kInbound, 80, 1)}) ==
        Rows{"inbound 80 a.service: 1 established 0 close_wait"});
  CHECK(host.rows_of({}) == Rows{"inbound 80 a.service: 0 established 0 close_wait"});
  host.ports = {443};
  CHECK(host.rows_of({}).empty());
}

TEST_CASE("The sums over owners are those over cgroups, whatever is folded") {
  std::mt19937 random(20261126);
  const auto pick = [&](int most) { return std::uniform_int_distribution<>(0, most)(random); };
  Host host;
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(host.service("s" + std::to_string(i % 15)));
  for (int round = 0; round < 50; ++round) {
    host.policies.owners.max_owners = static_cast<std::size_t>(1 + pick(20));
    host.policies.owners.max_ports = static_cast<std::size_t>(1 + pick(60));
    std::vector<CgroupCounts> counts;
    std::map<std::tuple<Direction, std::uint16_t, std::size_t>, std::uint32_t> expected;
    for (int i = pick(60); i > 0; --i) {
      CgroupCounts each{
          .cgroup = ids.at(static_cast<std::size_t>(pick(19))),
          .direction = kDirections.at(static_cast<std::size_t>(pick(1))),
          .port = std::vector<std::uint16_t>{0, 80, 443}.at(static_cast<std::size_t>(pick(2)))};
      const auto state = static_cast<std::size_t>(pick(10));
      each.sockets[state] = static_cast<std::uint32_t>(pick(100));
      expected[{each.direction, each.port, state}] += each.sockets[state];
      counts.push_back(each);
    }
    CHECK(host.pass(1s).sample(counts).problem.empty());
    const OwnerSnapshot& snapshot = *host.source().owners();
    for (const OwnerCounts& each : snapshot.counts) {
      for (std::size_t i = 0; i < kTcpStateCount; ++i) {
        const auto found = expected.find({each.direction, each.port, i});
        if (found != expected.end()) found->second -= each.sockets[i];
        if (found == expected.end()) CHECK(each.sockets[i] == 0);
      }
    }
    for (const auto& [key, left] : expected) CHECK(left == 0);
    CHECK(snapshot.owners.size() <= host.policies.owners.max_owners + 1);
  }
}

TEST_CASE("The tree is walked for unknown cgroups alone, and at most every ten seconds") {
  Host host;
  const auto a = host.service("a");
  host.rows_of({established(a, kInbound, 80, 1)});
  const auto b = host.service("b");
  CHECK(host.rows_of({established(b, kInbound, 80, 1)}).back() ==
        "inbound 80 other: 1 established");
  CHECK(host.pass(10s).rows_of({established(b, kInbound, 80, 1)}).at(1) ==
        "inbound 80 b.service: 1 established");
}

TEST_CASE("Pods without names are looked for again after a minute") {
  Host host;
  const std::string id(64, 'a');
  const std::string uid = "0a1b2c3d-1111-2222-3333-444455556666";
  const auto app = host.tree().make("/kubepods/pod" + uid + "/" + id);
  const std::vector<CgroupCounts> counts = {established(app, kInbound, 80, 1)};
  CHECK(host.rows_of(counts) == Rows{"inbound 80 " + id.substr(0, 12) + uid + ": 1 established"});
  host.logs().link("cart_shop_app-" + id + ".log");
  CHECK(host.pass(59s).rows_of(counts).size() == 1);
  const Rows named = host.pass(1s).rows_of(counts);
  CHECK(std::count(named.begin(), named.end(), "inbound 80 app: 1 established") == 1);
}

TEST_CASE("What else is known of a container is that of the one that runs") {
  Host host;
  const auto start = [&](char digit) {
    const std::string id(64, digit);
    host.logs().link("cart_shop_app-" + id + ".log");
    return host.tree().make("/kubepods/pod0a1b2c3d-1111-2222-3333-444455556666/" + id);
  };
  host.rows_of({established(start('a'), kInbound, 80, 1)});
  host.pass(10s).rows_of({established(start('b'), kInbound, 80, 1)});
  const auto& owners = host.source().owners()->owners;
  REQUIRE(owners.size() == 1);
  CHECK(owners[0].container_id == std::string(64, 'b'));
}

TEST_CASE("What a walk could not read is a problem while it leaves names out") {
  Host host;
  const std::string uid = "0a1b2c3d-1111-2222-3333-444455556666";
  const auto pod = host.tree().make("/kubepods/pod" + uid + "/" + std::string(64, 'a'));
  const auto a = host.service("a");
  host.logs().remove("");
  CHECK(host.sample({established(a, kInbound, 80, 1)}).problem.empty());
  const auto with_pod = {established(a, kInbound, 80, 1), established(pod, kInbound, 443, 1)};
  for (int i = 0; i < 2; ++i) {
    CHECK_THAT(host.pass(10s).sample(with_pod).problem, contains_text("No such file"));
  }
  CHECK(host.sample({established(a, kInbound, 80, 1)}).problem.empty());
}

TEST_CASE("A dump is looked at once, and none is waited for") {
  Host host;
  CHECK_FALSE(host.source().sample(nullptr, host.policies).attempted);
  CHECK(host.sample({established(1, kInbound, 80, 1)}).attempted);
  const auto owners = host.source().owners();
  CHECK_FALSE(host.sample_again().attempted);
  CHECK(host.source().owners() == owners);
}

TEST_CASE("Without sight of the cgroup tree there are no owners, until there is") {
  Host plain;
  HostPaths paths;
  paths.cgroup = plain.tree().path();
  OwnerSource source{OwnerNames(paths)};
  const auto dump = [](std::uint64_t cgroup) {
    auto tcp = std::make_shared<TcpSnapshot>();
    tcp->by_cgroup = {established(cgroup, kInbound, 0, 1)};
    return tcp;
  };
  for (int i = 0; i < 2; ++i) {
    CHECK_THROWS_WITH(source.sample(dump(7), plain.policies), contains_text("--path.cgroup="));
    CHECK(source.owners() == nullptr);
  }
  CHECK(source.sample(dump(1), plain.policies).problem.empty());
  CHECK(rows(*source.owners()) == Rows{"inbound 0 none: 1 established"});
  CHECK_THROWS(source.sample(dump(7), plain.policies));
  CHECK(source.owners() == nullptr);
}

}  // namespace sockdiag::test
