// SPDX-License-Identifier: Apache-2.0
#pragma once

// Samples the sources, each on its own clock and all on one thread, and publishes the last good
// values of all of them after each attempt. An attempt that fails changes nothing but the source's
// status. One line is logged when a source begins to fail, and one when it succeeds again.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "sockdiag/core/policy.hpp"
#include "sockdiag/core/samples.hpp"
#include "sockdiag/sampling/source.hpp"

namespace sockdiag {

// Takes what is published, on the thread that samples. The source that was attempted before pays
// for its CPU time, with its next attempt. What it throws fails the first source.
using Publish = std::function<void(std::shared_ptr<const Samples>)>;

// One attempt after another, on the calling thread. Sources are known by their index. Not
// thread-safe.
class Sampling {
 public:
  // `sources`: at least one.
  Sampling(std::vector<Source> sources, Publish publish);

  // Samples one source and those that follow it, and publishes. A failure ends here, and shows in
  // the source's status.
  void attempt(std::size_t source, const Policies& policies) noexcept;

  // Samples each source once, in their order, then goes on for at most `patience` with those that
  // work in turns until they have been through, and publishes once.
  void attempt_all(const Policies& policies, std::chrono::nanoseconds patience = {}) noexcept;

  // Publishes the last values again, with the intervals and the staleness of other policies.
  void reschedule_and_publish(const Policies& policies) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return runs_.size(); }
  // Returns whether the source is sampled after each attempt of another one, and only then.
  [[nodiscard]] bool follows(std::size_t source) const noexcept {
    return !runs_[source].source.follows.empty();
  }
  [[nodiscard]] const SampleStatus& status(std::size_t source) const noexcept {
    return runs_[source].status;
  }

 private:
  struct Run {
    Source source;
    SampleStatus status{};
    std::chrono::nanoseconds cost{};        // CPU time that the interval in force has to pay for
    std::chrono::nanoseconds publishing{};  // CPU time of publishing since the last attempt
    bool failing = false;
    bool has_more = false;
    bool keeps_values = false;  // that are to be forgotten once nobody wants them
    std::chrono::steady_clock::time_point sampled_at{};
  };

  void try_sample(Run& run, const Policies& policies) noexcept;
  void publish_after(Run& run, const Policies& policies) noexcept;
  [[nodiscard]] bool sample(Run& run, const Policies& policies);
  static void record_success(Run& run);
  static void record_failure(Run& run, const char* why);
  void set_intervals(const Policies& policies);
  // Returns what an attempt of the source costs, with those of the sources that follow it.
  [[nodiscard]] std::chrono::nanoseconds cost_with_followers(const Run& run,
                                                             const Policies& policies) const;
  void publish(const Policies& policies);

  std::vector<Run> runs_;
  Publish publish_;
};

// Called on the sampler's thread after the first samples and before each later one, and at least
// every `interval`. Must not throw.
struct IterationListener {
  std::function<void()> on_iteration = [] {};
  std::chrono::nanoseconds interval = std::chrono::hours(1);
};

// The thread that samples. The public functions are safe from any thread.
class Sampler {
 public:
  // Begins with a sample of each source at once. What `sampling` publishes to must outlive it.
  // Throws std::system_error where no thread can be had.
  Sampler(Sampling sampling, Policies policies, IterationListener listener = {});

  // Ports and thresholds hold from the next sample on, intervals and staleness at once.
  void configure(Policies policies);

 private:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Due {
    TimePoint last;
    TimePoint next;
  };

  void run(const std::stop_token& stop);
  void apply_policies() noexcept;
  [[nodiscard]] std::size_t next_source() const;
  void set_next(std::size_t source);
  [[nodiscard]] bool is_due(std::size_t source) const;
  void sample_next_due();
  void reschedule();
  void wait_until_due(const std::stop_token& stop);

  Sampling sampling_;
  IterationListener listener_;
  std::vector<Due> due_;  // by source
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<Policies> configured_;  // not applied yet
  Policies policies_;                   // the sampler thread's own
  std::jthread thread_;                 // last: it uses all of the above
};

}  // namespace sockdiag
