// SPDX-License-Identifier: Apache-2.0
#pragma once

// What diagnosis and samples say as JSON documents (RFC 8259), version 1: deploy/api has their
// schemas. Times are Unix seconds, other numbers in the unit that the member's name ends with.
// What is not known is null. Pure functions, safe from any thread; they throw std::bad_alloc.

#include <string>

#include "sockdiag/diagnosis/diagnosis.hpp"
#include "sockdiag/diagnosis/text.hpp"
#include "sockdiag/pages/exposition.hpp"

namespace sockdiag {

// Returns what was found, the most severe first, with meaning and advice. Before the first sample,
// and while that is too old to be shown, says that the diagnosis is incomplete.
[[nodiscard]] std::string findings_json(const Exposition& exposition, Diagnosis::TimePoint now,
                                        Language language);

// Returns the counts of all ports that have series, and how sampling goes. Leaves out what is too
// old to be shown. Its length grows with the number of ports, by about a kilobyte each.
[[nodiscard]] std::string samples_json(const Exposition& exposition, Diagnosis::TimePoint now);

// Returns what each TCP state means.
[[nodiscard]] std::string states_json(Language language);

}  // namespace sockdiag
