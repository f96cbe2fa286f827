// SPDX-License-Identifier: Apache-2.0
#include <latch>
#include <thread>
#include <vector>

#include "http/civet.hpp"
#include "sockdiag/http/http_server.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

// Threads that have started and do not end before the object.
class RunningThreads {
 public:
  RunningThreads(CivetThreads& count, unsigned number) {
    for (unsigned i = 0; i < number; ++i) {
      threads_.emplace_back([&] {
        count.count_one();
        end_.wait();
      });
    }
  }
  RunningThreads(const RunningThreads&) = delete;
  RunningThreads& operator=(const RunningThreads&) = delete;
  ~RunningThreads() { end_.count_down(); }

 private:
  std::latch end_{1};
  std::vector<std::jthread> threads_;
};

}  // namespace

TEST_CASE("The workers and the thread that accepts connections are awaited") {
  CivetThreads threads(2);
  const RunningThreads running(threads, 3);
  CHECK_NOTHROW(threads.await_all());
}

TEST_CASE("A thread that was not created is not awaited for ever") {
  CivetThreads threads(2);
  const RunningThreads running(threads, 2);
  CHECK_THROWS_WITH(threads.await_all(),
                    "cannot start 3 threads for 2 workers: only 2 started; too little memory or "
                    "too few tasks");
}

}  // namespace sockdiag::test
