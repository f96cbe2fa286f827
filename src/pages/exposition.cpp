// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/pages/exposition.hpp"

#include "sockdiag/metrics/metric_families.hpp"

namespace sockdiag {
namespace {

// Returns the text of the same value if the publication before had it, or renders a new one.
template <typename Value>
Sampled<TextPart> text_of(const Sampled<Value>& sampled, const Sampled<Value>& value_before,
                          const Sampled<TextPart>& text_before, const FamilyPatterns& excluded) {
  if (sampled.value == nullptr) return {};
  if (sampled.value == value_before.value) return {text_before.value, sampled.withdrawn_after};
  return {std::make_shared<const TextPart>(render(*sampled.value, excluded)),
          sampled.withdrawn_after};
}

}  // namespace

const DeflatedPart& TextPart::deflated() const {
  const std::lock_guard lock(mutex_);
  if (!deflated_) deflated_ = deflate_part(text_);
  return *deflated_;
}

std::vector<std::shared_ptr<const TextPart>> Exposition::parts(
    Sampled<TextPart>::TimePoint now) const {
  std::vector<std::shared_ptr<const TextPart>> parts;
  for (const Sampled<TextPart>* part : {&tcp, &listeners, &kernel}) {
    if (part->is_fresh(now)) parts.push_back(part->value);
  }
  return parts;
}

void Board::publish(std::shared_ptr<const Exposition> exposition) {
  const std::lock_guard lock(mutex_);
  latest_.swap(exposition);  // the old one dies after the lock is gone
}

std::shared_ptr<const Exposition> Board::latest() const {
  const std::lock_guard lock(mutex_);
  return latest_;
}

void Publisher::publish(std::shared_ptr<const Samples> samples) {
  FamilyPatterns excluded = this->excluded();
  static const Samples none;
  const auto latest = excluded == rendered_without_ ? board_.latest() : nullptr;
  const Exposition before = latest != nullptr ? *latest : Exposition{};
  const Samples& known = before.samples != nullptr ? *before.samples : none;
  auto exposition = std::make_shared<Exposition>();
  exposition->tcp = text_of(samples->tcp, known.tcp, before.tcp, excluded);
  exposition->listeners = text_of(samples->listeners, known.listeners, before.listeners, excluded);
  exposition->kernel = text_of(samples->kernel, known.kernel, before.kernel, excluded);
  const auto now = Diagnosis::TimePoint::clock::now();
  exposition->findings = diagnosis_.examine(*samples, finding_policy(), now);
  trend_.add(*samples, now);
  exposition->trend = std::make_shared<const Trend>(trend_);
  exposition->samples = std::move(samples);
  rendered_without_ = std::move(excluded);
  board_.publish(std::move(exposition));
}

void Publisher::configure(FamilyPatterns excluded, FindingPolicy findings) {
  const std::lock_guard lock(mutex_);
  excluded_ = std::move(excluded);
  finding_policy_ = std::move(findings);
}

FindingPolicy Publisher::finding_policy() const {
  const std::lock_guard lock(mutex_);
  return finding_policy_;
}

FamilyPatterns Publisher::excluded() const {
  const std::lock_guard lock(mutex_);
  return excluded_;
}

}  // namespace sockdiag
