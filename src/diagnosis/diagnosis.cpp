// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/diagnosis/diagnosis.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "blindness.hpp"
#include "finding_owner.hpp"
#include "history.hpp"
#include "rules.hpp"

namespace sockdiag {
namespace {

using TimePoint = Diagnosis::TimePoint;
using SystemTime = std::chrono::system_clock::time_point;

// Everything that findings come of, but for the policy and what is remembered.
struct Inputs {
  // Null if they are not fresh. Held, so that no later value has the same address.
  std::shared_ptr<const void> tcp;
  std::shared_ptr<const void> listeners;
  std::shared_ptr<const void> kernel;
  std::shared_ptr<const void> owners;
  std::vector<Measure> blindness;

  friend bool operator==(const Inputs&, const Inputs&) noexcept = default;
};

template <typename Value>
std::shared_ptr<const void> fresh(const Sampled<Value>& sampled, Diagnosis::TimePoint now) {
  return sampled.is_fresh(now) ? sampled.value : nullptr;
}

// The time of the newest sample.
SystemTime time_of(const SampleStatuses& statuses) {
  std::optional<SystemTime> newest;
  for (const SampleStatus& status : statuses) newest = std::max(newest, status.last_success);
  return newest.value_or(std::chrono::system_clock::now());
}

bool is_disabled(const FindingPolicy& policy, FindingId id) {
  return std::find(policy.disable.begin(), policy.disable.end(), name_of(id)) !=
         policy.disable.end();
}

bool has_values(const Evidence& evidence, std::uint32_t values) {
  for (std::size_t i = 0; i < kKernelValueCount; ++i) {
    const bool needed = ((values >> i) & 1U) != 0;
    if (needed && !evidence.latest(static_cast<KernelValue>(i))) return false;
  }
  return true;
}

// Whether the sources that the rule needs are there: if not, there is a finding that says so.
bool has_sources(const Evidence& evidence, const Needs& needs) {
  return (!needs.sockets || evidence.tcp != nullptr) && (needs.values == 0 || evidence.has_kernel);
}

// Whether this kernel and network namespace have what the rule needs.
bool can_check(const Evidence& evidence, const Needs& needs) {
  if (needs.cookies && !evidence.tcp->unique_cookies) return false;
  if (needs.ephemeral && !evidence.tcp->ephemeral.available) return false;
  return has_values(evidence, needs.values);
}

// Whether a rule is asked of another network namespace, too.
enum class Scope : std::uint8_t { host, network_namespace };

Findings look_for_all(const Evidence& evidence, Scope scope) {
  Findings findings;
  for (const Rule& rule : rules()) {
    if (rule.needs.host && scope != Scope::host) continue;
    if (is_disabled(evidence.policy, rule.id) || !has_sources(evidence, rule.needs)) continue;
    if (!can_check(evidence, rule.needs)) {
      findings.unchecked.push_back(rule.id);
      continue;
    }
    const std::size_t before = findings.found.size();
    Report report(rule.id, findings.found);
    rule.check(evidence, report);
    const bool none = findings.found.size() == before;
    if (none && evidence.history.watched_for() < rule.needs.watch) {
      findings.unchecked.push_back(rule.id);
    }
  }
  return findings;
}

double size_of(const Finding& finding) {
  return finding.seen.empty() ? 0 : finding.seen.front().value;
}

// The most severe first. Of those, the largest of a kind: other kinds do not compare.
void sort(std::vector<Finding>& found) {
  std::stable_sort(found.begin(), found.end(), [](const Finding& a, const Finding& b) {
    return std::tuple(b.severity, a.id, size_of(b)) < std::tuple(a.severity, b.id, size_of(a));
  });
}

// A finding that was there before keeps the time since when it holds.
void date(std::vector<Finding>& found, const Findings* before, SystemTime now) {
  for (Finding& finding : found) {
    finding.since = now;
    if (before == nullptr) continue;
    const auto same = std::find_if(before->found.begin(), before->found.end(),
                                   [&](const Finding& each) { return each.is_same(finding); });
    if (same != before->found.end()) finding.since = same->since;
  }
}

// The findings of the exporter's network namespace, or of those of one owner.
class Subject {
 public:
  // Returns whether there may be others than before.
  bool examine(const Samples& samples, const FindingPolicy& policy, bool same_policy, TimePoint now,
               const OwnerLabels* owner) {
    history_.record(samples, now);
    const bool is_host = owner == nullptr;
    const Inputs inputs{fresh(samples.tcp, now), fresh(samples.listeners, now),
                        fresh(samples.kernel, now), fresh(samples.owners, now),
                        is_host ? blindness_of(samples, history_, now) : std::vector<Measure>{}};
    if (latest_ != nullptr && inputs == inputs_ && same_policy) return false;
    const Scope scope = is_host ? Scope::host : Scope::network_namespace;
    auto findings =
        std::make_shared<Findings>(look_for_all(Evidence(samples, policy, history_, now), scope));
    if (is_host) {
      const bool known = samples.owners.is_fresh(now);
      name_owners(findings->found, latest_.get(), known ? samples.owners.value.get() : nullptr);
    } else {
      set_namespace(findings->found, *owner);
    }
    date(findings->found, latest_.get(), time_of(samples.statuses));
    inputs_ = inputs;
    latest_ = std::move(findings);
    return true;
  }

  [[nodiscard]] const Findings& latest() const noexcept { return *latest_; }

 private:
  static void set_namespace(std::vector<Finding>& found, const OwnerLabels& owner) {
    for (Finding& finding : found) {
      finding.owner = owner;
      finding.of_namespace = true;
    }
  }

  History history_;
  Inputs inputs_;
  std::shared_ptr<const Findings> latest_;
};

// Returns the values of one owner's network namespaces as if they were a host's.
Samples samples_of(const NamespaceSample& sample, const SampleStatuses& statuses) {
  Samples samples;
  samples.tcp = sample.tcp;
  samples.listeners = sample.listeners;
  if (sample.counters.value != nullptr) {
    samples.kernel = {{sample.counters.value, &sample.counters.value->kernel},
                      sample.counters.withdrawn_after};
  }
  samples.statuses = statuses;
  return samples;
}

// Those of a source that visits all namespaces in turn.
SampleStatuses statuses_of(const NamespacesSnapshot& namespaces) {
  SampleStatuses statuses;
  for (const std::string_view source : {"tcp", "kernel"}) {
    SampleStatus status;
    status.source = source;
    status.interval = namespaces.rotation;
    statuses.push_back(status);
  }
  return statuses;
}

}  // namespace

class Diagnosis::Memory {
 public:
  std::shared_ptr<const Findings> examine(const Samples& samples, const FindingPolicy& policy,
                                          TimePoint now) {
    const bool same_policy = latest_ != nullptr && policy == policy_;
    bool changed = host_.examine(samples, policy, same_policy, now, nullptr);
    changed =
        examine_namespaces(samples.namespaces.value.get(), policy, same_policy, now) || changed;
    if (!changed && same_policy) return latest_;
    auto findings = std::make_shared<Findings>(host_.latest());
    for (const auto& [owner, subject] : namespaces_) {
      const auto& found = subject.latest().found;
      findings->found.insert(findings->found.end(), found.begin(), found.end());
    }
    for (Finding& finding : findings->found) {
      finding.port_name = name_of_port(policy.port_names, finding.port.value_or(0));
    }
    sort(findings->found);
    policy_ = policy;
    latest_ = std::move(findings);
    return latest_;
  }

 private:
  // Forgets the owners that have gone. Returns whether there may be other findings than before.
  bool examine_namespaces(const NamespacesSnapshot* namespaces, const FindingPolicy& policy,
                          bool same_policy, TimePoint now) {
    std::map<SharedOwnerLabels, Subject> subjects;
    bool changed = false;
    if (namespaces != nullptr) {
      FindingPolicy of_namespaces = policy;
      of_namespaces.expected_listeners = {};  // of the host
      const SampleStatuses statuses = statuses_of(*namespaces);
      for (const NamespaceSample& sample : namespaces->samples) {
        if (sample.tcp.value == nullptr) continue;  // all rules that are left need sockets
        const SharedOwnerLabels& owner = sample.owner;
        auto node = namespaces_.extract(owner);
        Subject& subject =
            node.empty() ? subjects[owner] : subjects.insert(std::move(node)).position->second;
        changed = subject.examine(samples_of(sample, statuses), of_namespaces, same_policy, now,
                                  &*owner) ||
                  changed;
      }
    }
    changed = changed || !namespaces_.empty();  // that have gone
    namespaces_ = std::move(subjects);
    return changed;
  }

  Subject host_;
  std::map<SharedOwnerLabels, Subject> namespaces_;
  FindingPolicy policy_;
  std::shared_ptr<const Findings> latest_;
};

Diagnosis::Diagnosis() : memory_(std::make_unique<Memory>()) {}
Diagnosis::~Diagnosis() = default;

std::shared_ptr<const Findings> Diagnosis::examine(const Samples& samples,
                                                   const FindingPolicy& policy, TimePoint now) {
  return memory_->examine(samples, policy, now);
}

std::shared_ptr<const Findings> fresh_findings(const std::shared_ptr<const Findings>& findings,
                                               const Samples& samples, Diagnosis::TimePoint now) {
  if (samples.tcp.value == nullptr || samples.tcp.is_fresh(now)) return findings;
  auto left = std::make_shared<Findings>();
  left->unchecked = findings->unchecked;
  bool is_blind = false;
  for (const Finding& finding : findings->found) {
    const bool goes_on = !rules()[index_of(finding.id)].needs.sockets &&
                         (finding.id == FindingId::blind || samples.kernel.is_fresh(now));
    if (goes_on) left->found.push_back(finding);
    is_blind = is_blind || finding.id == FindingId::blind;
  }
  const auto too_old_for =
      std::chrono::duration_cast<SystemTime::duration>(now - samples.tcp.withdrawn_after);
  if (!is_blind) {
    left->found.push_back({.id = FindingId::blind,
                           .severity = Severity::warning,
                           .seen = blindness_of_old_dump(),
                           .since = std::chrono::system_clock::now() - too_old_for});
  }
  return left;
}

}  // namespace sockdiag
