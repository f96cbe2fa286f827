// SPDX-License-Identifier: Apache-2.0
#pragma once

// Samples the sources, each on its own clock and all on one thread, and publishes what came of it.
// A sample that fails publishes nothing but that it failed; one line is logged when a source's
// samples start to fail and one when they succeed again.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "sockdiag/configuration/configuration.hpp"
#include "sockdiag/core/kernel_values.hpp"
#include "sockdiag/core/sample_status.hpp"
#include "sockdiag/pages/exposition.hpp"
#include "sockdiag/sampling/tcp_source.hpp"

namespace sockdiag {

// One attempt after another, on the calling thread. Not thread-safe.
class Sampling {
 public:
  using ReadKernelValues = std::function<KernelValues()>;

  // `board` must outlive it.
  Sampling(TcpSource tcp, ReadKernelValues read_kernel_values, Board& board);

  // Any failure of the source ends here, and shows in its status. Listeners are left out until
  // there has been a good sample of all sockets, which says what ports have series.
  void attempt(SampleSource source, const Configuration& configuration) noexcept;

  // Each source once; what came of it is published together.
  void attempt_all(const Configuration& configuration) noexcept;

  // Publishes the last samples again as other settings have it: intervals in force and staleness.
  void settle(const Configuration& configuration) noexcept;

  void set_policy(TcpPolicy policy) { tcp_.set_policy(std::move(policy)); }

  [[nodiscard]] const SampleStatus& status(SampleSource source) const noexcept {
    return runs_[index_of(source)].status;
  }

 private:
  struct Run {
    SampleStatus status;
    std::chrono::nanoseconds cost{};  // CPU time that the interval in force has to pay for
    bool failing = false;
    std::shared_ptr<const RenderedPart> part;
    std::chrono::steady_clock::time_point sampled_at;
  };

  // What there is to show, and what is wrong with the rest.
  struct Taken {
    std::shared_ptr<const RenderedPart> part;
    std::string problem;
  };

  void attempt_quietly(SampleSource source, const Configuration& configuration) noexcept;
  [[nodiscard]] std::shared_ptr<const RenderedPart> take_sockets(
      const Configuration& configuration);
  [[nodiscard]] Taken take(SampleSource source, const Configuration& configuration);
  void take_sample(SampleSource source, const Configuration& configuration);
  void succeeded(SampleSource source);
  void failed(SampleSource source, const char* why);
  void set_intervals(const Configuration& configuration);
  void publish(const Configuration& configuration);
  [[nodiscard]] Run& run_of(SampleSource source) noexcept { return runs_[index_of(source)]; }

  TcpSource tcp_;
  ReadKernelValues read_kernel_values_;
  Board& board_;
  BySampleSource<Run> runs_;
  std::chrono::nanoseconds publishing_{};  // CPU time that the last publication took
};

// The running kernel's sources, not yet sampled.
[[nodiscard]] Sampling kernel_sampling(const Configuration& configuration, Board& board);

// Told on the sampler's thread that it turns: after the first samples and before each later one,
// and that often where samples are rarer. Must not throw.
struct TurnListener {
  std::function<void()> turned = [] {};
  std::chrono::nanoseconds interval = std::chrono::hours(1);
};

// The thread that does it. The public functions are safe from any thread.
class Sampler {
 public:
  // What `sampling` publishes to must outlive it. Begins with a sample of each source at once.
  Sampler(Sampling sampling, const Configuration& configuration, TurnListener listener = {});

  // Ports and thresholds from the next sample on, intervals and staleness at once.
  void configure(const Configuration& configuration);

 private:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Due {
    TimePoint last;
    TimePoint next;
  };

  void run(const std::stop_token& stop);
  void apply_settings() noexcept;
  [[nodiscard]] SampleSource next_source() const;
  void set_next(SampleSource source);
  [[nodiscard]] bool is_due(SampleSource source) const;
  void take_turn();
  void wait_for_turn(const std::stop_token& stop);

  Sampling sampling_;
  TurnListener listener_;
  BySampleSource<Due> due_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  Configuration configuration_;
  Configuration applied_;         // the sampler thread's own
  std::uint64_t generation_ = 0;  // of the configuration
  std::uint64_t applied_generation_ = 0;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace sockdiag
