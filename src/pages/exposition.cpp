// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/pages/exposition.hpp"

#include <utility>

namespace sockdiag {

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

}  // namespace sockdiag
