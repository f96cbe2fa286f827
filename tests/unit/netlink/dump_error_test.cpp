// SPDX-License-Identifier: Apache-2.0
#include "netlink/dump_error.hpp"

#include <cerrno>

#include "support/catch.hpp"

namespace sockdiag::test {

TEST_CASE("What refuses a netlink socket is named by its errno") {
  const auto hint = [](int error) { return std::string(hint_at_refusal(error)); };
  CHECK_THAT(hint(EAFNOSUPPORT), contains_text("RestrictAddressFamilies="));
  CHECK_THAT(hint(EPROTONOSUPPORT), contains_text("gVisor"));
  CHECK_THAT(hint(EPERM), contains_text("seccomp"));
  CHECK_THAT(hint(EACCES), contains_text("SELinux"));
}

TEST_CASE("What will pass is no refusal") {
  for (const int error : {0, ENOBUFS, ENOMEM, EMFILE, ETIMEDOUT}) {
    CHECK(hint_at_refusal(error).empty());
  }
}

}  // namespace sockdiag::test
