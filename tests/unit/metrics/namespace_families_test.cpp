// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/metrics/namespace_families.hpp"

#include "sockdiag/metrics/metric_families.hpp"
#include "support/catch.hpp"
#include "support/exposition_text.hpp"

namespace sockdiag::test {
namespace {

constexpr char kSockets[] = "sockdiag_tcp_sockets";
constexpr char kLingering[] = "sockdiag_tcp_lingering_sockets";
constexpr char kOldest[] = "sockdiag_tcp_oldest_socket_seconds";

const OwnerLabels kPod{"shop", "cart-7d9", "", "", ""};
const OwnerLabels kUnit{"", "", "", "db.service", ""};

Labels of_pod(Labels labels) {
  labels.insert({{"namespace", "shop"}, {"pod", "cart-7d9"}});
  return labels;
}

PortCounts seen(PortCounts counts) {
  counts.seen.add_states(counts.sockets);
  counts.seen.add_queues(counts.receive_queue_bytes, counts.send_queue_bytes);
  return counts;
}

PortCounts listening(std::uint16_t port) {
  PortCounts counts{.port = port};
  counts.sockets[index_of(TcpState::listen)] = 1;
  counts.accept_queue.limit = 128;
  return seen(counts);
}

PortCounts leaking(std::uint32_t close_waits, std::uint32_t lingering) {
  PortCounts counts = listening(8080);
  counts.sockets[index_of(TcpState::close_wait)] = close_waits;
  counts.close_wait_causes[index_of(CloseWaitCause::not_closed)] = close_waits;
  counts.stays[passing_index_of(TcpState::close_wait)] = {lingering, std::chrono::seconds(90)};
  return seen(counts);
}

TcpSnapshot snapshot_of(const PortCounts& inbound) {
  TcpSnapshot snapshot;
  snapshot.directions[index_of(Direction::inbound)].ports = {inbound};
  snapshot.unaccounted_sockets = 0;
  return snapshot;
}

// What one owner's namespaces show, from one value to the next.
class Shown {
 public:
  Exposition page(const TcpSnapshot& snapshot, const FamilyPatterns& excluded = {}) {
    auto text = std::make_shared<const NamespaceText>(
        render_of_namespace(kPod, snapshot, text_.get(), excluded));
    text_ = text;
    return Exposition::parse(compose<TcpSnapshot>({}, {&text_, 1}));
  }

 private:
  std::shared_ptr<const NamespaceText> text_;
};

template <typename Value>
std::shared_ptr<const NamespaceText> text_of(const OwnerLabels& owner, const Value& value) {
  return std::make_shared<const NamespaceText>(render_of_namespace(owner, value, nullptr));
}

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("A namespace's series have its owner's labels behind those of the host") {
  const auto text = text_of(kPod, snapshot_of(listening(8080)));
  CHECK_THAT(compose<TcpSnapshot>({}, {&text, 1}),
             contains_text("sockdiag_tcp_sockets{direction=\"inbound\",port=\"8080\",state="
                           "\"listen\",namespace=\"shop\",pod=\"cart-7d9\"} 1\n"));
}

TEST_CASE("Each family has its HELP and TYPE once, and the host's series stay what they are") {
  const TcpSnapshot host = snapshot_of(leaking(3, 1));
  const std::vector<std::shared_ptr<const NamespaceText>> others = {
      text_of(kPod, snapshot_of(leaking(5, 2))), text_of(kUnit, snapshot_of(listening(5432)))};
  const std::string text = compose<TcpSnapshot>(render_by_family(host), others);
  for (const auto& row : tcp_families()) {
    const std::string head = "# HELP " + std::string(row.name) + " ";
    const std::size_t own = count_of(render(host), head);
    CHECK(count_of(text, head) == own);
  }
  std::string lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    const bool is_others = line.find("namespace=") != line.npos || line.find("unit=") != line.npos;
    if (!is_others) lines += line + "\n";
  }
  CHECK(lines == render(host));
  CHECK(compose<TcpSnapshot>(render_by_family(host), {}) == render(host));
  CHECK(Exposition::parse(text).sum(kSockets) == 11);
}

TEST_CASE("A family that the host does not have begins with a namespace") {
  const std::vector<std::shared_ptr<const NamespaceText>> others = {
      text_of(kPod, snapshot_of(leaking(5, 2))), text_of(kUnit, snapshot_of(leaking(1, 1)))};
  const std::string text = compose<TcpSnapshot>(render_by_family(TcpSnapshot{}), others);
  CHECK(count_of(text, "# TYPE sockdiag_tcp_close_wait_sockets gauge\n") == 1);
  CHECK(Exposition::parse(text).sum("sockdiag_tcp_close_wait_sockets") == 6);
}

TEST_CASE("A series of a namespace begins with its first socket and stays") {
  Shown shown;
  const Labels close_wait = of_pod({{"direction", "inbound"}, {"state", "close_wait"}});
  CHECK(shown.page(snapshot_of(leaking(0, 0))).matching(kSockets, close_wait).empty());
  CHECK(shown.page(snapshot_of(leaking(4, 0))).sum(kSockets, close_wait) == 4);
  PortCounts calm = leaking(4, 0);
  calm.sockets[index_of(TcpState::close_wait)] = 0;
  calm.close_wait_causes = {};
  const auto after = shown.page(snapshot_of(calm));
  CHECK(after.matching(kSockets, close_wait).size() == 1);
  CHECK(after.sum(kSockets, close_wait) == 0);
  CHECK(after.matching("sockdiag_tcp_close_wait_sockets").size() == 1);
  CHECK(after.matching(kSockets, {{"state", "established"}}).empty());
}

TEST_CASE("A port that comes back begins anew") {
  Shown shown;
  static_cast<void>(shown.page(snapshot_of(leaking(4, 0))));
  static_cast<void>(shown.page(snapshot_of(listening(9090))));
  CHECK(shown.page(snapshot_of(leaking(0, 0))).matching(kSockets).size() == 1);
}

TEST_CASE("Ages begin with the first socket that lingers") {
  Shown shown;
  CHECK(shown.page(snapshot_of(leaking(4, 0))).matching(kOldest).empty());
  const auto page = shown.page(snapshot_of(leaking(4, 2)));
  CHECK(page.sum(kOldest) == 90);
  CHECK(page.sum(kLingering) == 2);
  CHECK(shown.page(snapshot_of(leaking(4, 0))).sum(kOldest) == 90);
}

TEST_CASE("Counters begin with their port, that of other ports with its first event") {
  TcpSnapshot snapshot = snapshot_of(listening(8080));
  constexpr char kStarts[] = "sockdiag_tcp_time_wait_started_total";
  Shown shown;
  CHECK(shown.page(snapshot).matching(kStarts).size() == 1);
  snapshot.directions[index_of(Direction::outbound)].other.time_wait_started = 5;
  CHECK(shown.page(snapshot).matching(kStarts).size() == 2);
}

TEST_CASE("A namespace without sockets has nothing but what the kernel counts differently") {
  TcpSnapshot nothing;
  nothing.unaccounted_sockets = 0;
  const auto page = Shown().page(nothing);
  CHECK(page.series().size() == 1);
  CHECK(page.value("sockdiag_tcp_unaccounted_sockets", of_pod({})) == 0);
}

TEST_CASE("What is the host's alone has no series of namespaces") {
  TcpSnapshot snapshot = snapshot_of(listening(8080));
  snapshot.ephemeral = {100U, 7U, {{{}, 17}}, 2, true};
  snapshot.families[0][index_of(TcpState::listen)] = 1;
  const auto page = Shown().page(snapshot);
  for (const char* name :
       {"sockdiag_tcp_ephemeral_ports", "sockdiag_tcp_ephemeral_ports_used",
        "sockdiag_tcp_family_sockets", "sockdiag_tcp_lingering_threshold_seconds",
        "sockdiag_sample_sockets", "sockdiag_tcp_local_ephemeral_ports_used"}) {
    CAPTURE(name);
    CHECK(page.matching(name).empty());
  }
}

TEST_CASE("Excluded families are left out of namespaces, too") {
  const auto page = Shown().page(snapshot_of(leaking(4, 2)), {"sockdiag_tcp_sockets"});
  CHECK(page.matching(kSockets).empty());
  CHECK(page.sum(kLingering) == 2);
}

TEST_CASE("A namespace's counters are the kernel's, with its own totals") {
  NamespaceCounters counters;
  counters.kernel.values.resize(kernel_value_rows().size());
  counters.kernel.values[0] = 0;
  counters.kernel.values[1] = 7;
  counters.open = 12;
  counters.time_wait = 0;
  const auto text = text_of(kPod, counters);
  KernelValues host;
  host.values.resize(kernel_value_rows().size(), 3);
  const auto page = Exposition::parse(compose<KernelValues>(render_by_family(host), {&text, 1}));
  CHECK(page.value("sockdiag_tcp_listen_overflows_total", of_pod({})) == 0);
  CHECK(page.value("sockdiag_tcp_listen_drops_total", of_pod({})) == 7);
  CHECK(page.value("sockdiag_tcp_listen_drops_total") == 3);
  CHECK(page.value("sockdiag_tcp_kernel_sockets", of_pod({{"kind", "open"}})) == 12);
  CHECK(page.value("sockdiag_tcp_kernel_sockets", of_pod({{"kind", "time_wait"}})) == 0);
  CHECK(page.matching("sockdiag_tcp_kernel_sockets").size() == 2);
  CHECK(page.matching("sockdiag_tcp_orphans", of_pod({})).empty());
}

TEST_CASE("How the visits of namespaces go is shown by status") {
  NamespacesSnapshot snapshot;
  snapshot.statuses = {3, 0, 2, 1};
  snapshot.rotation = std::chrono::milliseconds(7500);
  const auto page = Exposition::parse(render(snapshot));
  CHECK(page.value("sockdiag_namespaces", {{"status", "sampled"}}) == 3);
  CHECK(page.value("sockdiag_namespaces", {{"status", "counted"}}) == 0);
  CHECK(page.value("sockdiag_namespaces", {{"status", "skipped"}}) == 2);
  CHECK(page.value("sockdiag_namespaces", {{"status", "failed"}}) == 1);
  CHECK(page.value("sockdiag_namespaces_rotation_seconds") == 7.5);
}

}  // namespace sockdiag::test
