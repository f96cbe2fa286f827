// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/sampling/sampler.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <ctime>
#include <exception>
#include <utility>

#include "schedule.hpp"
#include "sockdiag/metrics/metric_families.hpp"
#include "sockdiag/procfs/kernel_value_reader.hpp"

namespace sockdiag {
namespace {

using Clock = std::chrono::steady_clock;

// A sample is never called stale before three intervals have passed.
constexpr int kIntervalsUntilStale = 3;

// What polling listeners, and reading counters, may take of the CPU budget; the dump has the rest.
constexpr double kSmallShare = 0.1;

// The kernel fills a dump on the thread that receives it: this is the whole cost.
std::chrono::nanoseconds thread_cpu_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

// Rendered by the first scrape that shows it.
template <typename Values>
std::shared_ptr<const RenderedPart> part_of(Values values, const Configuration& configuration) {
  return make_part([values = std::move(values), excluded = configuration.metrics.exclude] {
    return render(values, excluded);
  });
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "; ") + line;
  return text;
}

// Adds each that is not said already.
void add_problems(std::vector<std::string>& problems, const std::vector<std::string>& more) {
  for (const std::string& problem : more) {
    if (std::find(problems.begin(), problems.end(), problem) == problems.end()) {
      problems.push_back(problem);
    }
  }
}

}  // namespace

Sampling::Sampling(TcpSource tcp, ReadKernelValues read_kernel_values, Board& board)
    : tcp_(std::move(tcp)), read_kernel_values_(std::move(read_kernel_values)), board_(board) {}

Sampling::Taken Sampling::take(SampleSource source, const Configuration& configuration) {
  if (source == SampleSource::tcp) return {take_sockets(configuration), ""};
  if (source == SampleSource::listeners) {
    auto snapshot = tcp_.poll_listeners(configuration.listeners.peak_window);
    std::string problem = snapshot.problem;
    return {part_of(std::move(snapshot), configuration), std::move(problem)};
  }
  KernelValues values = read_kernel_values_();
  add_problems(values.problems, tcp_.problems());
  std::string problem = joined(values.problems);
  return {part_of(std::move(values), configuration), std::move(problem)};
}

// What is known of listeners is shown anew: its peak is never under the new queue beside it.
std::shared_ptr<const RenderedPart> Sampling::take_sockets(const Configuration& configuration) {
  auto sockets = part_of(tcp_.sample(), configuration);
  auto& listeners = run_of(SampleSource::listeners).part;
  if (listeners != nullptr) {
    listeners = part_of(tcp_.listeners(configuration.listeners.peak_window), configuration);
  }
  return sockets;
}

void Sampling::attempt(SampleSource source, const Configuration& configuration) noexcept {
  attempt_quietly(source, configuration);
  settle(configuration);
}

void Sampling::attempt_all(const Configuration& configuration) noexcept {
  for (const SampleSource source : kSampleSources) attempt_quietly(source, configuration);
  settle(configuration);
}

void Sampling::attempt_quietly(SampleSource source, const Configuration& configuration) noexcept {
  if (source == SampleSource::listeners && !status(SampleSource::tcp).last_success) return;
  Run& run = run_of(source);
  const auto started = Clock::now();
  const auto cpu_time_before = thread_cpu_time();
  try {
    take_sample(source, configuration);
  } catch (const std::exception& error) {
    failed(source, error.what());
  }
  ++run.status.attempts;
  run.status.duration = Clock::now() - started;
  const auto cpu_time = thread_cpu_time() - cpu_time_before + publishing_;
  run.status.cpu_time_total += cpu_time;
  // A failure is cheap and says nothing of what the next good sample will cost.
  run.cost = run.status.success ? cpu_time : std::max(run.cost, cpu_time);
}

void Sampling::take_sample(SampleSource source, const Configuration& configuration) {
  Taken taken = take(source, configuration);
  Run& run = run_of(source);
  run.part = std::move(taken.part);
  run.sampled_at = Clock::now();
  if (taken.problem.empty()) {
    succeeded(source);
  } else {
    failed(source, taken.problem.c_str());
  }
}

void Sampling::succeeded(SampleSource source) {
  Run& run = run_of(source);
  run.status.success = true;
  run.status.last_success = std::chrono::system_clock::now();
  if (run.failing) spdlog::info("{} sample recovered", name_of(source));
  run.failing = false;
}

void Sampling::failed(SampleSource source, const char* why) {
  Run& run = run_of(source);
  run.status.success = false;
  ++run.status.failures;
  if (!run.failing) spdlog::error("{} sample failed: {}", name_of(source), why);
  run.failing = true;
}

void Sampling::settle(const Configuration& configuration) noexcept {
  set_intervals(configuration);
  const auto cpu_time_before = thread_cpu_time();
  try {
    publish(configuration);
  } catch (const std::exception& error) {
    // Out of memory: what was published before goes stale by itself.
    failed(SampleSource::tcp, error.what());
  }
  publishing_ = thread_cpu_time() - cpu_time_before;
}

void Sampling::set_intervals(const Configuration& configuration) {
  double budget = configuration.sampling.cpu_budget;
  const double small_budget = budget * kSmallShare;
  const auto set = [](Run& run, std::chrono::nanoseconds asked, double share) {
    run.status.interval = interval_in_force(asked, share, run.cost);
    return share_of_cpu(run.cost, run.status.interval);
  };
  budget -= set(run_of(SampleSource::listeners), configuration.listeners.interval, small_budget);
  budget -= set(run_of(SampleSource::kernel), configuration.sampling.interval, small_budget);
  set(run_of(SampleSource::tcp), configuration.sampling.interval, budget);
}

void Sampling::publish(const Configuration& configuration) {
  auto exposition = std::make_shared<Exposition>();
  BySampleSource<SampleStatus> statuses;
  for (const SampleSource source : kSampleSources) {
    const Run& run = run_of(source);
    const auto staleness = std::max<std::chrono::nanoseconds>(
        configuration.sampling.max_staleness, kIntervalsUntilStale * run.status.interval);
    exposition->samples[index_of(source)] = {run.part, run.sampled_at + staleness};
    statuses[index_of(source)] = run.status;
  }
  exposition->status = part_of(statuses, configuration);
  board_.publish(std::move(exposition));
}

Sampling kernel_sampling(const Configuration& configuration, Board& board) {
  return {kernel_tcp_source(tcp_policy(configuration)), [] { return read_kernel_values(); }, board};
}

Sampler::Sampler(Sampling sampling, const Configuration& configuration, TurnListener listener)
    : sampling_(std::move(sampling)),
      listener_(std::move(listener)),
      configuration_(configuration),
      applied_(configuration),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

void Sampler::configure(const Configuration& configuration) {
  {
    const std::lock_guard lock(mutex_);
    configuration_ = configuration;
    ++generation_;
  }
  changed_.notify_all();
}

void Sampler::apply_settings() noexcept {
  const std::lock_guard lock(mutex_);
  if (applied_generation_ == generation_) return;
  try {
    Configuration configuration = configuration_;
    sampling_.set_policy(tcp_policy(configuration));
    applied_ = std::move(configuration);
    applied_generation_ = generation_;
  } catch (const std::exception& error) {
    spdlog::error("configuration not applied yet: {}", error.what());  // out of memory
  }
}

// Sources that are due together go in their order: all sockets first.
SampleSource Sampler::next_source() const {
  const auto first = std::min_element(due_.begin(), due_.end(),
                                      [](const Due& a, const Due& b) { return a.next < b.next; });
  return kSampleSources[static_cast<std::size_t>(first - due_.begin())];
}

void Sampler::set_next(SampleSource source) {
  Due& due = due_[index_of(source)];
  due.next = next_due(due.last, Clock::now(), sampling_.status(source).interval);
}

void Sampler::run(const std::stop_token& stop) {
  const auto started = Clock::now();
  due_.fill({started, started});
  sampling_.attempt_all(applied_);
  for (const SampleSource source : kSampleSources) set_next(source);
  listener_.turned();
  for (wait_for_turn(stop); !stop.stop_requested(); wait_for_turn(stop)) {
    listener_.turned();
    take_turn();
  }
}

bool Sampler::is_due(SampleSource source) const {
  return due_[index_of(source)].next <= Clock::now();
}

void Sampler::take_turn() {
  const SampleSource source = next_source();
  if (!is_due(source)) return;
  apply_settings();
  sampling_.attempt(source, applied_);
  due_[index_of(source)].last = due_[index_of(source)].next;
  set_next(source);
}

void Sampler::wait_for_turn(const std::stop_token& stop) {
  const auto latest = Clock::now() + listener_.interval;
  const auto next = [&] { return std::min(latest, due_[index_of(next_source())].next); };
  std::unique_lock lock(mutex_);
  auto seen = applied_generation_;
  while (changed_.wait_until(lock, stop, next(), [&] { return generation_ != seen; })) {
    seen = generation_;
    sampling_.settle(configuration_);
    for (const SampleSource source : kSampleSources) {
      if (!is_due(source)) set_next(source);
    }
  }
}

}  // namespace sockdiag
