// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/procfs/kernel_release.hpp"

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

constexpr KernelTraits kModern{};
constexpr KernelTraits kNothing{false, false, false};

}  // namespace

TEST_CASE("What a kernel lacks is told by its version") {
  struct Row {
    const char* release;
    KernelTraits traits;
  };
  const auto row = GENERATE(values<Row>({{"2.6.32-754.el6.x86_64", kNothing},
                                         {"3.10.0-1160.119.1.el7.x86_64", kNothing},
                                         {"3.17", kNothing},
                                         {"4.0.9-gentoo", kNothing},
                                         {"4.1", {true, false, false}},
                                         {"4.1-rc1", {true, false, false}},
                                         {"4.1.51", {true, false, false}},
                                         {"4.4.0-210-generic", {true, false, false}},
                                         {"4.7.0", {true, true, false}},
                                         {"4.9.0-19-amd64", {true, true, false}},
                                         {"4.10.17+", {true, true, false}},
                                         {"4.11.0", kModern},
                                         {"4.18.0-553.el8.x86_64", kModern},
                                         {"5.0", kModern},
                                         {"6.1.0-28-amd64", kModern},
                                         {"6.18.44", kModern},
                                         {"10.0", kModern}}));
  INFO(row.release);
  CHECK(kernel_traits(row.release) == row.traits);
  CHECK(what_is_missing_on(row.release).empty() == (row.traits == kModern));
}

TEST_CASE("A release that does not begin with a version is a modern kernel's") {
  for (const char* release : {"", "x", "3", "3.", ".10", "v3.10", " 3.10", "-3.10", "3.-1", "3.x",
                              "3,10", "3.10x", "99999999999.1", "3.99999999999"}) {
    INFO(release);
    CHECK(kernel_traits(release) == kModern);
    CHECK(what_is_missing_on(release).empty());
  }
}

TEST_CASE("What is missing is said with the version that has it") {
  const std::string text = what_is_missing_on("3.10.0");
  for (const char* words : {"before 4.1 ", "no ages", "before 4.7 ", "before 4.11 "}) {
    CHECK_THAT(text, contains_text(words));
  }
  CHECK(what_is_missing_on("4.9.0").find("before 4.1 ") == std::string::npos);
  CHECK(what_is_missing_on("4.9.0").starts_with("before 4.11 "));
}

TEST_CASE("This kernel has a release, and lacks nothing") {
  CHECK_FALSE(read_kernel_release().empty());
  CHECK(what_is_missing_on(read_kernel_release()).empty());
}

}  // namespace sockdiag::test
