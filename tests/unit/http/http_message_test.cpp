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

TEST_CASE("A parameter of the query is decoded, and a malformed one is none") {
  struct Row {
    const char* query;
    std::optional<std::string> lang;
  };
  const auto row = GENERATE(values<Row>({
      {"lang=zh-CN", "zh-CN"},
      {"x&lang=zh%2dCN&lang=en", "zh-CN"},
      {"%6Cang=en", "en"},
      {"lang=a=b", "a=b"},
      {"lang=", ""},
      {"lang", ""},
      {"lang=a+b%20c", "a+b c"},
      {"lang=%", {}},
      {"lang=%2", {}},
      {"lang=%2g", {}},
      {"lang=%+1", {}},
      {"lang=%-1", {}},
      {"lang=%0x", {}},
      {"xlang=en", {}},
      {"langx=en", {}},
      {"%zz=en", {}},
      {"&&", {}},
      {"", {}},
  }));
  CAPTURE(row.query);
  const HttpRequest request{"GET", "/", {}, row.query};
  CHECK(request.parameter("lang") == row.lang);
}

TEST_CASE("An entity tag is found in a list, weak or not") {
  struct Row {
    const char* if_none_match;
    bool matches;
  };
  const auto row = GENERATE(values<Row>({
      {"W/\"a,b\"", true},
      {"\"a,b\"", true},
      {"*", true},
      {" * ", true},
      {"\"x\", W/\"y\" ,\"a,b\"", true},
      {"\"a,b\", broken", true},
      {" , ,\"x\",, \"a,b\"", true},
      {"\"a,b", false},
      {"a,b", false},
      {"\"a\",\"b\"", false},
      {"\"x\" \"a,b\"", false},
      {"w/\"a,b\"", false},
      {"W/W/\"a,b\"", false},
      {"\"x\", *", false},
      {",", false},
      {"W/", false},
      {"", false},
  }));
  CAPTURE(row.if_none_match);
  CHECK(matches_etag(row.if_none_match, "W/\"a,b\"") == row.matches);
}

}  // namespace sockdiag::test
