// SPDX-License-Identifier: Apache-2.0
#include "service/reloader.hpp"

#include <algorithm>

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

TEST_CASE("Both files have to be in force for a good status") {
  bool broken = false;
  Reloader reloader(
      {},
      [&]() -> Configuration {
        if (broken) throw ConfigError("f.yml:1:1: bad");
        return {};
      },
      [](const Configuration&) {});
  const auto good = [] {};
  const auto bad = [] { throw ConfigError("web.yml:1:1: bad"); };
  reloader.reload_web(bad);
  CHECK_FALSE(reloader.status().successful);
  reloader.reload_web(good);
  CHECK(reloader.status().successful);

  broken = true;
  static_cast<void>(reloader.reload());
  reloader.reload_web(good);
  CHECK_FALSE(reloader.status().successful);
  broken = false;
  reloader.reload_web(bad);
  static_cast<void>(reloader.reload());  // reads the web configuration as well
  CHECK(reloader.status().successful);
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

TEST_CASE("The settings in force are those of the last reload, but where that needs a restart") {
  Configuration on_disk;
  Reloader reloader(
      {}, [&] { return on_disk; }, [](const Configuration&) {});
  const auto setting = [&](const std::string& key) {
    const std::vector<Setting> settings = reloader.settings();
    return *std::ranges::find(settings, key, &Setting::key);
  };
  CHECK(setting("web.workers").value == "64");
  CHECK(setting("ports.max_ports").is_default);
  on_disk.web.workers = 8;
  on_disk.ports.max_ports = 7;
  static_cast<void>(reloader.reload());
  CHECK(setting("web.workers").value == "64");
  CHECK(setting("web.workers").is_default);
  CHECK(setting("ports.max_ports").value == "7");
  CHECK_FALSE(setting("ports.max_ports").is_default);
}

}  // namespace sockdiag::test
