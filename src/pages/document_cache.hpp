// SPDX-License-Identifier: Apache-2.0
#pragma once

// Keeps what a publication was rendered to, so that any number of clients cost one rendering. Safe
// from any thread.

#include <array>
#include <condition_variable>
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
  using Render = std::function<std::string(const Latest&)>;

  // Returns the document of a publication that is the latest at some time during the call. Renders
  // it unless that has been done. Waits while another thread renders: for the end of that, and
  // once more if it began before the call, however many wait and however often there is a new
  // publication. Throws what `render` throws, and std::bad_alloc if it threw in another thread.
  [[nodiscard]] std::shared_ptr<const Document> get(DocumentKind kind, Language language,
                                                    const Board& board, const Render& render);

  // Gives up the documents of publications that are gone.
  void drop_old();

  // Returns how many threads wait for another's rendering.
  [[nodiscard]] unsigned waiting() const;

 private:
  struct Slot {
    mutable std::mutex mutex;
    std::condition_variable rendered;
    bool is_rendering = false;
    unsigned waiting = 0;
    Diagnosis::TimePoint as_of;  // of `latest` at the last rendering that has ended
    std::weak_ptr<const Exposition> publication;
    unsigned freshness = 0;
    std::shared_ptr<const Document> document;  // null if rendering failed
  };

  static void render_into(Slot& slot, std::unique_lock<std::mutex>& lock, const Latest& latest,
                          const Render& render);

  std::array<std::array<Slot, kLanguages.size()>, 3> slots_;  // all that is ever held
};

}  // namespace sockdiag
