// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/exporter/log.hpp"

#include "support/catch.hpp"

namespace sockdiag::test {

TEST_CASE("Text is quoted so that a line stays a line, whatever the bytes") {
  CHECK(quoted("") == R"("")");
  CHECK(quoted("plain") == R"("plain")");
  CHECK(quoted("a\"b\\c") == R"("a\"b\\c")");
  CHECK(quoted("a\nb\rc\td") == R"("a\nb\rc\td")");
  CHECK(quoted(std::string_view("\0\x01\x1b\x7f", 4)) == R"("\u0000\u0001\u001b\u007f")");
  CHECK(quoted("Grüße €𝄞") == "\"Grüße €𝄞\"");
}

TEST_CASE("Bytes that are not UTF-8 are replaced one by one") {
  CHECK(quoted("\xff") == R"("\ufffd")");
  CHECK(quoted("a\xc3") == R"("a\ufffd")");
  CHECK(quoted("\xc3(") == R"("\ufffd(")");
  CHECK(quoted("\xc0\xaf") == R"("\ufffd\ufffd")");
  CHECK(quoted("\xed\xa0\x80") == R"("\ufffd\ufffd\ufffd")");
  CHECK(quoted("\xe0\x80\x80") == R"("\ufffd\ufffd\ufffd")");
  CHECK(quoted("\xf4\x90\x80\x80") == R"("\ufffd\ufffd\ufffd\ufffd")");
  CHECK(quoted("\xf0\x9d\x84") == R"("\ufffd\ufffd\ufffd")");
}

TEST_CASE("A line for people stays one line and keeps its quotes") {
  CHECK(one_line("f\n\x1b.yml: \"x\" \\ \xff Grüße") == R"(f\n\u001b.yml: "x" \ \ufffd Grüße)");
}

TEST_CASE("What is long is cut between two characters, and says so") {
  CHECK(excerpt("") == "");
  CHECK(excerpt("short") == "short");
  CHECK(excerpt(std::string(80, 'x')) == std::string(80, 'x'));
  CHECK(excerpt(std::string(81, 'x')) ==
        std::string(80, 'x') + "... (the first 80 of 81 characters)");
  CHECK(excerpt("é€𝄞", 3) == "é€𝄞");
  CHECK(excerpt("é€𝄞x", 3) == "é€𝄞... (the first 3 of 4 characters)");
  CHECK(excerpt("\xff\xe2\x82x", 3) == "\xff\xe2\x82... (the first 3 of 4 characters)");
  CHECK(quoted_excerpt("a\"b") == "\"a\"b\"");
  CHECK(quoted_excerpt(std::string(81, 'x')) ==
        "\"" + std::string(80, 'x') + "...\" (the first 80 of 81 characters)");
}

}  // namespace sockdiag::test
