// SPDX-License-Identifier: Apache-2.0
//
// The instruments of these tests, tested: what they make, and that they can tell right from wrong.
#include <algorithm>

#include "expected_counts.hpp"
#include "support/catch.hpp"
#include "support/connection_states.hpp"
#include "support/network_namespace.hpp"

namespace sockdiag::test {
namespace {

constexpr std::uint16_t kPort = 2000;

TEST_CASE("a recipe makes exactly one socket in its state on its side") {
  const Recipe recipe = GENERATE(from_range(all_recipes()));
  INFO(to_string(recipe));
  const NetworkNamespace network;
  const MadeSocket made = make(recipe, kPort);
  const std::vector<SocketRow> rows = read_proc_net_tcp();
  const auto found = std::count_if(rows.begin(), rows.end(), [&](const SocketRow& row) {
    const bool server = row.local.port == kPort;
    const bool mini =
        recipe.situation == Situation::fin_wait2_mini || recipe.situation == Situation::time_wait;
    return row.state == state_of(recipe.situation) && server == (recipe.side == Side::server) &&
           row.mini == mini;
  });
  CHECK(found == 1);
}

TEST_CASE("/proc and ss see the same sockets in the same states") {
  const NetworkNamespace network;
  const std::vector<MadeSocket> all = make_all(kPort);
  const std::vector<SocketRow> proc = read_proc_net_tcp();
  CHECK(proc.size() > all.size());
  CHECK(identities(proc) == identities(read_ss()));
}

TEST_CASE("a namespace begins without sockets and is left again") {
  const std::vector<std::string> outside = identities(read_proc_net_tcp());
  {
    const NetworkNamespace network;
    CHECK(read_proc_net_tcp().empty());
    const FileDescriptor listener = listen_on({"::1", kPort});
    CHECK(identities(read_proc_net_tcp()) == std::vector<std::string>{"listen ::1:2000 :::0"});
  }
  const std::vector<std::string> again = identities(read_proc_net_tcp());
  CHECK(std::find(again.begin(), again.end(), "listen ::1:2000 :::0") == again.end());
}

TEST_CASE("an unprivileged command has no capability and no way to one") {
  const Finished finished = run({.arguments = {"cat", "/proc/self/status"}, .unprivileged = true});
  for (const char* line :
       {"Uid:\t65534\t65534\t65534\t65534", "Gid:\t65534\t65534\t65534\t65534",
        "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "CapBnd:\t0000000000000000",
        "CapAmb:\t0000000000000000", "NoNewPrivs:\t1"}) {
    CAPTURE(line);
    CHECK(finished.output.find(line) != std::string::npos);
  }
}

TEST_CASE("a command's output, errors and end are told apart") {
  const Finished finished = run({.arguments = {"sh", "-c", "echo $WORD; echo no >&2; exit 3"},
                                 .environment = {{"WORD", "yes"}}});
  CHECK(finished.output == "yes\n");
  CHECK(finished.errors == "no\n");
  CHECK(finished.exit_status == 3);
  CHECK(run({.arguments = {"sh", "-c", "kill -9 $$"}}).signal == 9);
}

TEST_CASE("a command that cannot run or does not end is an error") {
  CHECK_THROWS_AS(run({.arguments = {"/nonexistent"}}), std::runtime_error);
  CHECK_THROWS_AS(
      run({.arguments = {"cat", "/dev/zero"}, .deadline = std::chrono::milliseconds(50)}),
      std::runtime_error);
}

TEST_CASE("exposition text is read with its labels and escapes") {
  const Exposition exposition = Exposition::parse(
      "# HELP a_total what it is\n# TYPE a_total counter\n"
      "a_total{x=\"1\",y=\"quote \\\" slash \\\\ line \\n\"} 3\n"
      "a_total{x=\"2\",y=\"\"} 4.5e1\n"
      "# HELP b b\n# TYPE b gauge\nb +Inf\n");
  CHECK(exposition.value("a_total", {{"x", "1"}, {"y", "quote \" slash \\ line \n"}}) == 3);
  CHECK(exposition.value("a_total", {{"y", ""}, {"x", "2"}}) == 45);
  CHECK(exposition.sum("a_total") == 48);
  CHECK(exposition.sum("a_total", {{"x", "2"}}) == 45);
  CHECK_FALSE(exposition.value("a_total", {{"x", "1"}}));
  CHECK_FALSE(exposition.value("c"));
  CHECK(exposition.families().at("a_total") == "counter");
  CHECK(exposition.help().at("b") == "b");
}

TEST_CASE("exposition text that is not one is refused") {
  const std::string head = "# HELP a a\n# TYPE a gauge\n";
  const std::string line = GENERATE("a", "a x\n", "a 1 2 3\n", "a{x} 1\n", "a{x=\"1} 1\n",
                                    "a{x=\"\\t\"} 1\n", "a{x=\"1\",x=\"2\"} 1\n", "a 1\na 1\n",
                                    "b 1\n", "a 1", "# TYPE a counter\n", " a 1\n");
  CAPTURE(line);
  CHECK_THROWS_AS(Exposition::parse(head + line), std::runtime_error);
}

TEST_CASE("differences names what differs") {
  CHECK(differences({{"a", 1}, {"b", 2}}, {{"a", 1}, {"b", 2}}) == "");
  CHECK(differences({{"a", 1}}, {{"b", 2}}) == "a: 1 and 0\nb: 0 and 2\n");
}

}  // namespace
}  // namespace sockdiag::test
