// SPDX-License-Identifier: Apache-2.0
#pragma once

// Samples a source on its own clock and thread, and publishes what came of it. A sample that fails
// publishes nothing but that it failed; one line is logged when samples start to fail and one when
// they succeed again.

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <thread>

#include "sockdiag/exporter/configuration.hpp"
#include "sockdiag/exporter/exposition.hpp"
#include "sockdiag/exporter/sample_status.hpp"
#include "sockdiag/exporter/tcp_source.hpp"

namespace sockdiag {

// One attempt after another, on the calling thread. Not thread-safe.
class Sampling {
 public:
  Sampling(TcpSource source, Board& board) : source_(std::move(source)), board_(board) {}

  // Any failure of the source ends here, and shows in the status.
  void attempt(const Configuration::Sampling& settings) noexcept;

  // Publishes the last sample again as other settings have it: interval in force and staleness.
  void settle(const Configuration::Sampling& settings) noexcept;

  void set_policy(PortPolicy policy) { source_.set_policy(std::move(policy)); }

  [[nodiscard]] const SampleStatus& status() const noexcept { return status_; }

 private:
  void take_sample();
  void succeeded();
  void failed(const char* why);
  void publish(const Configuration::Sampling& settings);

  TcpSource source_;
  Board& board_;
  SampleStatus status_;
  std::chrono::nanoseconds cost_{};  // CPU time that the interval in force has to pay for
  bool failing_ = false;
  std::shared_ptr<const RenderedPart> sockets_;
  std::chrono::steady_clock::time_point sampled_at_;
};

// The thread that does it. The public functions are safe from any thread.
class Sampler {
 public:
  // `board` must outlive it. Begins with a sample at once.
  Sampler(TcpSource source, Board& board, const Configuration& configuration);

  // Ports from the next sample on, the interval and staleness at once.
  void configure(const Configuration& configuration);

 private:
  void run(const std::stop_token& stop);
  [[nodiscard]] Configuration::Sampling take_settings();
  [[nodiscard]] std::chrono::steady_clock::time_point wait_for_next(
      const std::stop_token& stop, std::chrono::steady_clock::time_point last_due);

  Sampling sampling_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  Configuration::Sampling settings_;
  PortPolicy policy_;
  std::uint64_t generation_ = 0;  // of the settings
  std::uint64_t applied_generation_ = 0;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace sockdiag
