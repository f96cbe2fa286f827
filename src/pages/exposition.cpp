// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/pages/exposition.hpp"

#include "series_texts.hpp"

namespace sockdiag {

const DeflatedPart& TextPart::deflated() const {
  const std::lock_guard lock(mutex_);
  if (!deflated_) deflated_ = deflate_part(text_);
  return *deflated_;
}

std::vector<std::shared_ptr<const TextPart>> Exposition::parts(
    Sampled<TextPart>::TimePoint now) const {
  std::vector<std::shared_ptr<const TextPart>> parts;
  for (const Sampled<TextPart>* part : {&tcp, &listeners, &kernel, &owners, &namespaces}) {
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

Publisher::Publisher(Board& board, FamilyPatterns excluded, FindingPolicy findings)
    : board_(board),
      excluded_(std::move(excluded)),
      finding_policy_(std::move(findings)),
      texts_(std::make_unique<SeriesTexts>()) {}

Publisher::~Publisher() = default;

void Publisher::publish(std::shared_ptr<const Samples> samples) {
  const FindingPolicy policy = finding_policy();
  if (policy.port_names != *port_names_) {
    port_names_ = std::make_shared<const PortNames>(policy.port_names);
  }
  const auto now = Diagnosis::TimePoint::clock::now();
  auto exposition = std::make_shared<Exposition>();
  texts_->render(*samples, excluded(), port_names_, now, *exposition);
  exposition->findings = diagnosis_.examine(*samples, policy, now);
  trend_.add(*samples, now);
  exposition->trend = std::make_shared<const Trend>(trend_);
  exposition->port_names = port_names_;
  exposition->samples = std::move(samples);
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
