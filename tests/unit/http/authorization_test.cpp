// SPDX-License-Identifier: Apache-2.0
#include "http/authorization.hpp"

#include <civetweb.h>

#include <array>
#include <cstring>
#include <string>

#include "support/catch.hpp"

namespace sockdiag::test {

TEST_CASE("A Basic login is read", "[authorization]") {
  struct Row {
    std::string value;
    std::string user;
    std::string password;
  };
  for (const Row& row :
       {Row{"Basic YTpi", "a", "b"}, Row{"bASIC YTpi", "a", "b"}, Row{"Basic YTo=", "a", ""},
        Row{"Basic Og==", "", ""}, Row{"Basic YTpiOmM=", "a", "b:c"},
        Row{"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"},
        Row{"Basic dGVzdDoxMjPCow==", "test", "123\xc2\xa3"}}) {
    CAPTURE(row.value);
    Login login;
    CHECK(login.read(row.value));
    CHECK(login.user() == row.user);
    CHECK(login.password() == row.password);
  }
}

TEST_CASE("What is no Basic login leaves nothing", "[authorization]") {
  for (const std::string& value :
       {std::string(), std::string("Basic"), std::string("Basic "), std::string("Bearer YTpi"),
        std::string("BasicYTpi"), std::string("Basic YTp"), std::string("Basic YTpi "),
        std::string("Basic  YTpi"), std::string("Basic YT=i"), std::string("Basic Y==="),
        std::string("Basic ===="), std::string("Basic YTp-"), std::string("Basic YWFh"),
        "Basic " + std::string(1368, 'Y'), "Basic " + std::string(4, '\0')}) {
    CAPTURE(value);
    Login login;
    REQUIRE(login.read("Basic YTpi"));
    CHECK_FALSE(login.read(value));
    CHECK(login.user().empty());
    CHECK(login.password().empty());
  }
}

TEST_CASE("The longest login fits", "[authorization]") {
  const std::string code = "YTpi" + std::string(1360, 'Y');
  Login login;
  CHECK(login.read("Basic " + code));
  CHECK(login.password().size() == 1021);
}

TEST_CASE("All Authorization headers of a request are overwritten", "[authorization]") {
  std::array<std::string, 3> values = {"Basic YTpi", "h", "Basic YTpj"};
  mg_request_info request{};
  const auto add = [&](const char* name, const std::string& value) {
    request.http_headers[request.num_headers++] = {name, value.c_str()};
  };
  add("AUTHORIZATION", values[0]);
  Login login;
  CHECK(take_login(request, login));
  CHECK(login.password() == "b");
  CHECK(values[0] == "**********");

  values[0] = "Basic YTpi";
  request.num_headers = 0;
  add("authorization", values[0]);
  add("Host", values[1]);
  add("Authorization", values[2]);
  CHECK_FALSE(take_login(request, login));
  CHECK(std::strlen(values[0].c_str()) == 10);
  CHECK(values == std::array<std::string, 3>{"**********", "h", "**********"});

  request.num_headers = 0;
  values = {"Bearer x", "h", "Basic YTpj"};
  add("Authorization", values[0]);
  add("Authorization", values[2]);
  CHECK_FALSE(take_login(request, login));

  request.num_headers = 0;
  CHECK_FALSE(take_login(request, login));
}

}  // namespace sockdiag::test
