// SPDX-License-Identifier: Apache-2.0
#include "service/readiness.hpp"

#include "notify_socket.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

constexpr char kServing[] = "READY=1\nSTATUS=serving";

ReloadResult good_reload() { return {}; }

void start(Readiness& readiness, const NotifySocket& manager) {
  readiness.listening();
  readiness.sampled();
  REQUIRE(manager.receive() == kServing);
}

}  // namespace

TEST_CASE("The exporter is ready once it listens and has sampled, in either order, and once") {
  const NotifySocket manager;
  using Step = void (Readiness::*)();
  for (const auto& [first, last] :
       {std::pair<Step, Step>{&Readiness::listening, &Readiness::sampled},
        {&Readiness::sampled, &Readiness::listening}}) {
    Readiness readiness;
    (readiness.*first)();
    (readiness.*first)();
    CHECK(manager.receive().empty());
    (readiness.*last)();
    CHECK(manager.receive() == kServing);
    (readiness.*last)();
    CHECK(manager.receive().empty());
  }
}

TEST_CASE("A reload is told from its begin to its end, and what came of it is returned") {
  const NotifySocket manager;
  Readiness readiness;
  start(readiness, manager);
  const auto result = readiness.announce([&] {
    CHECK_THAT(manager.receive(), contains_text("RELOADING=1\nMONOTONIC_USEC="));
    return ReloadResult{"bad file", {}};
  });
  CHECK(result.problem == "bad file");
  CHECK(manager.receive() == "READY=1\nSTATUS=bad file");
  readiness.announce(good_reload);
  CHECK_THAT(manager.receive(), contains_text("RELOADING=1"));
  CHECK(manager.receive() == "READY=1\nSTATUS=configuration reloaded");
}

TEST_CASE("A reload before the start is complete is done and not told") {
  const NotifySocket manager;
  Readiness readiness;
  readiness.listening();
  bool reloaded = false;
  readiness.announce([&] {
    reloaded = true;
    return ReloadResult{};
  });
  CHECK(reloaded);
  CHECK(manager.receive().empty());
}

TEST_CASE("Nothing is told after STOPPING, though a reload is under way or begins") {
  const NotifySocket manager;
  Readiness readiness;
  start(readiness, manager);
  readiness.announce([&] {
    CHECK_THAT(manager.receive(), contains_text("RELOADING=1"));
    readiness.stopping();
    return ReloadResult{};
  });
  CHECK(manager.receive() == "STOPPING=1");
  readiness.announce(good_reload);
  CHECK(manager.receive().empty());
}

TEST_CASE("An exporter that stops while it starts is not ready") {
  const NotifySocket manager;
  Readiness readiness;
  readiness.listening();
  readiness.stopping();
  CHECK(manager.receive() == "STOPPING=1");
  readiness.sampled();
  CHECK(manager.receive().empty());
}

}  // namespace sockdiag::test
