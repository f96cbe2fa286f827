// SPDX-License-Identifier: Apache-2.0
#include "cli/held_by.hpp"

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

const HoldingProcess kJava{.pid = 4242,
                           .name = "java",
                           .sockets = 812,
                           .descriptors = 1893,
                           .limit = 4096,
                           .seconds_to_limit = 7300};

std::string text_of(const HoldingProcess& process, Language language = Language::english,
                    bool listening = false) {
  const auto json = held_by_json({.listening = listening, .processes = {process}}, language);
  CHECK(json.at("complete") == true);
  CHECK(json.at("notes").empty());
  return json.at("processes").at(0).at("text");
}

std::string text_with_time(double seconds) {
  HoldingProcess process = kJava;
  process.seconds_to_limit = seconds;
  const std::string text = text_of(process);
  const std::string before = "full in about ";
  const std::size_t begin = text.find(before) + before.size();
  return text.substr(begin, text.find(" at the") - begin);
}

std::vector<std::string> notes_of(const HeldBy& held_by, Language language = Language::english) {
  return held_by_json(held_by, language).at("notes");
}

}  // namespace

TEST_CASE("A process is told with what it holds, its descriptors and when they run out") {
  CHECK(text_of(kJava) ==
        "pid 4242 (java) holds 812 of these sockets; 1893 of 4096 descriptors; full in about 2h at "
        "the present growth");
  CHECK(text_of(kJava, Language::chinese) ==
        "进程 4242（java）持有其中 812 个套接字；描述符已用 1893 个，上限 4096 "
        "个；按当前增速约 2h 后用尽");
  CHECK(text_of(kJava, Language::english, true) ==
        "pid 4242 (java) listens there; 1893 of 4096 descriptors; full in about 2h at the present "
        "growth");
}

TEST_CASE("What is not known of a process is left out") {
  HoldingProcess process = kJava;
  process.seconds_to_limit.reset();
  CHECK(text_of(process) == "pid 4242 (java) holds 812 of these sockets; 1893 of 4096 descriptors");
  process.limit.reset();
  CHECK(text_of(process) ==
        "pid 4242 (java) holds 812 of these sockets; 1893 descriptors, without a limit");
  process.descriptors.reset();
  CHECK(text_of(process) == "pid 4242 (java) holds 812 of these sockets");
}

TEST_CASE("A name that a process has chosen to mislead is shown without its escapes") {
  HoldingProcess process{.pid = 1, .name = "a\x1b[2J\n{}\xff", .sockets = 1};
  CHECK(text_of(process) == "pid 1 (a\uFFFD[2J {}\uFFFD) holds 1 of these sockets");
}

TEST_CASE("The time until the limit is told as exactly as a short watch allows") {
  CHECK(text_with_time(0) == "0s");
  CHECK(text_with_time(89.6) == "1m30s");
  CHECK(text_with_time(600) == "10m");
  CHECK(text_with_time(7290) == "2h");
  CHECK(text_with_time(40 * 3600 + 900) == "1d16h");
  CHECK(text_with_time(1e6) == "12d");
  CHECK(text_with_time(1e30) == "37037d");
}

TEST_CASE("The numbers are members of their own, null where they are not known") {
  HoldingProcess unknown{.pid = 1, .name = "init", .sockets = 2};
  const auto json = held_by_json({.processes = {unknown, kJava}}, Language::english);
  const auto& java = json.at("processes").at(0);
  CHECK(java.at("pid") == 4242);
  CHECK(java.at("name") == "java");
  CHECK(java.at("sockets") == 812);
  CHECK(java.at("descriptors") == 1893);
  CHECK(java.at("descriptor_limit") == 4096);
  CHECK(java.at("limit_in_seconds") == 7300);
  for (const char* name : {"descriptors", "descriptor_limit", "limit_in_seconds"}) {
    CHECK(json.at("processes").at(1).at(name).is_null());
  }
}

TEST_CASE("What was not looked at is said") {
  CHECK(notes_of({.by_root = false}) ==
        std::vector<std::string>{"run this as root to see the processes that hold these sockets"});
  CHECK(notes_of({.cut = true}) ==
        std::vector<std::string>{"not all descriptors were looked at: there are too many"});
  CHECK(notes_of({.refused = true}) ==
        std::vector<std::string>{"some processes could not be looked into"});
  CHECK(notes_of({}) ==
        std::vector<std::string>{"no process that can be seen from here holds them"});
  CHECK(notes_of({.by_root = false}, Language::chinese) ==
        std::vector<std::string>{"以 root 运行即可看到持有这些套接字的进程"});
  CHECK(held_by_json({.cut = true}, Language::english).at("complete") == false);
  CHECK(held_by_json({.by_root = false}, Language::english).at("complete") == false);
}

TEST_CASE("Of many processes those that hold most are told, and how many more there are") {
  HeldBy held_by;
  for (int i = 0; i < 13; ++i) {
    held_by.processes.push_back({.pid = 100 + i, .name = "x", .sockets = std::size_t(i)});
  }
  const auto json = held_by_json(held_by, Language::english);
  CHECK(json.at("processes").size() == 10);
  CHECK(json.at("processes").at(0).at("pid") == 112);
  CHECK(json.at("notes").at(0) == "3 more processes hold some of them");
}

}  // namespace sockdiag::test
