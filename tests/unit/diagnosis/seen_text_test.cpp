// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "sockdiag/diagnosis/finding_texts.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

Finding finding(FindingId id, std::optional<Direction> direction, std::optional<std::uint16_t> port,
                std::vector<Measure> seen) {
  return {id, Severity::warning, direction, port, std::move(seen), {}};
}

Finding leak(std::vector<Measure> more = {}) {
  std::vector<Measure> seen = {
      {"sockets", 412}, {"lingering", 398}, {"threshold_seconds", 600}, {"oldest_seconds", 8100}};
  seen.insert(seen.end(), more.begin(), more.end());
  return finding(FindingId::cw_in_not_closed, Direction::inbound, 8080, seen);
}

Finding memory(double bytes, double limit, double ratio) {
  return finding(FindingId::tcp_memory, std::nullopt, std::nullopt,
                 {{"bytes", bytes}, {"limit_bytes", limit}, {"used_ratio", ratio}});
}

std::string english(const Finding& finding) { return seen_text(finding, Language::english); }
std::string chinese(const Finding& finding) { return seen_text(finding, Language::chinese); }

}  // namespace

TEST_CASE("What was seen is a sentence with the place and the numbers") {
  CHECK(english(leak()) ==
        "port 8080, inbound: 412 CLOSE_WAIT, 398 older than 10 min, the oldest 2.2 h; the end of "
        "the stream was read and close() never called: a descriptor leak in the process that "
        "listens there");
  CHECK(chinese(leak()) ==
        "端口 8080，入站：412 个 CLOSE_WAIT，398 个超过 10 分钟，最长已持续 2.2 "
        "小时；流结束（EOF）已读"
        "到，却从未调用 close()：监听该端口的进程有描述符泄漏");
}

TEST_CASE("A part of the sentence is left out where its measure is missing") {
  CHECK_THAT(english(leak({{"before", 200}})), contains_text("the oldest 2.2 h, up from 200 15 "
                                                             "min ago; the end"));
  CHECK_THAT(chinese(leak({{"before", 200}})), contains_text("，15 分钟前为 200 个；"));
}

TEST_CASE("A flag chooses between parts of the sentence") {
  const auto ports = [](std::vector<Measure> more) {
    std::vector<Measure> seen = {{"used", 27000}, {"available", 28232}, {"used_ratio", 0.956}};
    seen.insert(seen.end(), more.begin(), more.end());
    return finding(FindingId::ports_short, Direction::outbound, std::nullopt, seen);
  };
  CHECK(english(ports({})) ==
        "outbound: 27000 of 28232 local ports are in use to one destination (96 %)");
  CHECK(english(ports({{"scope_all", 0}})) == english(ports({})));
  CHECK(english(ports({{"scope_all", 1}, {"time_wait", 9}})) ==
        "outbound: 27000 of 28232 local ports are in use over all destinations (96 %); 9 outbound "
        "sockets are in TIME_WAIT");
}

TEST_CASE("Where a measure that must be there is missing, a question mark says so") {
  CHECK_THAT(english(finding(FindingId::listener_lost, Direction::inbound, 80, {})),
             contains_text("listens here; new clients"));
  CHECK_THAT(english(finding(FindingId::orphans, {}, {}, {})), contains_text("of ? allowed (?)"));
}

TEST_CASE("The place is a port, all other ports, a direction or the whole host") {
  const auto place = [](std::optional<Direction> direction, std::optional<std::uint16_t> port,
                        Language language) {
    const std::string text =
        seen_text(finding(FindingId::listener_lost, direction, port, {}), language);
    return text.substr(0, text.find(language == Language::english ? "no socket" : "该端口"));
  };
  CHECK(place(Direction::inbound, 80, Language::english) == "port 80, inbound: ");
  CHECK(place(Direction::outbound, 0, Language::english) == "other ports, outbound: ");
  CHECK(place(Direction::outbound, {}, Language::english) == "outbound: ");
  CHECK(place({}, {}, Language::english) == "whole host: ");
  CHECK(place(Direction::inbound, 80, Language::chinese) == "端口 80，入站：");
  CHECK(place(Direction::outbound, 0, Language::chinese) == "其他端口，出站：");
  CHECK(place({}, {}, Language::chinese) == "整机：");
}

TEST_CASE("A number is written in the unit of its measure") {
  struct Row {
    double value;
    std::string_view english;
    std::string_view chinese;
  };
  SECTION("durations") {
    const auto row = GENERATE(values<Row>({{0, "0 s", "0 秒"},
                                           {0.5, "0.5 s", "0.5 秒"},
                                           {5, "5 s", "5 秒"},
                                           {60, "60 s", "60 秒"},
                                           {119, "119 s", "119 秒"},
                                           {120, "2 min", "2 分钟"},
                                           {600, "10 min", "10 分钟"},
                                           {7199, "120 min", "120 分钟"},
                                           {7200, "2 h", "2 小时"},
                                           {9000, "2.5 h", "2.5 小时"},
                                           {172'800, "2 d", "2 天"},
                                           {8'640'000, "100 d", "100 天"}}));
    const Finding shown = finding(FindingId::listener_lost, {}, {}, {{"lost_seconds", row.value}});
    CHECK_THAT(english(shown), contains_text("for " + std::string(row.english) + ";"));
    CHECK_THAT(chinese(shown), contains_text("持续 " + std::string(row.chinese) + "；"));
  }
  SECTION("bytes") {
    const auto row = GENERATE(values<Row>({{0, "0 B", ""},
                                           {1023, "1023 B", ""},
                                           {1024, "1 KiB", ""},
                                           {1'572'864, "1.5 MiB", ""},
                                           {104'857'600, "100 MiB", ""},
                                           {0x3p40, "3072 GiB", ""}}));
    CHECK_THAT(english(memory(row.value, 0, 0)), contains_text("take " + std::string(row.english)));
    CHECK_THAT(chinese(memory(row.value, 0, 0)), contains_text("占用 " + std::string(row.english)));
  }
  SECTION("shares") {
    CHECK_THAT(english(memory(0, 0, 0.917)), contains_text("(92 %)"));
    CHECK_THAT(english(memory(0, 0, 1.2)), contains_text("(120 %)"));
  }
  SECTION("rates") {
    const auto rate = [](double value) {
      return english(finding(FindingId::connect_refused, Direction::outbound, {},
                             {{"failures_per_second", value}, {"active_opens_per_second", 1}}));
    };
    CHECK_THAT(rate(12.4), contains_text("fail at 12/s, of 1/s"));
    CHECK_THAT(rate(0.25), contains_text("at 0.2/s,"));
    CHECK_THAT(rate(9.97), contains_text("at 10/s,"));
    CHECK_THAT(rate(3), contains_text("at 3/s,"));
    CHECK_THAT(chinese(finding(FindingId::tw_client, Direction::outbound, 443,
                               {{"starts_per_second", 57}})),
               contains_text("每秒 57 个连接进入 TIME_WAIT："));
  }
  SECTION("what is no number, and what is too large") {
    CHECK_NOTHROW(english(memory(std::numeric_limits<double>::infinity(), 1e300, -1e300)));
    CHECK_NOTHROW(english(memory(std::numeric_limits<double>::quiet_NaN(), 0, 0)));
  }
}

TEST_CASE("A command has the filter of the finding's port") {
  static constexpr Confirmation kCommand = {{"a", "b"},
                                            "ss -Htn state close-wait {filter} | wc -l"};
  const auto command = [](std::optional<Direction> direction, std::optional<std::uint16_t> port) {
    return command_text(kCommand, finding(FindingId::cw_out_leak, direction, port, {}));
  };
  CHECK(command(Direction::inbound, 8080) ==
        "ss -Htn state close-wait '( sport = :8080 )' | wc -l");
  CHECK(command(Direction::outbound, 5432) ==
        "ss -Htn state close-wait '( dport = :5432 )' | wc -l");
  CHECK(command(Direction::inbound, 0) == "ss -Htn state close-wait | wc -l");
  CHECK(command(Direction::outbound, {}) == "ss -Htn state close-wait | wc -l");
  CHECK(command({}, {}) == "ss -Htn state close-wait | wc -l");
  CHECK(command_text({{"a", "b"}, "ss -s"}, leak()) == "ss -s");
}

TEST_CASE("The runbook's address names the section") {
  CHECK(runbook_url(FindingId::syn_flood) ==
        "https://github.com/sockdiag/sockdiag_exporter/blob/main/deploy/prometheus/"
        "runbook.md#sockdiagsynflood");
}

}  // namespace sockdiag::test
