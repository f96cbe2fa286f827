// SPDX-License-Identifier: Apache-2.0
#include "service/reloader.hpp"

#include "support/catch.hpp"

namespace sockdiag::test {

TEST_CASE("A good configuration is applied, a bad one changes nothing but the status") {
  Configuration on_disk;
  bool broken = false;
  std::vector<unsigned> applied;
  Reloader reloader(
      {},
      [&] {
        if (broken) throw ConfigError("f.yml:1:1: bad");
        return on_disk;
      },
      [&](const Configuration& c) { applied.push_back(static_cast<unsigned>(c.ports.max_ports)); });
  CHECK(reloader.status().successful);

  on_disk.ports.max_ports = 7;
  CHECK(reloader.reload().problem == std::nullopt);
  CHECK(applied == std::vector<unsigned>{7});
  const auto loaded_at = reloader.status().last_success;

  broken = true;
  CHECK(reloader.reload().problem == "f.yml:1:1: bad");
  CHECK_FALSE(reloader.status().successful);
  CHECK(reloader.status().last_success == loaded_at);
  CHECK(applied.size() == 1);

  broken = false;
  CHECK(reloader.reload().problem == std::nullopt);
  CHECK(reloader.status().successful);
  CHECK(reloader.status().last_success >= loaded_at);
}

TEST_CASE("A key that needs a restart is told with each reload that would change it") {
  Configuration on_disk;
  Reloader reloader(
      {}, [&] { return on_disk; }, [](const Configuration&) {});
  CHECK(reloader.reload().restarts.empty());
  on_disk.web.workers = 8;
  on_disk.ports.max_ports = 7;
  const std::vector<std::string> lines{"web.workers: 8 needs a restart, 64 stays in force"};
  CHECK(reloader.reload().restarts == lines);
  CHECK(reloader.reload().restarts == lines);
}

}  // namespace sockdiag::test
