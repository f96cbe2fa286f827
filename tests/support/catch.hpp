// SPDX-License-Identifier: Apache-2.0
#pragma once

// Catch2 2.13 (Debian 12) has one header, Catch2 3 (Debian 13) many, and names moved between them:
// tests include this one.

#include <string>

// So that optionals and pairs are shown where a check fails.
#define CATCH_CONFIG_ENABLE_ALL_STRINGMAKERS

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
namespace sockdiag::test {
using Approx = Catch::Approx;
inline auto contains_text(const std::string& text) {
  return Catch::Matchers::ContainsSubstring(text);
}
}  // namespace sockdiag::test
#else
#include <catch2/catch.hpp>
namespace sockdiag::test {
using Approx = Catch::Detail::Approx;
inline auto contains_text(const std::string& text) { return Catch::Matchers::Contains(text); }
}  // namespace sockdiag::test
#endif
