// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a scrape gets: rendered, and compressed, once per sample and shared by the scrapes that
// follow. An Exposition is immutable; the Board that holds the latest is safe from any thread.

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "sockdiag/exporter/gzip.hpp"
#include "sockdiag/exporter/sample_status.hpp"

namespace sockdiag {

struct RenderedPart {
  std::string text;
  DeflatedPart deflated;
};

[[nodiscard]] std::shared_ptr<const RenderedPart> make_part(std::string text);

// Of one source's last good sample.
struct TimedPart {
  using TimePoint = std::chrono::steady_clock::time_point;

  std::shared_ptr<const RenderedPart> part;  // null before the first
  TimePoint withdrawn_after;                 // when it is too old to be shown

  [[nodiscard]] bool is_fresh(TimePoint now) const noexcept {
    return part != nullptr && now <= withdrawn_after;
  }
};

struct Exposition {
  BySampleSource<TimedPart> samples;
  std::shared_ptr<const RenderedPart> status;  // how sampling goes

  [[nodiscard]] const TimedPart& of(SampleSource source) const noexcept {
    return samples[index_of(source)];
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
