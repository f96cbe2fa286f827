// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/exporter/sampler.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <ctime>
#include <exception>
#include <utility>

#include "sockdiag/exporter/metric_families.hpp"
#include "sockdiag/exporter/schedule.hpp"
#include "sockdiag/netlink/dump_error.hpp"

namespace sockdiag {
namespace {

using Clock = std::chrono::steady_clock;

// A sample is never called stale before three intervals have passed.
constexpr int kIntervalsUntilStale = 3;

// The kernel fills a dump on the thread that receives it: this is the whole cost.
std::chrono::nanoseconds thread_cpu_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

void Sampling::attempt(const Configuration::Sampling& settings) noexcept {
  const auto started = Clock::now();
  const auto cpu_time_before = thread_cpu_time();
  try {
    take_sample();
    succeeded();
  } catch (const DumpInterrupted& error) {
    ++status_.interrupted_dumps;
    failed(error.what());
  } catch (const std::exception& error) {
    failed(error.what());
  }
  status_.duration = Clock::now() - started;
  const auto cpu_time = thread_cpu_time() - cpu_time_before;
  status_.cpu_time_total += cpu_time;
  // A failure is cheap and says nothing of what the next good sample will cost.
  cost_ = status_.success ? cpu_time : std::max(cost_, cpu_time);
  settle(settings);
}

void Sampling::settle(const Configuration::Sampling& settings) noexcept {
  status_.interval = interval_in_force(settings.interval, settings.cpu_budget, cost_);
  try {
    publish(settings);
  } catch (const std::exception& error) {
    failed(error.what());  // out of memory: what was published before goes stale by itself
  }
}

void Sampling::take_sample() {
  auto sockets = make_part(render(source_.sample()));
  sockets_ = std::move(sockets);
  sampled_at_ = Clock::now();
}

void Sampling::succeeded() {
  status_.success = true;
  status_.last_success = std::chrono::system_clock::now();
  if (failing_) spdlog::info("tcp sample recovered");
  failing_ = false;
}

void Sampling::failed(const char* why) {
  status_.success = false;
  ++status_.failures;
  if (!failing_) spdlog::error("tcp sample failed: {}", why);
  failing_ = true;
}

void Sampling::publish(const Configuration::Sampling& settings) {
  const auto staleness = std::max<std::chrono::nanoseconds>(
      settings.max_staleness, kIntervalsUntilStale * status_.interval);
  auto exposition = std::make_shared<Exposition>();
  exposition->sockets = sockets_;
  exposition->withdrawn_after = sampled_at_ + staleness;
  exposition->status = make_part(render(status_));
  board_.publish(std::move(exposition));
}

Sampler::Sampler(TcpSource source, Board& board, const Configuration& configuration)
    : sampling_(std::move(source), board),
      settings_(configuration.sampling),
      policy_(configuration.ports),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

void Sampler::configure(const Configuration& configuration) {
  {
    const std::lock_guard lock(mutex_);
    settings_ = configuration.sampling;
    policy_ = configuration.ports;
    ++generation_;
  }
  changed_.notify_all();
}

Configuration::Sampling Sampler::take_settings() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(applied_generation_, generation_) != generation_) {
    sampling_.set_policy(policy_);
  }
  return settings_;
}

void Sampler::run(const std::stop_token& stop) {
  auto due = Clock::now();
  while (!stop.stop_requested()) {
    sampling_.attempt(take_settings());
    due = wait_for_next(stop, due);
  }
}

Clock::time_point Sampler::wait_for_next(const std::stop_token& stop, Clock::time_point last_due) {
  const auto due = [&] { return next_due(last_due, Clock::now(), sampling_.status().interval); };
  std::unique_lock lock(mutex_);
  auto next = due();
  auto seen = applied_generation_;
  while (changed_.wait_until(lock, stop, next, [&] { return generation_ != seen; })) {
    seen = generation_;
    sampling_.settle(settings_);
    next = due();
  }
  return next;
}

}  // namespace sockdiag
