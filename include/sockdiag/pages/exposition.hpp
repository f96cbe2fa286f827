// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a scrape gets. Samples come more often than scrapes, so a sample is published as values; the
// first scrape that shows it renders them, and the scrapes that follow share the text. An
// Exposition is immutable; the Board that holds the latest is safe from any thread.

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "sockdiag/core/sample_status.hpp"
#include "sockdiag/http/gzip.hpp"

namespace sockdiag {

// The text of one source. Calls `render` once, at the first question, and then lets go of it and
// what it holds. Safe from any thread: a scrape waits while another one renders the same part.
class RenderedPart {
 public:
  // Called on the thread of a scrape, so it must hold values that nobody changes.
  using Render = std::function<std::string()>;

  explicit RenderedPart(Render render) : render_(std::move(render)) {}

  // Both live as long as the part. They throw what `render` throws, or std::bad_alloc; then the
  // next call begins anew.
  [[nodiscard]] const std::string& text() const;
  [[nodiscard]] const DeflatedPart& deflated() const;

 private:
  [[nodiscard]] const std::string& text_with_lock() const;

  mutable std::mutex mutex_;
  mutable Render render_;  // empty once there is a text
  mutable std::string text_;
  mutable std::optional<DeflatedPart> deflated_;
};

[[nodiscard]] std::shared_ptr<const RenderedPart> make_part(RenderedPart::Render render);

// Of a text that is there already.
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
