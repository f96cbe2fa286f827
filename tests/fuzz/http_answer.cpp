// SPDX-License-Identifier: Apache-2.0

// What a server answers to diagnose, top and --health, piece by piece as the network brings it.

#include "http/http_answer.hpp"

#include <string_view>

#include "generated_input.hpp"

namespace sockdiag::test {
namespace {

void read(GeneratedInput input) {
  const std::size_t most = input.take<std::uint16_t>();
  const std::size_t piece = 1 + input.take<std::uint16_t>();
  const auto receive = [&](std::string& answer) {
    const auto bytes = input.take_bytes(piece);
    answer.append(bytes.begin(), bytes.end());
    return !bytes.empty();
  };
  try {
    const HttpAnswer answer = read_http_answer("fuzz:80", most, receive);
    require(answer.status > 0, "an answer has a status");
    require(answer.body.size() <= most, "a body is as long as is allowed");
  } catch (const RequestError& error) {
    require(std::string_view(error.what()).starts_with("fuzz:80: "), "an error names its server");
  }
}

}  // namespace
}  // namespace sockdiag::test

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  sockdiag::test::read({bytes, size});
  return 0;
}
