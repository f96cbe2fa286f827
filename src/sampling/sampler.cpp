// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/sampling/sampler.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "cpu_time.hpp"
#include "schedule.hpp"

namespace sockdiag {
namespace {

using Clock = std::chrono::steady_clock;

// Values are never withdrawn before three intervals have passed.
constexpr int kIntervalsUntilStale = 3;

}  // namespace

Sampling::Sampling(std::vector<Source> sources, Publish publish) : publish_(std::move(publish)) {
  for (Source& source : sources) {
    const std::string_view name = source.name;
    runs_.push_back({.source = std::move(source), .status = {.source = name}});
  }
}

void Sampling::attempt(std::size_t source, const Policies& policies) noexcept {
  Run& run = runs_[source];
  try_sample(run, policies);
  for (Run& other : runs_) {
    if (other.source.follows == run.source.name) try_sample(other, policies);
  }
  publish_after(run, policies);
}

void Sampling::attempt_all(const Policies& policies, std::chrono::nanoseconds patience) noexcept {
  const auto until = Clock::now() + patience;
  for (Run& run : runs_) try_sample(run, policies);
  for (Run& run : runs_) {
    while (run.has_more && Clock::now() < until) try_sample(run, policies);
  }
  publish_after(runs_.front(), policies);
}

void Sampling::reschedule_and_publish(const Policies& policies) noexcept {
  publish_after(runs_.front(), policies);
}

void Sampling::try_sample(Run& run, const Policies& policies) noexcept {
  run.has_more = false;
  if (!run.source.is_wanted(policies)) return;
  run.keeps_values = true;
  const auto started = Clock::now();
  const auto cpu_time_before = thread_cpu_time();
  try {
    if (!sample(run, policies)) return;
  } catch (const std::exception& error) {
    record_failure(run, error.what());
  }
  ++run.status.attempts;
  run.status.duration = Clock::now() - started;
  const auto cpu_time = thread_cpu_time() - cpu_time_before + std::exchange(run.publishing, {});
  run.status.cpu_time_total += cpu_time;
  // A failure is cheap and says nothing of what the next good sample will cost.
  run.cost = run.status.success ? cpu_time : std::max(run.cost, cpu_time);
}

// Returns false where the source waits for another one.
bool Sampling::sample(Run& run, const Policies& policies) {
  const SampleResult result = run.source.sample(policies);
  run.status.idle = !result.attempted;
  if (!result.attempted) return false;
  run.sampled_at = Clock::now();
  run.has_more = result.has_more;
  if (result.problem.empty()) {
    record_success(run);
  } else {
    record_failure(run, result.problem.c_str());
  }
  return true;
}

void Sampling::record_success(Run& run) {
  run.status.success = true;
  run.status.last_success = std::chrono::system_clock::now();
  if (run.failing) spdlog::info("{} sample recovered", run.source.name);
  run.failing = false;
}

void Sampling::record_failure(Run& run, const char* why) {
  run.status.success = false;
  ++run.status.failures;
  if (!run.failing) spdlog::error("{} sample failed: {}", run.source.name, why);
  run.failing = true;
}

void Sampling::publish_after(Run& run, const Policies& policies) noexcept {
  set_intervals(policies);
  const auto cpu_time_before = thread_cpu_time();
  try {
    publish(policies);
  } catch (const std::exception& error) {
    // Out of memory: what was published before goes stale by itself.
    record_failure(runs_.front(), error.what());
  }
  run.publishing += thread_cpu_time() - cpu_time_before;
}

void Sampling::set_intervals(const Policies& policies) {
  const double budget = policies.sampling.cpu_budget;
  double left = budget;
  const auto set = [&](Run& run, double most) {
    const std::chrono::nanoseconds cost = cost_with_followers(run, policies);
    run.status.interval = interval_in_force(run.source.interval(policies), most, cost);
    for (Run& other : runs_) {
      if (other.source.follows == run.source.name) other.status.interval = run.status.interval;
    }
    return share_of_cpu(cost, run.status.interval);
  };
  for (Run& run : runs_) {
    if (!run.source.follows.empty()) continue;
    if (run.source.own_budget) {
      set(run, run.source.own_budget(policies));
    } else if (run.source.share_of_budget) {
      left -= set(run, budget * *run.source.share_of_budget);
    }
  }
  for (Run& run : runs_) {
    const bool is_set =
        !run.source.follows.empty() || run.source.own_budget || run.source.share_of_budget;
    if (!is_set) left -= set(run, left);
  }
}

std::chrono::nanoseconds Sampling::cost_with_followers(const Run& run,
                                                       const Policies& policies) const {
  std::chrono::nanoseconds cost = run.cost;
  for (const Run& other : runs_) {
    const bool follows = other.source.follows == run.source.name;
    if (follows && other.source.is_wanted(policies)) cost += other.cost;
  }
  return cost;
}

void Sampling::publish(const Policies& policies) {
  auto samples = std::make_shared<Samples>();
  for (Run& run : runs_) {
    if (!run.source.is_wanted(policies)) {
      if (std::exchange(run.keeps_values, false)) run.source.forget();
      continue;
    }
    const auto staleness = std::max<std::chrono::nanoseconds>(
        policies.sampling.max_staleness, kIntervalsUntilStale * run.status.interval);
    run.source.show(*samples, run.sampled_at + staleness);
    samples->statuses.push_back(run.status);
  }
  publish_(std::move(samples));
}

Sampler::Sampler(Sampling sampling, Policies policies, IterationListener listener)
    : sampling_(std::move(sampling)),
      listener_(std::move(listener)),
      due_(sampling_.size()),
      policies_(std::move(policies)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

void Sampler::configure(Policies policies) {
  {
    const std::lock_guard lock(mutex_);
    configured_ = std::move(policies);
  }
  changed_.notify_all();
}

void Sampler::apply_policies() noexcept {
  const std::lock_guard lock(mutex_);
  if (configured_) policies_ = *std::exchange(configured_, std::nullopt);
}

// Sources that are due together go in their order.
std::size_t Sampler::next_source() const {
  const auto first = std::min_element(due_.begin(), due_.end(),
                                      [](const Due& a, const Due& b) { return a.next < b.next; });
  return static_cast<std::size_t>(first - due_.begin());
}

void Sampler::set_next(std::size_t source) {
  Due& due = due_[source];
  due.next = sampling_.follows(source)
                 ? TimePoint::max()
                 : next_due(due.last, Clock::now(), sampling_.status(source).interval);
}

void Sampler::run(const std::stop_token& stop) {
  const auto started = Clock::now();
  std::fill(due_.begin(), due_.end(), Due{started, started});
  sampling_.attempt_all(policies_);
  for (std::size_t source = 0; source < due_.size(); ++source) set_next(source);
  listener_.on_iteration();
  for (wait_until_due(stop); !stop.stop_requested(); wait_until_due(stop)) {
    listener_.on_iteration();
    sample_next_due();
  }
}

bool Sampler::is_due(std::size_t source) const { return due_[source].next <= Clock::now(); }

void Sampler::sample_next_due() {
  const std::size_t source = next_source();
  if (!is_due(source)) return;
  apply_policies();
  sampling_.attempt(source, policies_);
  due_[source].last = due_[source].next;
  set_next(source);
}

void Sampler::reschedule() {
  apply_policies();
  sampling_.reschedule_and_publish(policies_);
  for (std::size_t source = 0; source < due_.size(); ++source) {
    if (!is_due(source)) set_next(source);
  }
}

void Sampler::wait_until_due(const std::stop_token& stop) {
  const auto latest = Clock::now() + listener_.interval;
  const auto next = [&] { return std::min(latest, due_[next_source()].next); };
  std::unique_lock lock(mutex_);
  while (changed_.wait_until(lock, stop, next(), [&] { return configured_.has_value(); })) {
    lock.unlock();
    reschedule();
    lock.lock();
  }
}

}  // namespace sockdiag
