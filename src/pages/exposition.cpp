// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/pages/exposition.hpp"

#include <utility>

namespace sockdiag {

const std::string& RenderedPart::text_with_lock() const {
  if (render_) {
    text_ = render_();
    render_ = nullptr;
  }
  return text_;
}

const std::string& RenderedPart::text() const {
  const std::lock_guard lock(mutex_);
  return text_with_lock();
}

const DeflatedPart& RenderedPart::deflated() const {
  const std::lock_guard lock(mutex_);
  if (!deflated_) deflated_ = deflate_part(text_with_lock());
  return *deflated_;
}

std::shared_ptr<const RenderedPart> make_part(RenderedPart::Render render) {
  return std::make_shared<const RenderedPart>(std::move(render));
}

std::shared_ptr<const RenderedPart> make_part(std::string text) {
  return make_part([text = std::move(text)]() mutable { return std::move(text); });
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
