// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/http/thread_problem.hpp"

#include <new>
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
  CHECK(thread_problem(std::bad_alloc()) == std::bad_alloc().what());
}

}  // namespace sockdiag::test
