// SPDX-License-Identifier: Apache-2.0
#include "service/thread_problem.hpp"

#include <system_error>

#include "support/catch.hpp"

namespace sockdiag::test {

TEST_CASE("A thread that is not permitted hints at the container engine, others do not") {
  const auto problem = [](std::errc error) {
    return thread_problem(std::system_error(std::make_error_code(error)));
  };
  CHECK_THAT(problem(std::errc::operation_not_permitted), contains_text("not permitted ("));
  CHECK_THAT(problem(std::errc::operation_not_permitted), contains_text("clone3"));
  CHECK(problem(std::errc::resource_unavailable_try_again) ==
        std::make_error_code(std::errc::resource_unavailable_try_again).message());
}

}  // namespace sockdiag::test
