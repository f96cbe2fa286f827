// SPDX-License-Identifier: Apache-2.0
#pragma once

// Turns samples into the text that scrapes get. Values that the publication before had keep their
// text.

#include <memory>
#include <mutex>

#include "sockdiag/core/family_patterns.hpp"
#include "sockdiag/core/samples.hpp"
#include "sockdiag/pages/exposition.hpp"

namespace sockdiag {

class Publisher {
 public:
  // `board` must outlive it. Families that `excluded` matches are left out.
  Publisher(Board& board, FamilyPatterns excluded)
      : board_(board), excluded_(std::move(excluded)) {}

  // Renders on the calling thread. Throws std::bad_alloc; then the board is as it was. Not safe
  // from two threads at a time.
  void publish(std::shared_ptr<const Samples> samples);

  // Holds from the next publication on. Safe from any thread.
  void exclude(FamilyPatterns excluded);
  [[nodiscard]] FamilyPatterns excluded() const;

 private:
  Board& board_;
  mutable std::mutex mutex_;
  FamilyPatterns excluded_;
  FamilyPatterns rendered_without_;  // by the last publication
};

}  // namespace sockdiag
