// SPDX-License-Identifier: Apache-2.0

// The web configuration file, and the Authorization header of a request. The first byte says which
// of the two the rest is.

#include "sockdiag/configuration/web_configuration.hpp"

#include <string_view>

#include "generated_input.hpp"
#include "http/authorization.hpp"

namespace sockdiag::test {
namespace {

constexpr char kName[] = "fuzz.yml";

void read_file(const std::string& text) {
  try {
    static_cast<void>(parse_web_configuration(text, kName));
  } catch (const ConfigError& error) {
    require(std::string_view(error.what()).starts_with(kName), "an error names the file");
  }
}

void read_login(const std::string& header) {
  Login login;
  const bool is_login = login.read(header);
  require(is_login || (login.user().empty() && login.password().empty()),
          "what is no login is empty");
  require(login.user().find(':') == std::string_view::npos, "no user's name has a colon");
}

}  // namespace
}  // namespace sockdiag::test

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace sockdiag::test;
  GeneratedInput input(bytes, size);
  const bool is_file = input.take_bool();
  const std::string text = input.take_rest();
  is_file ? read_file(text) : read_login(text);
  return 0;
}
