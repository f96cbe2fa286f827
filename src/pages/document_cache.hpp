// SPDX-License-Identifier: Apache-2.0
#pragma once

// Keeps what a publication was rendered to, so that any number of clients cost one rendering. Safe
// from any thread.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "sockdiag/diagnosis/text.hpp"
#include "sockdiag/pages/exposition.hpp"

namespace sockdiag {

struct Document {
  explicit Document(std::string text);

  std::shared_ptr<const TextPart> part;
  std::string etag;  // of its content; weak, since it stands for the compressed form, too
};

// The latest publication, at one time.
struct Latest {
  Latest() = default;
  explicit Latest(const Board& board);

  std::shared_ptr<const Exposition> publication = std::make_shared<const Exposition>();
  Diagnosis::TimePoint now;
  // Tells apart the times at which more or less of the publication is fresh.
  unsigned freshness = 0;
};

enum class DocumentKind : std::uint8_t { page, findings, samples };

class DocumentCache {
 public:
  // Returns the document, which is rendered first unless it is of that publication and freshness
  // already. Others who want it meanwhile wait, and get the same one. Throws what `render` throws.
  [[nodiscard]] std::shared_ptr<const Document> get(DocumentKind kind, Language language,
                                                    const Latest& latest,
                                                    const std::function<std::string()>& render);

 private:
  struct Slot {
    std::mutex mutex;
    std::weak_ptr<const Exposition> publication;
    unsigned freshness = 0;
    std::shared_ptr<const Document> document;
  };
  std::array<std::array<Slot, kLanguages.size()>, 3> slots_;  // all that is ever held
};

}  // namespace sockdiag
