// SPDX-License-Identifier: Apache-2.0
#include "http/request_start.hpp"

#include <string>

#include "support/catch.hpp"

namespace sockdiag::test {

TEST_CASE("A head has arrived with its empty line, or when it is sure to be refused", "[http]") {
  struct Case {
    std::string bytes;
    bool arrived;
  };
  const auto row = GENERATE(values<Case>({
      {"", false},
      {"GET / HTTP/1.1\r\nHost: x\r\n", false},
      {"GET / HTTP/1.1\r\nHost: x\r\n\r", false},
      {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", true},
      {"GET / HTTP/1.1\r\nHost: x\r\n\r\nbody", true},
      {"GET / HTTP/1.1\n\n", true},
      {"\r\n\r\n", true},
      {"GET /\x01", true},
      {std::string(1, '\0'), true},
      {"GET /\x7f", true},
      {"GET /m\xc3\xa9trics", false},
      {std::string(kMaxRequestBytes - 1, 'x'), false},
      {std::string(kMaxRequestBytes, 'x'), true},
  }));
  CAPTURE(row.bytes);
  CHECK(head_has_arrived(row.bytes) == row.arrived);
}

TEST_CASE("A TLS hello has arrived with its whole record, or when it is none", "[http]") {
  struct Case {
    std::string bytes;
    bool arrived;
  };
  const std::string header("\x16\x03\x01\x01\x02", 5);
  const auto row = GENERATE_COPY(values<Case>({
      {"", false},
      {header.substr(0, 1), false},
      {header, false},
      {header + std::string(0x101, 'x'), false},
      {header + std::string(0x102, 'x'), true},
      {"G", true},
      {std::string("\x16\x03\x01\xff\xff", 5) + std::string(kMaxRequestBytes - 5, 'x'), true},
  }));
  CAPTURE(row.bytes.size());
  CHECK(hello_has_arrived(row.bytes) == row.arrived);
}

}  // namespace sockdiag::test
