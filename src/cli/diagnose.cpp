// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <utility>

#include "documents.hpp"
#include "network_namespace.hpp"
#include "report.hpp"
#include "sockdiag/configuration/duration.hpp"
#include "subcommands.hpp"
#include "suspects.hpp"
#include "terminal.hpp"
#include "watch.hpp"

namespace sockdiag {
namespace {

using Clock = std::chrono::steady_clock;

constexpr Text kWatched(", watched for ", "，观察时长 ");
constexpr Text kSamples("; samples: ", "；采样次数：");
constexpr Text kLastSample(", last sample ", "，最近一次采样在 ");
constexpr Text kAgo(" ago", " 前");
constexpr Text kWatching("watching: ", "观察中：");

std::string whole_seconds(Clock::duration duration) {
  return format_duration(std::chrono::floor<std::chrono::seconds>(duration));
}

// A line on standard error while it watches, if that is a terminal.
class Progress {
 public:
  Progress(std::chrono::milliseconds length, Language language)
      : of_(" / " + format_duration(length)), language_(language) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() {
    if (shown_) std::cerr << "\r\x1b[K" << std::flush;
  }

  void show(Clock::duration elapsed) {
    if (!on_terminal_) return;
    shown_ = true;
    std::cerr << "\r\x1b[K" << kWatching.in(language_) << whole_seconds(elapsed) << of_
              << std::flush;
  }

 private:
  const bool on_terminal_ = ::isatty(STDERR_FILENO) != 0;
  std::string of_;
  Language language_;
  bool shown_ = false;
};

// What was looked at, in a sentence, and what was seen.
struct Answer {
  std::string heading;
  Documents documents;
};

Answer watch_host(const ReportOptions& options, const Configuration& configuration,
                  Language language) {
  std::string heading = place_looked_at(options, configuration.path, language);
  Watch watch(configuration);
  Suspects suspects(configuration.path);
  Progress progress(options.watch_for, language);
  const auto begin = Clock::now();
  auto last = begin;
  int samples = 1;
  watch.sample();
  for (auto next = begin + watch.interval(); next <= begin + options.watch_for;
       next = std::max(next + watch.interval(), Clock::now())) {
    progress.show(last - begin);
    suspects.watch(*watch.findings());
    std::this_thread::sleep_until(next);
    last = next;
    watch.sample();
    ++samples;
  }
  heading.append(kWatched.in(language))
      .append(whole_seconds(last - begin))
      .append(kSamples.in(language));
  Documents documents = watch.documents(language);
  documents.findings = suspects.add_to(documents.findings, *watch.findings(), language);
  return {heading + std::to_string(samples), std::move(documents)};
}

// Returns the heading with the age of the sample. Clocks of two hosts differ: no age is below 0.
std::string with_age(const std::string& heading, double timestamp, Language language) {
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  const double age = std::clamp(std::floor(now.count() - timestamp), 0.0, 1e9);
  const std::chrono::seconds seconds(static_cast<std::int64_t>(age));
  return heading + std::string(kLastSample.in(language)) + format_duration(seconds) +
         std::string(kAgo.in(language));
}

Answer answer_of(const ReportOptions& options, const Configuration& configuration,
                 Language language) {
  if (!options.url) return watch_host(options, configuration, language);
  const HttpUrl url = parse_http_url(*options.url);
  return {authority_of(url), ask_exporter(url, language)};
}

}  // namespace

int diagnose(const ReportOptions& options, const Configuration& configuration) {
  const Style style = style_of(options);
  Answer answer = answer_of(options, configuration, style.language);
  const auto [findings, samples] =
      read_documents(answer.documents, options.url ? answer.heading : "");
  if (!samples.timestamp) throw std::runtime_error("there is no sample of the sockets yet");
  if (options.url) answer.heading = with_age(answer.heading, *samples.timestamp, style.language);
  if (options.json) {
    std::cout << printable(answer.documents.findings) << '\n';
  } else {
    std::cout << report_text(answer.heading, findings, samples, style);
  }
  return findings.complete && !findings.has_warning() ? EXIT_SUCCESS : kExitFailed;
}

}  // namespace sockdiag
