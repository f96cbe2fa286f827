// SPDX-License-Identifier: Apache-2.0
#include "document_cache.hpp"

#include <functional>
#include <new>
#include <string_view>
#include <utility>

namespace sockdiag {
namespace {

std::string etag_of(std::string_view text) {
  return "W/\"" + std::to_string(std::hash<std::string_view>{}(text)) + "\"";
}

template <typename A, typename B>
bool same_owner(const A& a, const B& b) noexcept {
  return !a.owner_before(b) && !b.owner_before(a);
}

}  // namespace

Document::Document(std::string text)
    : part(std::make_shared<const TextPart>(std::move(text))), etag(etag_of(part->text())) {}

Latest::Latest(const Board& board) : now(Diagnosis::TimePoint::clock::now()) {
  if (auto latest = board.latest()) publication = std::move(latest);
  if (publication->samples == nullptr) return;
  const Samples& samples = *publication->samples;
  freshness = (samples.tcp.is_fresh(now) ? 1U : 0U) | (samples.listeners.is_fresh(now) ? 2U : 0U) |
              (samples.kernel.is_fresh(now) ? 4U : 0U);
}

// The lock is not held meanwhile, so that those who wait see what the rendering before has left.
void DocumentCache::render_into(Slot& slot, std::unique_lock<std::mutex>& lock,
                                const Latest& latest, const Render& render) {
  slot.is_rendering = true;
  lock.unlock();
  std::shared_ptr<const Document> document;
  const auto finish = [&] {
    lock.lock();
    slot.is_rendering = false;
    slot.as_of = latest.now;
    slot.publication = latest.publication;
    slot.freshness = latest.freshness;
    slot.document = std::move(document);
    slot.rendered.notify_all();
  };
  try {
    document = std::make_shared<const Document>(render(latest));
  } catch (...) {
    finish();
    throw;
  }
  finish();
}

std::shared_ptr<const Document> DocumentCache::get(DocumentKind kind, Language language,
                                                   const Board& board, const Render& render) {
  Slot& slot = slots_.at(static_cast<std::size_t>(kind)).at(static_cast<std::size_t>(language));
  const auto asked = Diagnosis::TimePoint::clock::now();
  std::unique_lock lock(slot.mutex);
  // Whoever began after the call began took the latest publication then.
  const auto is_new_enough = [&] { return slot.as_of >= asked; };
  ++slot.waiting;
  slot.rendered.wait(lock, [&] { return !slot.is_rendering || is_new_enough(); });
  --slot.waiting;
  if (is_new_enough()) {
    if (slot.document == nullptr) throw std::bad_alloc();
    return slot.document;
  }
  const Latest latest(board);
  if (slot.document == nullptr || !same_owner(slot.publication, latest.publication) ||
      slot.freshness != latest.freshness) {
    render_into(slot, lock, latest, render);
  }
  return slot.document;
}

void DocumentCache::drop_old() {
  for (auto& languages : slots_) {
    for (Slot& slot : languages) {
      std::shared_ptr<const Document> old;  // dies after the lock is gone
      const std::lock_guard lock(slot.mutex);
      if (slot.waiting > 0 || !slot.publication.expired()) continue;
      slot.as_of = {};
      old.swap(slot.document);
    }
  }
}

unsigned DocumentCache::waiting() const {
  unsigned waiting = 0;
  for (const auto& languages : slots_) {
    for (const Slot& slot : languages) {
      const std::lock_guard lock(slot.mutex);
      waiting += slot.waiting;
    }
  }
  return waiting;
}

}  // namespace sockdiag
