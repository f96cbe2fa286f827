// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/pages/exposition.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

constexpr char kSockets[] = "sockdiag_sample_unknown_state_sockets";

// A source's values as sampling gives them, with a count that the text shows.
Samples with_sockets(std::uint64_t unknown) {
  TcpSnapshot snapshot;
  snapshot.unknown_state_sockets = unknown;
  Samples samples;
  samples.tcp.value = std::make_shared<const TcpSnapshot>(std::move(snapshot));
  return samples;
}

class Site {
 public:
  Board board;
  Publisher publisher{board, {}};

  // The text of all sockets after publishing it.
  std::shared_ptr<const TextPart> publish(const Samples& samples) {
    publisher.publish(std::make_shared<const Samples>(samples));
    return board.latest()->tcp.value;
  }
};

constexpr char kPodListens[] =
    "sockdiag_tcp_sockets{direction=\"inbound\",port=\"8080\",state=\"listen\",namespace=\"shop\","
    "pod=\"cart-7d9\"} 1\n";

// A pod that listens at a port.
NamespaceSample pod_with(std::uint16_t port, std::chrono::steady_clock::time_point withdrawn) {
  TcpSnapshot snapshot;
  PortCounts counts{.port = port};
  counts.sockets[index_of(TcpState::listen)] = 1;
  snapshot.directions[index_of(Direction::inbound)].ports = {counts};
  NamespaceSample sample;
  sample.owner = OwnerLabels{"shop", "cart-7d9", "", "", ""};
  sample.tcp = {std::make_shared<const TcpSnapshot>(std::move(snapshot)), withdrawn};
  return sample;
}

void set_namespaces(Samples& samples, const NamespaceSample& sample) {
  NamespacesSnapshot snapshot;
  snapshot.samples = {sample};
  samples.namespaces = {std::make_shared<const NamespacesSnapshot>(std::move(snapshot)),
                        sample.tcp.withdrawn_after};
}

}  // namespace

TEST_CASE("What is published is shown with its values") {
  Site site;
  const Samples samples = with_sockets(3);
  CHECK_THAT(site.publish(samples)->text(),
             contains_text(std::string(kSockets) + "{source=\"tcp\"} 3\n"));
  CHECK(site.board.latest()->samples->tcp.value == samples.tcp.value);
  CHECK(site.board.latest()->listeners.value == nullptr);
}

TEST_CASE("Values that stay keep their text, with another time") {
  Site site;
  Samples samples = with_sockets(3);
  const auto text = site.publish(samples);
  samples.tcp.withdrawn_after += std::chrono::hours(1);
  CHECK(site.publish(samples) == text);
  CHECK(site.board.latest()->tcp.withdrawn_after == samples.tcp.withdrawn_after);
  CHECK(site.publish(with_sockets(3)) != text);
}

TEST_CASE("Families that are excluded meanwhile are left out of values that stay") {
  Site site;
  const Samples samples = with_sockets(3);
  static_cast<void>(site.publish(samples));
  site.publisher.configure({kSockets}, {});
  CHECK(site.publish(samples)->text().find(kSockets) == std::string::npos);
  site.publisher.configure({}, {});
  CHECK_THAT(site.publish(samples)->text(), contains_text(kSockets));
}

TEST_CASE("Sockets of other network namespaces are in the families of the host") {
  Site site;
  Samples samples = with_sockets(3);
  const auto alone = site.publish(samples);
  const auto later = std::chrono::steady_clock::now() + std::chrono::hours(1);
  set_namespaces(samples, pod_with(8080, later));
  const auto both = site.publish(samples);
  CHECK_THAT(both->text(), contains_text(kPodListens));
  CHECK_THAT(both->text(), contains_text(std::string(kSockets) + "{source=\"tcp\"} 3\n"));
  CHECK(site.board.latest()->namespaces.value->text().find("sockdiag_namespaces{") !=
        std::string::npos);
  SECTION("and keep their text while nothing changes") {
    set_namespaces(samples, samples.namespaces.value->samples[0]);
    CHECK(site.publish(samples) == both);
  }
  SECTION("and go when they are stale, by themselves") {
    NamespaceSample stale = samples.namespaces.value->samples[0];
    stale.tcp.withdrawn_after = std::chrono::steady_clock::now() - std::chrono::seconds(1);
    set_namespaces(samples, stale);
    CHECK(site.publish(samples)->text() == alone->text());
  }
  SECTION("and go with the host's own value, however fresh theirs are") {
    const auto now = std::chrono::steady_clock::now();
    samples.tcp.withdrawn_after = now - std::chrono::seconds(1);
    static_cast<void>(site.publish(samples));
    CHECK_FALSE(site.board.latest()->tcp.is_fresh(now));
    CHECK(site.board.latest()->namespaces.is_fresh(now));
  }
  SECTION("and go with their namespace") {
    samples.namespaces.value = std::make_shared<const NamespacesSnapshot>();
    CHECK(site.publish(samples)->text() == alone->text());
  }
  SECTION("and stay when the host has a new value") {
    samples.tcp = with_sockets(4).tcp;
    const auto next = site.publish(samples);
    CHECK_THAT(next->text(), contains_text(kPodListens));
    CHECK_THAT(next->text(), contains_text("{source=\"tcp\"} 4\n"));
  }
  SECTION("and change with their value") {
    set_namespaces(samples, pod_with(9090, later));
    const auto next = site.publish(samples)->text();
    CHECK(next.find("port=\"8080\"") == std::string::npos);
    CHECK_THAT(next, contains_text("port=\"9090\""));
  }
  SECTION("unless their family is excluded") {
    site.publisher.configure({"sockdiag_tcp_sockets"}, {});
    CHECK(site.publish(samples)->text().find("sockdiag_tcp_sockets{") == std::string::npos);
  }
}

TEST_CASE("Names of ports are shown from the publication after they were configured on") {
  Site site;
  Samples samples = with_sockets(0);
  samples.tcp = pod_with(8443, std::chrono::steady_clock::now() + std::chrono::hours(1)).tcp;
  static_cast<void>(site.publish(samples));
  CHECK(site.board.latest()->owners.value == nullptr);
  FindingPolicy policy;
  policy.port_names = {{8443, "checkout"}};
  site.publisher.configure({}, policy);
  static_cast<void>(site.publish(samples));
  const auto owners = site.board.latest()->owners;
  REQUIRE(owners.value != nullptr);
  CHECK_THAT(owners.value->text(),
             contains_text("sockdiag_tcp_listener_info{port=\"8443\",name=\"checkout\"} 1\n"));
  CHECK(owners.withdrawn_after == samples.tcp.withdrawn_after);
  static_cast<void>(site.publish(samples));
  CHECK(site.board.latest()->owners.value == owners.value);
}

TEST_CASE("Owners are shown as long as they are fresh") {
  Site site;
  Samples samples = with_sockets(0);
  OwnerSnapshot snapshot;
  snapshot.owners = {{{"", "", "", "nginx.service", ""}, "systemd", "", "", "/system.slice"}};
  samples.owners = {std::make_shared<const OwnerSnapshot>(snapshot),
                    std::chrono::steady_clock::now() + std::chrono::hours(1)};
  static_cast<void>(site.publish(samples));
  CHECK_THAT(site.board.latest()->owners.value->text(), contains_text("unit=\"nginx.service\""));
  samples.owners.withdrawn_after = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  static_cast<void>(site.publish(samples));
  CHECK(site.board.latest()->owners.value == nullptr);
}

}  // namespace sockdiag::test
