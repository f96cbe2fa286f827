// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/metrics/metric_families.hpp"
#include "support/catch.hpp"
#include "support/exposition_text.hpp"

namespace sockdiag::test {
namespace {

constexpr char kSockets[] = "sockdiag_tcp_owner_sockets";
constexpr char kListener[] = "sockdiag_tcp_listener_info";

using Sockets = std::vector<std::pair<TcpState, std::uint32_t>>;

// Sockets of owners in the exporter's network namespace.
class Owned {
 public:
  Owned& owner(const OwnerLabels& labels) {
    snapshot.owners.push_back({labels, "", "", "", ""});
    return *this;
  }
  // Of the last owner.
  OwnerCounts& has(Direction direction, std::uint16_t port, const Sockets& sockets) {
    OwnerCounts counts{.owner = snapshot.owners.size() - 1, .direction = direction, .port = port};
    for (const auto& [state, count] : sockets) counts.sockets[index_of(state)] = count;
    counts.seen.add_states(counts.sockets);
    snapshot.counts.push_back(counts);
    return snapshot.counts.back();
  }
  [[nodiscard]] Exposition page() const {
    return Exposition::parse(render(OwnedSockets{&snapshot, &tcp, &names}));
  }

  OwnerSnapshot snapshot;
  TcpSnapshot tcp;
  PortNames names;
};

const OwnerLabels kPod{"shop", "cart-7d9", "app", "", ""};
const OwnerLabels kUnit{"", "", "", "nginx.service", ""};

}  // namespace

TEST_CASE("An owner's sockets have its labels and the states that it has had") {
  Owned owned;
  auto& counts = owned.owner(kPod).has(Direction::inbound, 8080,
                                       {{TcpState::close_wait, 7}, {TcpState::established, 2}});
  counts.sockets[index_of(TcpState::established)] = 0;
  const auto page = owned.page();
  const Labels pod{{"direction", "inbound"},
                   {"port", "8080"},
                   {"namespace", "shop"},
                   {"pod", "cart-7d9"},
                   {"container", "app"}};
  const auto with = [&](const char* name, const char* value) {
    Labels labels = pod;
    labels[name] = value;
    return labels;
  };
  CHECK(page.value(kSockets, with("state", "close_wait")) == 7);
  CHECK(page.value(kSockets, with("state", "established")) == 0);
  CHECK(page.matching(kSockets).size() == 2);
  CHECK(page.matching("sockdiag_tcp_owner_close_wait_sockets").size() == kCloseWaitCauseCount);
  CHECK(page.value("sockdiag_tcp_owner_lingering_sockets", with("state", "close_wait")) == 0);
}

TEST_CASE("A TIME_WAIT never has an owner, a SYN_RECV only if a full socket was in it") {
  Owned owned;
  owned.owner(kUnit).has(Direction::inbound, 80,
                         {{TcpState::time_wait, 3}, {TcpState::established, 1}});
  const auto page = owned.page();
  CHECK(page.matching(kSockets, {{"state", "time_wait"}}).empty());
  CHECK(page.matching(kSockets, {{"state", "syn_recv"}}).empty());
  CHECK(page.sum(kSockets) == 1);
}

TEST_CASE("Sockets of folded ports are counted under other, for which nobody listens") {
  Owned owned;
  owned.owner(kUnit).has(Direction::inbound, 0, {{TcpState::listen, 1}});
  const auto page = owned.page();
  CHECK(page.sum(kSockets) == 1);
  CHECK(page.matching(kSockets, {{"port", "other"}}).size() == 1);
  CHECK(page.matching(kListener).empty());
}

TEST_CASE("A listener's port is shown with its owner and its name") {
  Owned owned;
  owned.names = {{8443, "checkout"}};
  owned.owner(kUnit).has(Direction::inbound, 80, {{TcpState::listen, 2}});
  owned.owner(kPod).has(Direction::inbound, 8443, {{TcpState::listen, 1}});
  owned.has(Direction::inbound, 9000, {{TcpState::established, 1}});
  const auto page = owned.page();
  CHECK(page.value(kListener, {{"port", "80"}, {"unit", "nginx.service"}}) == 1);
  CHECK(page.value(kListener, {{"port", "8443"},
                               {"name", "checkout"},
                               {"namespace", "shop"},
                               {"pod", "cart-7d9"},
                               {"container", "app"}}) == 1);
  CHECK(page.matching(kListener).size() == 2);
}

TEST_CASE("A port that has a name and a listener is shown without owners, too") {
  TcpSnapshot tcp;
  for (const std::uint16_t port : std::to_array<std::uint16_t>({80, 8443, 9000})) {
    PortCounts counts{.port = port};
    counts.sockets[index_of(TcpState::listen)] = port == 9000 ? 0 : 1;
    tcp.directions[index_of(Direction::inbound)].ports.push_back(counts);
  }
  const PortNames names = {{8443, "checkout"}, {9000, "idle"}};
  const auto page = Exposition::parse(render(OwnedSockets{nullptr, &tcp, &names}));
  CHECK(page.series().size() == 1);
  CHECK(page.value(kListener, {{"port", "8443"}, {"name", "checkout"}}) == 1);
}

TEST_CASE("What else is known of an owner is shown once, what is not known is left out") {
  OwnerSnapshot snapshot;
  snapshot.owners = {{kPod, "containerd", "1-2", "abc", "/kubepods/a"},
                     {kUnit, "systemd", "", "", "/system.slice/nginx.service"},
                     {{"", "", "", "", "9-9"}, "", "9-9", "", ""}};
  const auto page = Exposition::parse(render(OwnedSockets{&snapshot, nullptr, nullptr}));
  constexpr char kInfo[] = "sockdiag_owner_info";
  CHECK(page.value(kInfo, {{"namespace", "shop"},
                           {"pod", "cart-7d9"},
                           {"container", "app"},
                           {"runtime", "containerd"},
                           {"pod_uid", "1-2"},
                           {"container_id", "abc"},
                           {"cgroup", "/kubepods/a"}}) == 1);
  CHECK(page.value(kInfo, {{"unit", "nginx.service"},
                           {"runtime", "systemd"},
                           {"cgroup", "/system.slice/nginx.service"}}) == 1);
  CHECK(page.value(kInfo, {{"pod_uid", "9-9"}}) == 1);
}

}  // namespace sockdiag::test
