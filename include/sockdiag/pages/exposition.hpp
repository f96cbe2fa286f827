// SPDX-License-Identifier: Apache-2.0
#pragma once

// The text of one publication, as scrapes share it. An Exposition is immutable; the Board that
// holds the latest is safe from any thread.

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sockdiag/core/samples.hpp"
#include "sockdiag/http/gzip.hpp"

namespace sockdiag {

// Text, and its compressed form from the first scrape on that asks for it. Safe from any thread.
class TextPart {
 public:
  explicit TextPart(std::string text) : text_(std::move(text)) {}

  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  // Compresses at the first call. Throws std::bad_alloc; then the next call begins anew.
  [[nodiscard]] const DeflatedPart& deflated() const;

 private:
  std::string text_;
  mutable std::mutex mutex_;
  mutable std::optional<DeflatedPart> deflated_;
};

struct Exposition {
  std::shared_ptr<const Samples> samples;
  // The text of each source's values.
  Sampled<TextPart> tcp;
  Sampled<TextPart> listeners;
  Sampled<TextPart> kernel;

  // What there is to show at that time, in the order of the exposition.
  [[nodiscard]] std::vector<std::shared_ptr<const TextPart>> parts(
      Sampled<TextPart>::TimePoint now) const;
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
