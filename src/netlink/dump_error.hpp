// SPDX-License-Identifier: Apache-2.0
#pragma once

// The errors of a dump. Their texts say what was being done and why it failed.

#include <stdexcept>
#include <string>
#include <string_view>

namespace sockdiag {

// The reply was malformed, was for another socket, took too long or ended in an error, so none of
// it may be used; or a sandbox or the kernel refuses sock_diag to this process.
class DumpError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The kernel answered the request with an error.
class DumpRefused : public DumpError {
 public:
  DumpRefused(const std::string& doing, int error);

  [[nodiscard]] int error() const noexcept { return error_; }  // an errno value, positive

 private:
  int error_;
};

// Returns what refuses a netlink socket, or a request on it, with that errno, and the remedy. Empty
// if the errno needs no explanation.
[[nodiscard]] std::string_view hint_at_refusal(int error) noexcept;

}  // namespace sockdiag
