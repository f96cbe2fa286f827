// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/http/http_message.hpp"

#include "support/catch.hpp"

namespace sockdiag::test {

TEST_CASE("A header is found by its name in any case, and several lines are one list") {
  const HttpRequest request{
      "GET", "/", {{"accept", "a, b"}, {"Host", "x"}, {"ACCEPT", ""}, {"Accept", "c"}}};
  CHECK(request.header("Accept") == "a, b, , c");
  CHECK(request.header("hOST") == "x");
  CHECK(request.header("Hos") == std::nullopt);
  CHECK(request.header("Hosts") == std::nullopt);
  CHECK(request.header("") == std::nullopt);
}

}  // namespace sockdiag::test
