// SPDX-License-Identifier: Apache-2.0
#include "watch.hpp"

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>
#include <vector>

#include "sockdiag/pages/json.hpp"
#include "sockdiag/sampling/source.hpp"

namespace sockdiag {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kInterval = 1s;
constexpr std::chrono::seconds kPatience = 5s;
constexpr GetLimits kLimits = {10s, 32 << 20};  // 10 000 ports each way are 20 MiB of samples

Policies brisk(Policies policies) {
  policies.sampling.interval = std::min(policies.sampling.interval, kInterval);
  policies.listeners.interval = policies.sampling.interval;  // all are sampled together
  return policies;
}

std::string ask(const HttpUrl& url, const std::string& target) {
  HttpAnswer answer = get(url, target, kLimits);
  if (answer.status == 200) return std::move(answer.body);
  std::string problem =
      authority_of(url) + ": " + target + " answered " + std::to_string(answer.status);
  if (answer.status == 401) problem += ": it asks for a login, which cannot be given here";
  if (answer.status == 404) problem += ": no sockdiag_exporter, or one too old to be asked";
  throw RequestError(problem);
}

}  // namespace

Watch::Watch(const Configuration& configuration)
    : policies_(brisk(policies_of(configuration))),
      publisher_(board_, {"*"}, finding_policy_of(configuration)),
      sampling_(observed_sources(configuration.path),
                [this](std::shared_ptr<const Samples> samples) {
                  publisher_.publish(std::move(samples));
                }) {}

// The sources of the kernel, which leave what went wrong in problem_.
std::vector<Source> Watch::observed_sources(const HostPaths& paths) {
  std::vector<Source> sources = kernel_sources(paths);
  for (Source& source : sources) {
    source.sample = [this, sample = std::move(source.sample)](const Policies& policies) {
      try {
        return sample(policies);
      } catch (const std::exception& error) {
        problem_ = error.what();
        throw;
      }
    };
  }
  return sources;
}

void Watch::sample() {
  // Other namespaces are visited in turns: the first sample is to show all of them.
  sampling_.attempt_all(policies_, board_.latest() == nullptr ? kPatience : 0s);
  const auto latest = board_.latest();
  if (latest != nullptr && latest->samples->tcp.value != nullptr) return;
  throw std::runtime_error("the sockets cannot be read: " + problem_);
}

std::chrono::nanoseconds Watch::interval() const {
  std::chrono::nanoseconds longest{};
  for (std::size_t i = 0; i < sampling_.size(); ++i) {
    const SampleStatus& status = sampling_.status(i);
    // Its turns have a budget of their own, and may be taken early.
    if (status.source != "namespaces") longest = std::max(longest, status.interval);
  }
  return longest;
}

std::shared_ptr<const Findings> Watch::findings() const {
  const auto latest = board_.latest();
  return fresh_findings(latest->findings, *latest->samples, Diagnosis::TimePoint::clock::now());
}

Documents Watch::documents(Language language) const {
  const auto latest = board_.latest();
  const auto now = Diagnosis::TimePoint::clock::now();
  return {findings_json(*latest, now, language), samples_json(*latest, now)};
}

Documents ask_exporter(const HttpUrl& url, Language language) {
  const std::string query = "?lang=" + std::string(tag_of(language));
  return {ask(url, "/api/v1/findings" + query), ask(url, "/api/v1/samples")};
}

}  // namespace sockdiag
