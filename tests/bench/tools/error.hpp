// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

namespace sockdiag::bench {

// Throws std::system_error with what was being done and errno in words.
[[noreturn]] inline void throw_errno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// The result of a system call that is not meant to fail; throws as throw_errno does where it is
// negative.
template <typename Result>
Result checked(Result result, const std::string& what) {
  if (result < 0) throw_errno(what);
  return result;
}

}  // namespace sockdiag::bench
