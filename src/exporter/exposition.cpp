// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/exporter/exposition.hpp"

#include <utility>

namespace sockdiag {

std::shared_ptr<const RenderedPart> make_part(std::string text) {
  DeflatedPart deflated = deflate_part(text);
  return std::make_shared<RenderedPart>(RenderedPart{std::move(text), std::move(deflated)});
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
