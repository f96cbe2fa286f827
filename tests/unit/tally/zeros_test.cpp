// SPDX-License-Identifier: Apache-2.0

// Which series there are: all that can be other than zero, details from their first socket on.

#include <memory>
#include <set>

#include "netlink/inet_diag.hpp"
#include "sockdiag/metrics/metric_families.hpp"
#include "sockdiag/tally/tcp_tally.hpp"
#include "support/catch.hpp"
#include "support/dump_builder.hpp"
#include "support/exposition_text.hpp"

namespace sockdiag::test {
namespace {

using namespace std::chrono_literals;

using Sockets = std::vector<SocketSpec>;
using Names = std::set<std::string>;

// Counts sockets sample by sample; port 80 is a service here, 443 one that is called.
class Host {
 public:
  explicit Host(PortPolicy ports = {.inbound = {80}, .outbound = {443}})
      : tally_(std::make_unique<TcpTally>(std::make_shared<TallyScratch>(),
                                          TcpPolicy{std::move(ports), {}, {}})) {}

  Exposition sample(const Sockets& sockets) {
    lose_sample(sockets);
    return Exposition::parse(render(tally_->finish(now_)));
  }
  void lose_sample(const Sockets& sockets) {
    now_ += 5s;
    tally_->begin(EphemeralPorts({32768, 60999}, std::vector<PortRange>{}), now_);
    for (const SocketSpec& spec : sockets) tally_->add(decode_socket(encode(spec)));
  }
  void pass(std::chrono::seconds time) { now_ += time; }
  void set_ports(const PortPolicy& ports) { tally_->set_policy({ports, {}, {}}); }

 private:
  std::unique_ptr<TcpTally> tally_;
  TcpTally::TimePoint now_{};
};

SocketSpec listener(int port = 80) {
  return {.state = static_cast<std::uint8_t>(TcpState::listen),
          .local = "0.0.0.0:" + std::to_string(port),
          .remote = "0.0.0.0:0",
          .send_queue = 128};
}

SocketSpec inbound(TcpState state) {
  return {.state = static_cast<std::uint8_t>(state),
          .local = "10.0.0.1:80",
          .remote = "192.0.2.1:40000"};
}

SocketSpec outbound(TcpState state, int port = 443) {
  return {.state = static_cast<std::uint8_t>(state),
          .local = "10.0.0.1:40001",
          .remote = "192.0.2.1:" + std::to_string(port)};
}

const Labels kInbound{{"direction", "inbound"}, {"port", "80"}};
const Labels kOutbound{{"direction", "outbound"}, {"port", "443"}};

Names states(const Exposition& exposition, const Labels& of) {
  Names found;
  for (const Series& each : exposition.matching("sockdiag_tcp_sockets", of)) {
    found.insert(each.labels.at("state"));
  }
  return found;
}

const Names kDetails = {
    "sockdiag_tcp_close_wait_sockets",    "sockdiag_tcp_lingering_sockets",
    "sockdiag_tcp_oldest_socket_seconds", "sockdiag_tcp_syn_recv_retransmitting_sockets",
    "sockdiag_tcp_syn_recv_prefixes",     "sockdiag_tcp_fin_wait2_orphaned_sockets",
    "sockdiag_tcp_receive_queue_bytes",   "sockdiag_tcp_send_queue_bytes"};

// "close_wait_sockets 80 not_accepted inbound": the label values in the order of their names.
Names details(const Exposition& exposition) {
  Names found;
  for (const Series& each : exposition.series()) {
    if (!kDetails.contains(each.name)) continue;
    std::string text = each.name.substr(std::string("sockdiag_tcp_").size());
    for (const char* label : {"direction", "port", "state", "cause"}) {
      if (each.labels.contains(label)) text += " " + each.labels.at(label);
    }
    found.insert(text);
  }
  return found;
}

Names stay(const std::string& direction_and_port, TcpState state) {
  const std::string of = " " + direction_and_port + " " + std::string(name_of(state));
  return {"lingering_sockets" + of, "oldest_socket_seconds" + of};
}

Names with(Names names, const Names& more) {
  names.insert(more.begin(), more.end());
  return names;
}

struct DetailRow {
  const char* it;
  SocketSpec socket;
  Names details;
};

std::vector<DetailRow> detail_rows() {
  SocketSpec unread = inbound(TcpState::established);
  unread.receive_queue = 1;
  SocketSpec unsent = outbound(TcpState::established);
  unsent.send_queue = 1;
  return {
      {"has nothing but a connection in use", inbound(TcpState::established), {}},
      {"called another", outbound(TcpState::established), {}},
      {"has TIME_WAITs", inbound(TcpState::time_wait), {}},
      {"is opening a connection", outbound(TcpState::syn_sent),
       stay("outbound 443", TcpState::syn_sent)},
      {"has half-open connections", inbound(TcpState::syn_recv),
       with(stay("inbound 80", TcpState::syn_recv),
            {"syn_recv_retransmitting_sockets 80", "syn_recv_prefixes 80"})},
      {"closed first", inbound(TcpState::fin_wait1), stay("inbound 80", TcpState::fin_wait1)},
      {"waits for its peer's end", outbound(TcpState::fin_wait2),
       with(stay("outbound 443", TcpState::fin_wait2),
            {"fin_wait2_orphaned_sockets outbound 443"})},
      {"does not close", inbound(TcpState::close_wait),
       with(stay("inbound 80", TcpState::close_wait),
            {"close_wait_sockets inbound 80 not_accepted",
             "close_wait_sockets inbound 80 unread_data",
             "close_wait_sockets inbound 80 unread_goodbye",
             "close_wait_sockets inbound 80 unread_eof",
             "close_wait_sockets inbound 80 not_closed"})},
      {"has a pool that does not close", outbound(TcpState::close_wait),
       with(stay("outbound 443", TcpState::close_wait),
            {"close_wait_sockets outbound 443 unread_data",
             "close_wait_sockets outbound 443 unread_goodbye",
             "close_wait_sockets outbound 443 unread_eof",
             "close_wait_sockets outbound 443 not_closed"})},
      {"does not read", unread, {"receive_queue_bytes inbound 80"}},
      {"sends what nobody reads", unsent, {"send_queue_bytes outbound 443"}},
  };
}

}  // namespace

TEST_CASE("A port has every state that can be other than zero") {
  const auto exposition = Host().sample({});
  const Names both = {"established", "syn_sent",   "fin_wait1", "fin_wait2",
                      "time_wait",   "close_wait", "last_ack",  "closing"};
  CHECK(states(exposition, kOutbound) == both);
  CHECK(states(exposition, kInbound) == with(both, {"listen", "syn_recv"}));
  CHECK(states(exposition, {{"direction", "outbound"}, {"port", "other"}}) == both);
  CHECK(exposition.sum("sockdiag_tcp_sockets") == 0);
  for (const char* family : {"ipv4", "ipv6"}) {
    CHECK(exposition.matching("sockdiag_tcp_family_sockets", {{"family", family}}).size() == 10);
  }
}

TEST_CASE("Counters are there at zero with their port, details are not") {
  const auto exposition = Host().sample({listener()});
  CHECK(exposition.value("sockdiag_tcp_time_wait_started_total", kInbound) == 0);
  CHECK(exposition.value("sockdiag_tcp_time_wait_started_total", kOutbound) == 0);
  CHECK(details(exposition).empty());
}

TEST_CASE("Details appear with the first socket that has them and stay with their port") {
  for (const DetailRow& row : detail_rows()) {
    INFO("a service that " << row.it);
    Host host;
    CHECK(details(host.sample({listener(), row.socket})) == row.details);
    const auto later = host.sample({listener()});
    CHECK(details(later) == row.details);
    for (const std::string& family : kDetails) CHECK(later.sum(family) == 0);
  }
}

TEST_CASE("An accept queue is shown from the port's first listener on") {
  Host host;
  const std::string limit = "sockdiag_tcp_accept_queue_limit_sockets";
  CHECK(host.sample({inbound(TcpState::established)}).matching(limit).empty());
  CHECK(host.sample({listener()}).value(limit, {{"port", "80"}}) == 128);
  const auto later = host.sample({});
  CHECK(later.value(limit, {{"port", "80"}}) == 0);
  CHECK_FALSE(later.value(limit, {{"port", "other"}}));
}

TEST_CASE("CLOSE has a series from the first socket in it on") {
  Host host;
  const auto closed = host.sample({outbound(TcpState::close)});
  CHECK(states(closed, kOutbound).contains("close"));
  CHECK_FALSE(states(closed, kInbound).contains("close"));
  const auto later = host.sample({});
  CHECK(later.value("sockdiag_tcp_sockets",
                    {{"direction", "outbound"}, {"port", "443"}, {"state", "close"}}) == 0);
  CHECK(later.value("sockdiag_tcp_family_sockets", {{"family", "ipv4"}, {"state", "close"}}) == 0);
  CHECK_FALSE(later.value("sockdiag_tcp_family_sockets", {{"family", "ipv6"}, {"state", "close"}}));
}

TEST_CASE("Details go with their port's seat, and do not come back with it") {
  Host host(PortPolicy{.port_retention = 1min});
  const SocketSpec hanging = outbound(TcpState::syn_sent);
  CHECK(details(host.sample({hanging})).size() == 2);
  host.pass(50s);
  CHECK(details(host.sample({})).size() == 2);
  host.pass(2min);
  CHECK(details(host.sample({})).empty());
  CHECK(details(host.sample({outbound(TcpState::established)})).empty());
}

TEST_CASE("Other has details by the same rule, for good") {
  Host host(PortPolicy{.port_retention = 1min});
  CHECK(details(host.sample({outbound(TcpState::syn_sent, 50000)})) ==
        stay("outbound other", TcpState::syn_sent));
  host.pass(2min);
  CHECK(details(host.sample({})) == stay("outbound other", TcpState::syn_sent));
}

TEST_CASE("A port without a seat leaves its details to other") {
  Host host(PortPolicy{.outbound = {80}, .max_ports = 1});
  CHECK(details(host.sample({outbound(TcpState::syn_sent)})) ==
        stay("outbound other", TcpState::syn_sent));
}

TEST_CASE("A lost sample leaves no details") {
  Host host;
  host.lose_sample({inbound(TcpState::close_wait), outbound(TcpState::close)});
  const auto exposition = host.sample({listener()});
  CHECK(details(exposition).empty());
  CHECK_FALSE(states(exposition, kOutbound).contains("close"));
}

TEST_CASE("A CLOSE_WAIT that nobody accepted is shown on whatever side it is counted") {
  SocketSpec odd = outbound(TcpState::close_wait);
  odd.inode = 0;
  CHECK(Host().sample({odd}).value(
            "sockdiag_tcp_close_wait_sockets",
            {{"direction", "outbound"}, {"port", "443"}, {"cause", "not_accepted"}}) == 1);
}

}  // namespace sockdiag::test
