// SPDX-License-Identifier: Apache-2.0
#include "service/web_file.hpp"

#include "support/catch.hpp"
#include "support/subprocess.hpp"

namespace sockdiag::test {

TEST_CASE("A web configuration that is being written is not read before it stays the same") {
  const TemporaryDirectory directory;
  const std::string path = directory.write("web.yml", "http_server_config:\n");
  WebFile file(path, {});
  CHECK_FALSE(file.has_changed());
  CHECK_FALSE(file.has_changed());

  static_cast<void>(directory.write("web.yml", ""));
  CHECK_FALSE(file.has_changed());
  static_cast<void>(directory.write("web.yml", "http_server"));
  CHECK_FALSE(file.has_changed());
  CHECK(file.has_changed());
  CHECK_THROWS_AS(file.reload(), ConfigError);
  CHECK_FALSE(file.has_changed());

  static_cast<void>(directory.write("web.yml", "http_server_config:\n"));
  CHECK_FALSE(file.has_changed());
  CHECK(file.has_changed());
  file.reload();
  CHECK_FALSE(file.has_changed());
}

}  // namespace sockdiag::test
