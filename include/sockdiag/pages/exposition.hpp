// SPDX-License-Identifier: Apache-2.0
#pragma once

// Turns samples into text and findings, and holds what scrapes and pages share.

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sockdiag/core/family_patterns.hpp"
#include "sockdiag/core/finding.hpp"
#include "sockdiag/core/finding_policy.hpp"
#include "sockdiag/core/port_names.hpp"
#include "sockdiag/core/samples.hpp"
#include "sockdiag/diagnosis/diagnosis.hpp"
#include "sockdiag/diagnosis/trend.hpp"
#include "sockdiag/http/gzip.hpp"

namespace sockdiag {

// Holds a text and its compressed form. Immutable to callers. Safe from any thread.
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

// The text of one publication. Immutable once it is published.
struct Exposition {
  std::shared_ptr<const Samples> samples;
  // The text of each source's values. The first three have the series of other network namespaces
  // that were fresh when it was published, and are withdrawn with the host's values.
  Sampled<TextPart> tcp{};
  Sampled<TextPart> listeners{};
  Sampled<TextPart> kernel{};
  Sampled<TextPart> owners{};                     // and the names of ports
  Sampled<TextPart> namespaces{};                 // how their sampling goes
  std::shared_ptr<const PortNames> port_names{};  // null: none
  std::shared_ptr<const Findings> findings;       // when published: see fresh_findings()
  std::shared_ptr<const Trend> trend;

  // Returns the texts of the values that are fresh at that time, in the order of the exposition.
  [[nodiscard]] std::vector<std::shared_ptr<const TextPart>> parts(
      Sampled<TextPart>::TimePoint now) const;
};

// Holds the latest exposition. Safe from any thread.
class Board {
 public:
  void publish(std::shared_ptr<const Exposition> exposition);

  // Returns null before the first publication.
  [[nodiscard]] std::shared_ptr<const Exposition> latest() const;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Exposition> latest_;
};

class SeriesTexts;

// Renders samples. Keeps the text of values that the publication before had.
class Publisher {
 public:
  // `board` must outlive it. Families that `excluded` matches are left out.
  Publisher(Board& board, FamilyPatterns excluded, FindingPolicy findings = {});
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;
  ~Publisher();

  // Renders on the calling thread. If it throws std::bad_alloc, the board keeps what it had. Not
  // safe from two threads at a time.
  void publish(std::shared_ptr<const Samples> samples);

  // Replaces the patterns and the thresholds, from the next publication on. Safe from any thread,
  // as is excluded().
  void configure(FamilyPatterns excluded, FindingPolicy findings);
  [[nodiscard]] FamilyPatterns excluded() const;

 private:
  [[nodiscard]] FindingPolicy finding_policy() const;

  Board& board_;
  mutable std::mutex mutex_;
  FamilyPatterns excluded_;
  FindingPolicy finding_policy_;
  Diagnosis diagnosis_;
  Trend trend_;
  std::unique_ptr<SeriesTexts> texts_;
  std::shared_ptr<const PortNames> port_names_ = std::make_shared<const PortNames>();
};

}  // namespace sockdiag
