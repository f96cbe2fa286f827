// SPDX-License-Identifier: Apache-2.0
#include "service/requested_task.hpp"

#include <atomic>
#include <stdexcept>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

// A number that one thread raises and another waits for.
class Milestone {
 public:
  void raise() {
    ++number_;
    number_.notify_all();
  }
  void wait_for(int number) const {
    for (int now = number_; now < number; now = number_) number_.wait(now);
  }
  [[nodiscard]] int number() const { return number_; }

 private:
  std::atomic<int> number_ = 0;
};

}  // namespace

TEST_CASE("Whoever asks does not wait, and what is asked meanwhile is done once more") {
  Milestone begun;
  Milestone may_end;
  {
    RequestedTask task([&] {
      begun.raise();
      may_end.wait_for(begun.number());
    });
    task.request();
    begun.wait_for(1);
    for (int i = 0; i < 10; ++i) task.request();
    CHECK(begun.number() == 1);
    may_end.raise();
    begun.wait_for(2);
    may_end.raise();
  }
  CHECK(begun.number() == 2);
}

TEST_CASE("A task that throws is run again when it is asked for") {
  Milestone begun;
  RequestedTask task([&] {
    begun.raise();
    throw std::runtime_error("no memory");
  });
  for (int number = 1; number <= 3; ++number) {
    task.request();
    begun.wait_for(number);
  }
}

TEST_CASE("A task that nobody asks for never runs") {
  bool ran = false;
  {
    const RequestedTask task([&] { ran = true; });
  }
  CHECK_FALSE(ran);
}

}  // namespace sockdiag::test
