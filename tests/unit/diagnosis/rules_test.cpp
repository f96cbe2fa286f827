// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <map>

#include "host.hpp"
#include "sockdiag/diagnosis/finding_texts.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using Names = std::vector<std::string>;
using enum TcpState;
using enum CloseWaitCause;

struct Case {
  std::string it;
  std::function<void(Host&)> has;  // from the first sample on
  Names finds;
  std::map<std::string, double> seen = {};  // measures of the first finding
  std::chrono::seconds after = 60s;
};

void check(const std::vector<Case>& cases) {
  for (const Case& row : cases) {
    INFO("It " << row.it);
    Host host;
    host.grows("passive_opens", 1).grows("active_opens", 1);
    row.has(host);
    const auto findings = host.run(row.after);
    CHECK(names_of(*findings) == row.finds);
    for (const Finding& finding : findings->found) {
      CHECK(seen_text(finding, Language::english).find('?') == std::string::npos);
    }
    for (const auto& [name, value] : row.seen) {
      INFO(name);
      const auto seen = measure(*findings, name);
      REQUIRE(seen.has_value());
      CHECK(*seen == Approx(value));
    }
  }
}

}  // namespace

TEST_CASE("CLOSE_WAIT is found by what the application has not done") {
  check({
      {"finds those that are never closed",
       [](Host& h) { h.in(80).waits(not_closed, 20); },
       {"warning cw_in_not_closed inbound 80"},
       {{"sockets", 20}, {"lingering", 20}, {"threshold_seconds", 60}, {"oldest_seconds", 90}}},
      {"lets fewer be", [](Host& h) { h.in(80).waits(not_closed, 19); }, {}},
      {"lets half-closed clients that are served be",
       [](Host& h) { h.in(80).waits(not_closed, 400, 19); },
       {}},
      {"finds data that nobody reads",
       [](Host& h) { h.in(80).waits(unread_data, 30); },
       {"warning cw_in_unread inbound 80"},
       {{"sockets", 30}}},
      {"finds ends that nobody reads, with a goodbye or without",
       [](Host& h) { h.in(80).waits(unread_eof, 10, 20).waits(unread_goodbye, 10, 20); },
       {"warning cw_in_unread inbound 80"},
       {{"sockets", 20}}},
      {"lets a few unread be", [](Host& h) { h.in(80).waits(unread_data, 19); }, {}},
      {"finds clients that gave up before accept()",
       [](Host& h) { h.in(80).waits(not_accepted, 20); },
       {"warning cw_in_not_accepted inbound 80"},
       {{"sockets", 20}, {"lingering", 20}}},
      {"lets a few of those be", [](Host& h) { h.in(80).waits(not_accepted, 19); }, {}},
      {"finds stale connections of a pool",
       [](Host& h) { h.out(5432).waits(unread_eof, 25, 50).waits(unread_goodbye, 25, 50); },
       {"info cw_out_unread_eof outbound 5432"},
       {{"sockets", 50}, {"threshold_seconds", 60}}},
      {"lets a pool of 49 be", [](Host& h) { h.out(5432).waits(unread_eof, 49); }, {}},
      {"finds a client that leaks",
       [](Host& h) { h.out(443).waits(not_closed, 20).waits(unread_data, 30); },
       {"warning cw_out_leak outbound 443"},
       {{"sockets", 50}, {"lingering", 50}}},
      {"lets a client be that keeps 49", [](Host& h) { h.out(443).waits(not_closed, 49); }, {}},
      {"lets young ones be beside old ones of another cause",
       [](Host& h) { h.in(80).waits(not_closed, 25, 0).waits(unread_data, 19); },
       {}},
      {"lets young ones of a client be", [](Host& h) { h.out(443).waits(not_closed, 90, 49); }, {}},
  });
}

TEST_CASE("Closing connections are found by who does not answer") {
  check({
      {"finds LAST_ACK",
       [](Host& h) { h.in(80).lingers(last_ack, 50); },
       {"warning close_unacked inbound 80"},
       {{"last_ack", 50},
        {"fin_wait1", 0},
        {"closing", 0},
        {"threshold_seconds", 10},
        {"opens_per_second", 1}}},
      {"lets 49 be", [](Host& h) { h.in(80).lingers(last_ack, 49); }, {}},
      {"lets a small share of many clients be",
       [](Host& h) { h.grows("passive_opens", 11).in(80).lingers(last_ack, 55); },
       {}},
      {"compares outbound ones with active opens",
       [](Host& h) { h.grows("passive_opens", 11).out(80).lingers(last_ack, 55); },
       {"warning close_unacked outbound 80"}},
      {"finds FIN_WAIT1",
       [](Host& h) { h.in(80).lingers(fin_wait1, 50).send_queue(50 * 65'535); },
       {"warning close_unacked inbound 80"},
       {{"fin_wait1", 50}}},
      {"lets slow downloads be",
       [](Host& h) { h.in(80).lingers(fin_wait1, 50).send_queue(50 * 65'536); },
       {},
       {},
       30s},
      {"finds CLOSING",
       [](Host& h) { h.in(80).lingers(closing, 10); },
       {"warning close_unacked inbound 80"},
       {{"closing", 10}}},
      {"lets 9 in CLOSING be", [](Host& h) { h.in(80).lingers(closing, 9); }, {}},
      {"finds FIN_WAIT2 that a process holds",
       [](Host& h) { h.in(80).lingers(fin_wait2, 100); },
       {"warning fin_wait2_held inbound 80"},
       {{"lingering", 100}, {"threshold_seconds", 90}, {"oldest_seconds", 90}}},
      {"lets 99 be", [](Host& h) { h.in(80).lingers(fin_wait2, 99); }, {}},
      {"lets orphans in FIN_WAIT2 be",
       [](Host& h) { h.in(80).has(fin_wait2, 5000).counts.orphaned_fin_wait2 = 5000; },
       {}},
      {"finds a server that closes first",
       [](Host& h) {
         h.grows("passive_opens", 60).in(80).starts_time_waits(50).has(time_wait, 3000);
       },
       {"info tw_server inbound 80"},
       {{"starts_per_second", 50}, {"time_wait", 3000}, {"passive_opens_per_second", 60}}},
      {"lets 49 a second be",
       [](Host& h) { h.grows("passive_opens", 50).in(80).starts_time_waits(49); },
       {}},
      {"lets a server be that seldom closes first",
       [](Host& h) { h.grows("passive_opens", 100).in(80).starts_time_waits(79); },
       {}},
      {"finds a client with a connection per request",
       [](Host& h) { h.grows("active_opens", 50).out(443).starts_time_waits(50); },
       {"info tw_client outbound 443"},
       {{"starts_per_second", 50}}},
      {"lets a client with 49 a second be",
       [](Host& h) { h.grows("active_opens", 50).out(443).starts_time_waits(49); },
       {}},
      {"finds TIME_WAIT near its limit",
       [](Host& h) {
         h.gauge("time_wait_limit_sockets", 1000).in(80).has(time_wait, 700).has(fin_wait2, 101);
         h.in(80).counts.orphaned_fin_wait2 = 101;
       },
       {"warning tw_limit"},
       {{"sockets", 801}, {"limit", 1000}, {"used_ratio", 0.801}}},
      {"lets 80 % be",
       [](Host& h) { h.gauge("time_wait_limit_sockets", 1000).in(80).has(time_wait, 800); },
       {}},
      {"finds sockets closed without TIME_WAIT",
       [](Host& h) { h.grows("time_wait_overflows", 1); },
       {"warning tw_limit"},
       {{"overflows_per_second", 1}}},
  });
}

TEST_CASE("Accept queues are found full, or too short") {
  check({
      {"finds one that is nearly full all the time",
       [](Host& h) { h.in(80).queue(116); },
       {"warning acceptq_full inbound 80"},
       {{"length", 116}, {"limit", 128}, {"utilization_ratio", 116.0 / 128}}},
      {"lets one be that is not", [](Host& h) { h.in(80).queue(115); }, {}, {}, 20s},
      {"tells when a queue that is not full never becomes shorter",
       [](Host& h) { h.in(80).queue(10, 511); },
       {"warning acceptq_full inbound 80"},
       {{"length", 10}, {"stuck", 1}}},
      {"leaves clients that gave up to their own finding",
       [](Host& h) { h.in(80).queue(28, 511).waits(not_accepted, 19); },
       {}},
      {"lets a few that wait be", [](Host& h) { h.in(80).queue(9, 511); }, {}},
      {"finds drops critical",
       [](Host& h) { h.grows("listen_drops", 1).in(80).queue(129).drops(1); },
       {"critical acceptq_full inbound 80"},
       {{"drops_per_second", 1}}},
      {"trusts no drops that the host has not counted",
       [](Host& h) { h.in(80).queue(129).drops(1); },
       {"warning acceptq_full inbound 80"}},
      {"tells when nothing is accepted",
       [](Host& h) { h.grows("passive_opens", 0).in(80).queue(129); },
       {"warning acceptq_full inbound 80"},
       {{"stuck", 1}}},
      {"finds a full one at the first sample",
       [](Host& h) { h.in(80).queue(129); },
       {"warning acceptq_full inbound 80"},
       {},
       0s},
      {"lets a nearly full one be at the first sample",
       [](Host& h) { h.in(80).queue(128); },
       {},
       {},
       0s},
      {"lets a connection that waits in a short queue be",
       [](Host& h) { h.in(80).queue(5, 5); },
       {}},
      {"finds a short one that is full all the time",
       [](Host& h) { h.in(80).queue(6, 5); },
       {"warning acceptq_full inbound 80"}},
      {"finds bursts beyond the backlog",
       [](Host& h) { h.in(80).listens(128).peaks(129); },
       {"info acceptq_bursts inbound 80"},
       {{"peak", 129}, {"limit", 128}}},
      {"lets bursts within it be", [](Host& h) { h.in(80).listens(128).peaks(128); }, {}},
      {"warns of bursts that lose clients",
       [](Host& h) { h.grows("listen_drops", 1).in(80).listens(128).drops(1, 129); },
       {"warning acceptq_bursts inbound 80"},
       {{"drops_per_second", 1}}},
      {"lets bursts of a short queue be", [](Host& h) { h.in(80).listens(5).peaks(6); }, {}},
  });
}

TEST_CASE("Handshakes are found by what keeps them") {
  check({
      {"finds a flood by what becomes no connection",
       [](Host& h) {
         h.grows("request_queue_full_cookies", 11).grows("syncookies_sent", 11);
         h.grows("passive_opens", 5);
       },
       {"critical syn_flood"},
       {{"queue_full_per_second", 11},
        {"cookies_per_second", 11},
        {"passive_opens_per_second", 5}}},
      {"finds a flood by its port, beside a busy one",
       [](Host& h) {
         h.grows("request_queue_full_cookies", 100).grows("passive_opens", 1000);
         h.in(443).lingers(syn_recv, 129);
         h.in(80).has(syn_recv, 500).counts.retransmitting_syn_recv = 200;
       },
       {"critical syn_flood inbound 443"},
       {{"retransmitting", 129}}},
      {"lets 10 a second be",
       [](Host& h) { h.grows("request_queue_full_cookies", 10).grows("passive_opens", 1); },
       {}},
      {"takes a service that accepts too slowly for that",
       [](Host& h) {
         h.grows("request_queue_full_drops", 100).grows("listen_overflows", 100);
         h.grows("passive_opens", 0).in(80).queue(129).lingers(syn_recv, 100);
       },
       {"warning acceptq_full inbound 80"}},
      {"finds cookies of real clients",
       [](Host& h) {
         h.grows("request_queue_full_cookies", 20).grows("syncookies_sent", 20);
         h.grows("passive_opens", 30);
       },
       {"warning syn_backlog_short"},
       {{"cookies_per_second", 20}, {"passive_opens_per_second", 30}}},
      {"lets cookies for every client be",
       [](Host& h) {
         h.grows("request_queue_full_cookies", 20).grows("syncookies_sent", 20);
         h.grows("passive_opens", 20);
       },
       {}},
      {"lets 10 cookies a second be",
       [](Host& h) {
         h.grows("request_queue_full_cookies", 10).grows("syncookies_sent", 10);
         h.grows("passive_opens", 30);
       },
       {}},
      {"finds handshakes that clients do not complete",
       [](Host& h) { h.in(80).lingers(syn_recv, 10).counts.syn_recv_prefixes = 3; },
       {"info syn_unanswered inbound 80"},
       {{"lingering", 10},
        {"threshold_seconds", 5},
        {"prefixes", 3},
        {"passive_opens_per_second", 1}}},
      {"lets 9 be", [](Host& h) { h.in(80).lingers(syn_recv, 9); }, {}},
      {"warns of 50",
       [](Host& h) { h.in(80).lingers(syn_recv, 50); },
       {"warning syn_unanswered inbound 80"}},
      {"lets a small share of many clients be",
       [](Host& h) { h.grows("passive_opens", 20).in(80).lingers(syn_recv, 60); },
       {}},
      {"lets clients be that have not sent their request",
       [](Host& h) { h.in(80).lingers(syn_recv, 60).counts.retransmitting_syn_recv = 9; },
       {}},
      {"finds peers that do not answer",
       [](Host& h) { h.grows("active_opens", 1).out(443).lingers(syn_sent, 37); },
       {"warning syn_sent_unanswered outbound 443"},
       {{"lingering", 37}, {"threshold_seconds", 10}, {"oldest_seconds", 90}}},
      {"lets a crawler be",
       [](Host& h) {
         h.grows("active_opens", 10).out(443).lingers(syn_sent, 300).has(established, 1);
       },
       {}},
      {"lets a relay with many connections be",
       [](Host& h) {
         h.grows("active_opens", 0.2).out(25).lingers(syn_sent, 15).has(established, 15);
       },
       {}},
      {"finds ten beside few connections",
       [](Host& h) {
         h.grows("active_opens", 0.2).out(25).lingers(syn_sent, 10).has(established, 9);
       },
       {"warning syn_sent_unanswered outbound 25"}},
      {"lets nine be",
       [](Host& h) { h.grows("active_opens", 0.2).out(25).lingers(syn_sent, 9); },
       {}},
      {"finds a dead peer beside a busy service",
       [](Host& h) { h.grows("active_opens", 1000).out(5432).lingers(syn_sent, 20); },
       {"warning syn_sent_unanswered outbound 5432"}},
      {"lets 19 beside a busy service be",
       [](Host& h) { h.grows("active_opens", 1000).out(5432).lingers(syn_sent, 19); },
       {}},
      {"finds refusals",
       [](Host& h) { h.grows("active_opens", 10).grows("attempt_failures", 2); },
       {"warning connect_refused"},
       {{"failures_per_second", 2}, {"active_opens_per_second", 10}}},
      {"lets probes of a dead backend be",
       [](Host& h) { h.grows("active_opens", 10).grows("attempt_failures", 1); },
       {}},
      {"lets a tenth be",
       [](Host& h) { h.grows("active_opens", 100).grows("attempt_failures", 10); },
       {}},
      {"lets half-open health checks of balancers be",
       [](Host& h) {
         h.grows("active_opens", 10).grows("attempt_failures", 5).grows("embryonic_resets", 5);
       },
       {}},
      {"lets failures be that are more than was begun",
       [](Host& h) { h.lacks("embryonic_resets").grows("attempt_failures", 5); },
       {}},
      {"takes attempts without an answer for no refusals",
       [](Host& h) {
         h.grows("active_opens", 10).grows("attempt_failures", 5).out(80).lingers(syn_sent, 20);
       },
       {"warning syn_sent_unanswered outbound 80"}},
  });
}

TEST_CASE("The host's limits are found near") {
  const auto uses = [](Host& h, std::uint32_t busiest, std::size_t local) {
    h.ephemeral.available = 1000;
    h.ephemeral.busiest = {{{}, busiest}};
    h.ephemeral.local_ports_used = local;
  };
  check({
      {"finds local ports short",
       [&](Host& h) { uses(h, 801, 801), h.out(443).has(time_wait, 700); },
       {"warning ports_short"},
       {{"used", 801}, {"available", 1000}, {"used_ratio", 0.801}, {"time_wait", 700}}},
      {"finds them nearly gone", [&](Host& h) { uses(h, 951, 951); }, {"critical ports_short"}},
      {"lets 80 % be", [&](Host& h) { uses(h, 800, 800); }, {}},
      {"finds ports short for bind()",
       [&](Host& h) { uses(h, 10, 900), h.out(443).has(established, 990); },
       {"warning ports_short"},
       {{"used", 900}, {"scope_all", 1}}},
      {"lets a proxy with many destinations be",
       [&](Host& h) { uses(h, 100, 900), h.out(443).has(established, 991); },
       {}},
      {"finds many orphans",
       [](Host& h) { h.gauge("orphans_limit", 1000).gauge("orphans", 201); },
       {"warning orphans"},
       {{"orphans", 201}, {"limit", 1000}, {"used_ratio", 0.201}}},
      {"lets a fifth be",
       [](Host& h) { h.gauge("orphans_limit", 1000).gauge("orphans", 200); },
       {}},
      {"finds memory pressure",
       [](Host& h) { h.gauge("memory_bytes", 0.67e9); },
       {"info tcp_memory"},
       {{"bytes", 0.67e9}, {"limit_bytes", 1e9}, {"used_ratio", 0.67}}},
      {"lets less be", [](Host& h) { h.gauge("memory_bytes", 0.66e9); }, {}},
      {"takes two thirds where the pressure is not known",
       [](Host& h) { h.lacks("memory_pressure_bytes").gauge("memory_bytes", 0.67e9); },
       {"info tcp_memory"}},
      {"warns of memory near its limit",
       [](Host& h) { h.gauge("memory_bytes", 0.81e9); },
       {"warning tcp_memory"}},
      {"finds connections that are reset for memory",
       [](Host& h) { h.grows("abort_on_memory", 1); },
       {"critical tcp_memory"},
       {{"aborts_per_second", 1}}},
      {"finds data that is never read",
       [](Host& h) { h.in(80).has(established, 3).receive_queue(1'048'576); },
       {"warning receive_queue_stuck inbound 80"},
       {{"bytes", 1'048'576}},
       180s},
      {"lets less than 1 MiB be",
       [](Host& h) { h.in(80).has(established, 3).receive_queue(1'048'000); },
       {},
       {},
       180s},
      {"takes data of connections that wait for accept() for no such thing",
       [](Host& h) { h.in(80).queue(129).has(established, 129).receive_queue(2'000'000); },
       {"warning acceptq_full inbound 80"},
       {},
       180s},
      {"knows nothing of the first minute",
       [](Host& h) { h.in(80).has(established, 3).receive_queue(2'000'000); },
       {},
       {},
       60s},
      {"finds peers that do not read",
       [](Host& h) { h.in(80).has(established, 16).send_queue(1'048'576); },
       {"info send_queue_stuck inbound 80"},
       {{"bytes", 1'048'576}, {"sockets", 16}},
       180s},
      {"lets bytes under way to many clients be",
       [](Host& h) { h.in(80).has(established, 17).send_queue(1'048'576); },
       {},
       {},
       180s},
      {"finds its own dump incomplete",
       [](Host& h) { h.unfollowed = 1; },
       {"warning blind"},
       {{"unfollowed", 1}}},
      {"finds many sockets of ports without series",
       [](Host& h) {
         h.in(80).has(established, 900);
         h.folded_ports = 7;
         h.others(Direction::inbound).has(established, 101);
       },
       {"warning blind"},
       {{"folded", 101}, {"folded_ports", 7}}},
      {"lets 100 of them be",
       [](Host& h) {
         h.in(80).has(established, 400);
         h.folded_ports = 7;
         h.others(Direction::inbound).has(established, 100);
       },
       {}},
      {"lets a tenth be",
       [](Host& h) {
         h.in(80).has(established, 9000);
         h.folded_ports = 7;
         h.others(Direction::inbound).has(established, 1000);
       },
       {}},
  });
}

}  // namespace sockdiag::test
