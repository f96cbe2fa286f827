// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/http/http_message.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {

TEST_CASE("gzip is accepted where it is named or covered, with a quality above 0") {
  for (const char* text : {"gzip", "GZIP", "deflate, gzip", "gzip;q=1", "gzip;q=0.001",
                           "gzip ; q=0.5", "deflate;q=1, gzip;q=0.5", "*", "*;q=0.1", "*;q=0, gzip",
                           "br,\tgzip", ",gzip,", "gzip;Q=1.000"}) {
    CAPTURE(text);
    CHECK(accepts_gzip(text));
  }
}

TEST_CASE("gzip is not accepted otherwise") {
  for (const char* text : {"",           "identity",  "gzip;q=0",    "gzip;q=0.0",  "gzip;q=0.000",
                           "GZIP;q=0",   "*;q=0",     "*, gzip;q=0", "gzip;q=0, *", "gzip;q=",
                           "gzip;q=nan", "gzip;q=-1", "gzip;q=2",    "gzip;q=inf",  "gzip;level=9",
                           "xgzip",      "gzipx",     "x-gzip",      "deflate",     ",",
                           ";",          "gzip;q"}) {
    CAPTURE(text);
    CHECK_FALSE(accepts_gzip(text));
  }
}

}  // namespace sockdiag::test
