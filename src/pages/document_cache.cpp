// SPDX-License-Identifier: Apache-2.0
#include "document_cache.hpp"

#include <functional>
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

std::shared_ptr<const Document> DocumentCache::get(DocumentKind kind, Language language,
                                                   const Latest& latest,
                                                   const std::function<std::string()>& render) {
  Slot& slot = slots_.at(static_cast<std::size_t>(kind)).at(static_cast<std::size_t>(language));
  const std::lock_guard lock(slot.mutex);
  if (slot.document == nullptr || !same_owner(slot.publication, latest.publication) ||
      slot.freshness != latest.freshness) {
    slot.document = std::make_shared<const Document>(render());
    slot.publication = latest.publication;
    slot.freshness = latest.freshness;
  }
  return slot.document;
}

}  // namespace sockdiag
