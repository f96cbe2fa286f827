// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a scrape gets: rendered, and compressed, once per sample and shared by the scrapes that
// follow. An Exposition is immutable; the Board that holds the latest is safe from any thread.

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "sockdiag/exporter/gzip.hpp"

namespace sockdiag {

struct RenderedPart {
  std::string text;
  DeflatedPart deflated;
};

[[nodiscard]] std::shared_ptr<const RenderedPart> make_part(std::string text);

struct Exposition {
  using TimePoint = std::chrono::steady_clock::time_point;

  std::shared_ptr<const RenderedPart> sockets;  // of the last good sample; null before the first
  TimePoint withdrawn_after;                    // when those are too old to be shown
  std::shared_ptr<const RenderedPart> status;   // how sampling goes

  [[nodiscard]] bool is_fresh(TimePoint now) const noexcept {
    return sockets != nullptr && now <= withdrawn_after;
  }
};

class Board {
 public:
  void publish(std::shared_ptr<const Exposition> exposition);

  // Null before the first attempt to sample.
  [[nodiscard]] std::shared_ptr<const Exposition> latest() const;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Exposition> latest_;
};

}  // namespace sockdiag
