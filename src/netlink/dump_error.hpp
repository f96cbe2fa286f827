// SPDX-License-Identifier: Apache-2.0
#pragma once

// What loses a dump. The text says what was being done and why it failed.

#include <stdexcept>
#include <string>

namespace sockdiag {

// The reply was malformed, was not for us, or ended in an error, so that nothing of it may be used;
// or something refuses sock_diag to this process.
class DumpError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The kernel answered the request with an error of its own.
class DumpRefused : public DumpError {
 public:
  DumpRefused(const std::string& doing, int error);

  [[nodiscard]] int error() const noexcept { return error_; }  // an errno value, positive

 private:
  int error_;
};

}  // namespace sockdiag
