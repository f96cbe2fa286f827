// SPDX-License-Identifier: Apache-2.0
#include "cli/descriptor_growth.hpp"

#include "cli/held_by.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using std::chrono::seconds;

// Counts that were taken every two seconds.
std::optional<double> growth_of(const std::vector<std::uint64_t>& counts) {
  DescriptorGrowth growth;
  DescriptorGrowth::TimePoint time{};
  for (const std::uint64_t count : counts) growth.add(time += seconds(2), count);
  return growth.per_second();
}

}  // namespace

TEST_CASE("Descriptors grow if each later count is above each earlier one") {
  struct Row {
    const char* name;
    std::vector<std::uint64_t> counts;
    std::optional<double> per_second;
  };
  const auto row = GENERATE(values<Row>({
      {"no count", {}, {}},
      {"one look", {500}, {}},
      {"two looks", {500, 510}, 5},
      {"no change", {500, 500}, {}},
      {"fewer", {510, 500}, {}},
      {"steady growth", {500, 504, 508, 512}, 2},
      {"too little to be no accident", {500, 501, 501, 502}, {}},
      {"just enough", {500, 501, 502, 503}, 0.5},
      {"connections that come and go", {500, 530, 480, 510}, {}},
      {"a burst that passes", {500, 900, 510, 520}, {}},
      {"growth among some that come and go", {500, 510, 505, 600, 590, 610}, 11},
  }));
  CAPTURE(row.name);
  CHECK(growth_of(row.counts) == row.per_second);
}

TEST_CASE("A watch of a day keeps few counts and its first one") {
  DescriptorGrowth growth;
  DescriptorGrowth::TimePoint time{};
  for (std::uint64_t count = 0; count < 86'400; ++count) growth.add(time += seconds(1), count);
  CHECK(growth.per_second() == 1);
}

TEST_CASE("Descriptors run out only where they grow and are limited") {
  CHECK(seconds_to_limit(1000, 2000, 0.5) == 2000);
  CHECK(seconds_to_limit(2000, 2000, 0.5) == 0);
  CHECK_FALSE(seconds_to_limit(1000, 2000, std::nullopt));
  CHECK_FALSE(seconds_to_limit(1000, std::nullopt, 0.5));
  CHECK_FALSE(seconds_to_limit(std::nullopt, 2000, 0.5));
}

}  // namespace sockdiag::test
