// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/pages/request_counter.hpp"

#include "support/catch.hpp"

namespace sockdiag::test {

TEST_CASE("Requests are counted by path and code, the telemetry path's from the start") {
  RequestCounter requests({"/custom", "/", "/-/reload"});
  CHECK(requests.counts() ==
        RequestCounts{{{"/custom", 200}, 0}, {{"/custom", 500}, 0}, {{"/custom", 503}, 0}});
  requests.count("/custom", 200);
  requests.count("/custom", 200);
  requests.count("/", 200);
  requests.count("/-/reload", 405);
  for (const char* path : {"/metrics", "/-/healthy/", "*", ""}) requests.count(path, 404);
  auto counts = requests.counts();
  CHECK(counts[{"/custom", 200}] == 2);
  CHECK(counts[{"/", 200}] == 1);
  CHECK(counts[{"/-/reload", 405}] == 1);
  CHECK(counts[{"other", 404}] == 4);
  CHECK(counts.size() == 6);
}

TEST_CASE("Refused connections are counted by reason, each from the start") {
  RefusedCounter refused;
  CHECK(refused.counts() ==
        RefusedCounts{
            {"client", 0}, {"network", 0}, {"crowd", 0}, {"descriptors", 0}, {"silence", 0}});
  refused.count(Refused::network);
  refused.count(Refused::silence);
  refused.count(Refused::silence);
  CHECK(refused.counts() ==
        RefusedCounts{
            {"client", 0}, {"network", 1}, {"crowd", 0}, {"descriptors", 0}, {"silence", 2}});
}

}  // namespace sockdiag::test
