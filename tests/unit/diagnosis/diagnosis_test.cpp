// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/diagnosis/diagnosis.hpp"

#include <functional>

#include "diagnosis/port_history.hpp"
#include "host.hpp"
#include "sockdiag/diagnosis/finding_texts.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using Names = std::vector<std::string>;
using enum TcpState;
using enum CloseWaitCause;
using std::chrono::minutes;

const Names kNone;

}  // namespace

TEST_CASE("A finding keeps the time since when it holds, until it does not") {
  Host host;
  host.in(80).waits(not_closed, 30);
  const auto first = host.run(0s);
  const auto began = host.time();
  CHECK(first->found.at(0).since == began);
  CHECK(host.run(60s)->found.at(0).since == began);

  host.in(80).waits(not_closed, 19);
  CHECK(host.sample()->found.empty());
  host.in(80).waits(not_closed, 30);
  CHECK(host.run(20s)->found.empty());  // the least of half a minute
  const auto again = host.run(10s);
  REQUIRE(again->found.size() == 1);
  CHECK(again->found[0].since > began + 60s);
}

TEST_CASE("The most severe finding comes first, and the largest of those") {
  Host host;
  host.grows("passive_opens", 1).grows("listen_drops", 1);
  host.in(80).waits(not_closed, 30);
  host.in(81).waits(not_closed, 40);
  host.in(82).queue(129).drops(1);
  host.out(5432).waits(unread_eof, 500);
  CHECK(names_of(*host.run(60s)) ==
        Names{"critical acceptq_full inbound 82", "warning cw_in_not_closed inbound 81",
              "warning cw_in_not_closed inbound 80", "info cw_out_unread_eof outbound 5432"});
}

TEST_CASE("Findings that are disabled are not looked for") {
  Host host;
  host.policy.disable = {"cw_in_not_closed", "orphans"};
  host.lacks("orphans_limit").in(80).waits(not_closed, 30);
  const auto findings = host.run(17min);
  CHECK(findings->found.empty());
  CHECK(findings->unchecked.empty());
  host.policy.disable.clear();
  CHECK(names_of(*host.examine()) == Names{"warning cw_in_not_closed inbound 80"});
}

TEST_CASE("Other thresholds hold at once") {
  Host host;
  host.in(80).waits(not_closed, 30);
  CHECK(host.run(60s)->found.size() == 1);
  host.policy.close_wait_inbound = 31;
  CHECK(host.examine()->found.empty());
}

TEST_CASE("A publication with nothing new returns the same findings") {
  Host host;
  host.in(80).waits(not_closed, 30);
  const auto findings = host.run(60s);
  CHECK(host.examine() == findings);
  host.pause(1s);
  CHECK(host.examine() == findings);
}

TEST_CASE("What a network namespace lacks is unchecked, and no finding") {
  Host host;
  host.lacks("orphans_limit").lacks("memory_limit_bytes").lacks("memory_pressure_bytes");
  const auto findings = host.run(17min);
  CHECK(findings->found.empty());
  CHECK(findings->unchecked == std::vector{FindingId::orphans, FindingId::tcp_memory});
}

TEST_CASE("What takes time to see is unchecked at first") {
  Host host;
  host.lacks("orphans_limit").lacks("memory_limit_bytes").in(80);
  const auto is_unchecked = [](const Findings& findings, FindingId id) {
    return std::count(findings.unchecked.begin(), findings.unchecked.end(), id) == 1;
  };
  CHECK(is_unchecked(*host.run(10s), FindingId::tw_server));
  const auto later = host.run(20s);
  CHECK_FALSE(is_unchecked(*later, FindingId::tw_server));
  CHECK(is_unchecked(*later, FindingId::receive_queue_stuck));
  CHECK_FALSE(is_unchecked(*later, FindingId::cw_in_not_closed));
}

TEST_CASE("Ages that come of equal cookies are not looked at") {
  Host host;
  host.unique_cookies = false;
  host.grows("passive_opens", 60).in(80).waits(not_closed, 30).starts_time_waits(60);
  const auto findings = host.run(60s);
  CHECK(findings->found.empty());
  CHECK(std::count(findings->unchecked.begin(), findings->unchecked.end(),
                   FindingId::cw_in_not_closed) == 1);
  CHECK(std::count(findings->unchecked.begin(), findings->unchecked.end(), FindingId::tw_server) ==
        1);
}

TEST_CASE("Unknown ephemeral ports leave their finding unchecked") {
  Host host;
  host.ephemeral = {};
  CHECK(host.run(17min)->unchecked == std::vector{FindingId::ports_short});
}

TEST_CASE("Without a fresh dump only what needs none is found") {
  Host host;
  host.in(80).waits(not_closed, 30);
  host.gauge("orphans_limit", 1000).gauge("orphans", 300);
  CHECK(host.run(60s)->found.size() == 2);
  host.takes_tcp = false;
  CHECK(names_of(*host.sample()) ==
        Names{"warning cw_in_not_closed inbound 80", "warning orphans", "warning blind"});
  const auto blind = host.run(60s);
  CHECK(names_of(*blind) == Names{"warning orphans", "warning blind"});
  host.takes_tcp = true;
  CHECK(names_of(*host.sample()) ==
        Names{"warning cw_in_not_closed inbound 80", "warning orphans"});
}

TEST_CASE("A source that fails is named, one that was not asked is not") {
  Host host;
  CHECK(host.run(30s)->found.empty());
  host.takes_kernel = false;
  const auto findings = host.sample();
  CHECK(names_of(*findings) == Names{"warning blind"});
  CHECK(measure(*findings, "failing_sources") == 1);
  CHECK_FALSE(measure(*findings, "stale_sources"));
  CHECK(seen_text(findings->found[0], Language::english) ==
        "whole host: not everything was looked at; sources that fail: kernel");
  CHECK(seen_text(findings->found[0], Language::chinese) ==
        "整机：有些内容没有检查到；采样失败的来源有 kernel");

  Host young;
  young.takes_kernel = false;
  young.sample();
  young.status("kernel").attempts = 0;
  CHECK(young.examine()->found.empty());
}

TEST_CASE("A source without a sample for more than three intervals is stale") {
  Host host;
  host.run(30s);
  host.pause(15s);
  CHECK(host.examine()->found.empty());
  host.pause(1s);
  const auto findings = host.examine();
  CHECK(names_of(*findings) == Names{"warning blind"});
  CHECK(measure(*findings, "stale_sources") == 3);
  CHECK(seen_text(findings->found[0], Language::english) ==
        "whole host: not everything was looked at; sources whose sample is too old: tcp listeners "
        "kernel");
  CHECK(host.sample()->found.empty());
}

TEST_CASE("A dump that is withdrawn is stale, whatever its source says") {
  Host host;
  host.in(80).waits(not_closed, 30);
  host.run(60s);
  host.samples.tcp.withdrawn_after = host.now() - 1s;
  const auto findings = host.examine();
  CHECK(names_of(*findings) == Names{"warning blind"});
  CHECK(measure(*findings, "stale_sources") == 1);
}

TEST_CASE("The time that a dump takes makes no source stale") {
  Host host;
  host.run(30s);
  host.status("listeners").interval = 1s;
  host.status("tcp").duration = 5s;
  host.pause(15s);
  CHECK(host.examine()->found.empty());
  host.pause(1s);
  CHECK(names_of(*host.examine()) == Names{"warning blind"});
}

TEST_CASE("Findings whose samples are too old to be shown give way to one that says so") {
  Host host;
  host.in(80).waits(not_closed, 30);
  host.gauge("orphans_limit", 1000).gauge("orphans", 300).lacks("memory_limit_bytes");
  const auto findings = host.run(60s);
  const auto now = host.now();
  CHECK(fresh_findings(findings, host.samples, now + 60s) == findings);

  Samples with_kernel = host.samples;
  with_kernel.kernel.withdrawn_after = now + 1h;
  const auto left = fresh_findings(findings, with_kernel, now + 61s);
  CHECK(names_of(*left) == Names{"warning orphans", "warning blind"});
  CHECK(left->found.back().seen == std::vector<Measure>{{"stale_sources", 1}, {"stale_tcp", 1}});
  CHECK(left->unchecked == findings->unchecked);
  CHECK(names_of(*fresh_findings(findings, host.samples, now + 61s)) == Names{"warning blind"});
  CHECK(fresh_findings(findings, Samples{}, now) == findings);
}

TEST_CASE("Before the first dump nothing is found, unless it failed") {
  Host host;
  host.takes_tcp = false;
  host.status("tcp").success = false;
  const auto findings = host.sample();
  CHECK(names_of(*findings) == Names{"warning blind"});
  Diagnosis diagnosis;
  CHECK(diagnosis.examine({}, {}, host.now())->found.empty());
}

TEST_CASE("A leak that grows from one five minutes to the next is worse") {
  struct Row {
    std::string it;
    std::function<std::uint32_t(double)> sockets;  // after so many minutes
    std::string severity;
  };
  const auto row = GENERATE(values<Row>({
      {"is one that grows all the time", [](double m) { return unsigned(100 + 3 * m); },
       "critical"},
      {"is one that began at nothing", [](double m) { return unsigned(6 * m); }, "critical"},
      {"is none that stands", [](double) { return 300U; }, "warning"},
      {"is none that noise moves", [](double m) { return unsigned(300 + 14 * (int(m * 4) % 2)); },
       "warning"},
      {"is none that grew once", [](double m) { return m < 11 ? 100U : 300U; }, "warning"},
      {"is none that grew once, and by a little before",
       [](double m) { return m < 10 ? 100U : (m < 15 ? 103U : 130U); }, "warning"},
      {"is none that grew in the beginning", [](double m) { return m < 8 ? 100U : 300U; },
       "warning"},
      {"is none of less than a fifth", [](double m) { return unsigned(400 + 3.9 * m); }, "warning"},
      {"is none below 50", [](double m) { return unsigned(20 + 1.4 * m); }, "warning"},
  }));
  INFO("It " << row.it);
  Host host;
  std::shared_ptr<const Findings> findings;
  for (double minute = 0; minute < 20; minute += 1.0 / 12) {
    host.in(80).waits(not_closed, row.sockets(minute));
    findings = host.sample();
  }
  CHECK(names_of(*findings) == Names{row.severity + " cw_in_not_closed inbound 80"});
  CHECK(measure(*findings, "before").has_value() == (row.severity == "critical"));
}

TEST_CASE("A client's leak tells how many there were a quarter of an hour ago") {
  Host host;
  std::shared_ptr<const Findings> findings;
  for (std::uint32_t i = 0; i <= 240; ++i) {
    host.out(443).waits(unread_data, 100 + i);
    findings = host.sample();
    if (i < 160) CHECK_FALSE(measure(*findings, "before"));
  }
  CHECK(names_of(*findings) == Names{"warning cw_out_leak outbound 443"});
  CHECK(measure(*findings, "before").value_or(0) >= 148);
  CHECK(measure(*findings, "before").value_or(0) <= 172);
}

TEST_CASE("Samples that follow each other fast all count") {
  Host host;
  host.every(1s);
  for (int i = 0; i < 100; ++i) {
    const bool passes = i % 20 == 13;
    host.ephemeral.busiest = {{{}, passes ? 100U : 28'000U}};
    host.in(80).waits(not_closed, passes ? 19 : 100);
    host.out(443).lingers(fin_wait2, passes ? 99 : 500);
    const auto findings = host.sample();
    if (i >= 13) REQUIRE(findings->found.empty());
  }
}

TEST_CASE("What happened while nothing was sampled is not found") {
  Host host;
  host.grows("active_opens", 10);
  host.run(60s);
  host.grows("attempt_failures", 5).grows("time_wait_overflows", 5);
  host.pause(10min);
  host.grows("attempt_failures", 0).grows("time_wait_overflows", 0);
  for (int i = 0; i < 15; ++i) CHECK(host.sample()->found.empty());
}

TEST_CASE("A lost listener is told by how steadily it listened") {
  struct Row {
    std::string it;
    std::uint16_t port;
    bool named;
    std::chrono::seconds listened;
    std::chrono::seconds lost;
    Names finds;
  };
  const auto row = GENERATE(values<Row>({
      {"is found", 80, false, 5min, 30s, {"warning listener_lost inbound 80"}},
      {"is critical where it is named", 80, true, 5s, 30s, {"critical listener_lost inbound 80"}},
      {"is not found at once, since services are restarted", 80, true, 5min, 25s, {}},
      {"is not found at a port of a test", 80, false, 4min, 10min, {}},
      {"is not found at an ephemeral port", 40'000, false, 10min, 10min, {}},
      {"is found at an ephemeral port that is named",
       40'000,
       true,
       10min,
       30s,
       {"critical listener_lost inbound 40000"}},
  }));
  INFO("It " << row.it);
  Host host;
  if (row.named) host.policy.expected_listeners = {row.port};
  host.in(row.port).listens();
  CHECK(host.run(row.listened)->found.empty());
  host.in(row.port).stops_listening();
  CHECK(names_of(*host.run(row.lost - 5s)) == row.finds);
  host.in(row.port).listens();
  CHECK(host.sample()->found.empty());
}

TEST_CASE("A port that is named and has been idle for a quarter of an hour has no listener") {
  Host host;
  host.policy.expected_listeners = {80, 443};
  host.in(80);
  host.in(443).has(established, 1);  // a proxy redirects its connections
  host.in(8080);
  CHECK(host.run(14min)->found.empty());
  CHECK(names_of(*host.run(1min)) == Names{"info listener_lost inbound 80"});
}

TEST_CASE("A port that has gone is forgotten") {
  Host host;
  host.in(80).listens();
  host.in(81).listens();
  host.run(6min);
  host.forget(Direction::inbound, 80);
  host.in(81).stops_listening();
  host.sample();
  host.in(80);
  CHECK(names_of(*host.run(60s)) == Names{"warning listener_lost inbound 81"});
}

TEST_CASE("What is remembered of a port outlasts others that come and go") {
  Host host;
  host.in(5000).listens();
  std::uint16_t port = 1;
  for (int i = 0; i < 70; ++i) {
    for (int flood = 0; flood < 20; ++flood) host.in(static_cast<std::uint16_t>(port++));
    host.sample();
    for (std::uint16_t gone = 1; gone < port - 20; ++gone) host.forget(Direction::inbound, gone);
    host.in(5000).listens();
  }
  host.in(5000).stops_listening();
  CHECK(names_of(*host.run(30s)) == Names{"warning listener_lost inbound 5000"});
}

TEST_CASE("What is remembered of a port is small, and moves as a whole") {
  static_assert(sizeof(PortHistory) <= 384);
  static_assert(std::is_nothrow_move_constructible_v<PortHistory>);  // none is lost on the way
}

TEST_CASE("Bytes that stand are found, bytes that move are not") {
  struct Row {
    std::string it;
    std::function<double(int)> mebibytes;  // at the sample of that number
    bool found;
  };
  const auto row = GENERATE(values<Row>({
      {"stand", [](int) { return 4; }, true},
      {"grow", [](int i) { return 4 + 0.01 * i; }, true},
      {"move by half a percent", [](int i) { return 4 - 0.02 * (i % 2); }, true},
      {"move by 2 %", [](int i) { return 4 - 0.08 * (i % 2); }, false},
      {"fall", [](int i) { return 8 - 0.1 * i; }, false},
      {"were gone once", [](int i) { return i == 30 ? 0 : 4; }, false},
  }));
  INFO("They " << row.it);
  Host host;
  std::shared_ptr<const Findings> findings;
  for (int i = 0; i <= 40; ++i) {
    host.in(80).has(established, 4);
    host.in(80).receive_queue(static_cast<std::uint64_t>(row.mebibytes(i) * 1'048'576));
    findings = host.sample();
  }
  CHECK(names_of(*findings) ==
        (row.found ? Names{"warning receive_queue_stuck inbound 80"} : kNone));
}

TEST_CASE("Hidden sockets are found where they become more all the time") {
  struct Row {
    std::string it;
    std::function<double(double)> allocated;  // after so many minutes
    bool found;
  };
  const auto row = GENERATE(values<Row>({
      {"become more", [](double m) { return 1000 + 20 * m; }, true},
      {"are many in other network namespaces", [](double) { return 50'000.0; }, false},
      {"become few more", [](double m) { return 1000 + 12 * m; }, false},
      {"are few", [](double m) { return 20 * m; }, false},
      {"follow a load", [](double m) { return 5000 + 20 * m - (m > 12 && m < 13.5 ? 300 : 0); },
       false},
      {"rose once", [](double m) { return m < 12 ? 2000.0 : 4000.0; }, false},
  }));
  INFO("They " << row.it);
  Host host;
  host.in(80).has(established, 10).has(time_wait, 5000).has(syn_recv, 50);
  std::shared_ptr<const Findings> findings;
  for (double minute = 0; minute < 20; minute += 1.0 / 12) {
    host.gauge("allocated_sockets", std::floor(10 + row.allocated(minute)));
    findings = host.sample();
  }
  CHECK(names_of(*findings) == (row.found ? Names{"info sockets_hidden"} : kNone));
  if (row.found) {
    CHECK(measure(*findings, "hidden") == Approx(1398).margin(3));
    CHECK(measure(*findings, "growth") == Approx(300).margin(21));
  }
}

}  // namespace sockdiag::test
