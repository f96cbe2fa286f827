// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/exporter/reloader.hpp"

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
  CHECK(reloader.reload() == std::nullopt);
  CHECK(applied == std::vector<unsigned>{7});
  const auto loaded_at = reloader.status().last_success;

  broken = true;
  CHECK(reloader.reload() == "f.yml:1:1: bad");
  CHECK_FALSE(reloader.status().successful);
  CHECK(reloader.status().last_success == loaded_at);
  CHECK(applied.size() == 1);

  broken = false;
  CHECK(reloader.reload() == std::nullopt);
  CHECK(reloader.status().successful);
  CHECK(reloader.status().last_success >= loaded_at);
}

}  // namespace sockdiag::test
