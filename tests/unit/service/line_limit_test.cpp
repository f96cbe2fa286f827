// SPDX-License-Identifier: Apache-2.0
#include "service/line_limit.hpp"

#include <string>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using namespace std::chrono_literals;

const LineLimit::TimePoint kStart{1000h};

// How many of `lines` lines are admitted, where each has the text that name(i) returns.
template <typename Name>
std::size_t admitted(LineLimit& limit, std::size_t lines, bool repeats_matter,
                     LineLimit::TimePoint now, const Name& name) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < lines; ++i) {
    if (limit.admits(name(i), repeats_matter, now)) ++count;
  }
  return count;
}

std::string same(std::size_t) { return "same"; }
std::string one_of_three(std::size_t i) { return std::to_string(i % 3); }
std::string different(std::size_t i) { return std::to_string(i); }

}  // namespace

TEST_CASE("Lines are limited by their text, and all together") {
  struct Row {
    const char* it;
    std::string (*name)(std::size_t);
    bool repeats_matter;
    std::size_t admitted;
  };
  const auto row = GENERATE(values<Row>({
      {"of the same text", same, true, LineLimit::kMostAlike},
      {"that alternate", one_of_three, true, 3 * LineLimit::kMostAlike},
      {"that all differ", different, true, LineLimit::kMost},
      {"whose repeats do not matter", same, false, LineLimit::kMost},
  }));
  CAPTURE(row.it);
  LineLimit limit;
  CHECK(admitted(limit, 5000, row.repeats_matter, kStart, row.name) == row.admitted);
  CHECK(limit.suppressed() == 5000 - row.admitted);
  CHECK(admitted(limit, 5000, row.repeats_matter, kStart + 59s, row.name) == 0);
  CHECK(admitted(limit, 5000, row.repeats_matter, kStart + 60s, row.name) == row.admitted);
}

TEST_CASE("A clock that is set back begins a new minute") {
  LineLimit limit;
  CHECK(admitted(limit, 50, true, kStart, same) == LineLimit::kMostAlike);
  CHECK(admitted(limit, 50, true, kStart - 24h, same) == LineLimit::kMostAlike);
  CHECK(admitted(limit, 50, true, kStart - 23h, same) == LineLimit::kMostAlike);
}

TEST_CASE("A text that repeats does not use up the lines of others") {
  LineLimit limit;
  CHECK(admitted(limit, 100'000, true, kStart, same) == LineLimit::kMostAlike);
  CHECK(limit.admits("another", true, kStart));
}

}  // namespace sockdiag::test
