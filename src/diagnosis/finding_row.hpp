// SPDX-License-Identifier: Apache-2.0
#pragma once

// How the texts of a finding are written down: as one row, with its lists in place.

#include <initializer_list>
#include <string_view>

#include "sockdiag/diagnosis/finding_texts.hpp"
#include "wrong_advice.hpp"

namespace sockdiag {

// Rows are constants of a namespace, so that their lists live as long as the program.
struct FindingRow {
  FindingId id;
  Text title;
  Text seen;
  Text meaning;
  std::initializer_list<Text> steps;
  std::initializer_list<const WrongAdvice*> avoid;
  std::initializer_list<Confirmation> confirm;
  std::initializer_list<LookAlike> unlike;
  std::string_view runbook;
  std::string_view source;
};

// GCC 12 refuses a list of Confirmations in braces.
[[nodiscard]] consteval Confirmation see(Text what, std::string_view command) {
  return {what, command};
}

[[nodiscard]] constexpr FindingText text_of(const FindingRow& row) noexcept {
  return {row.id,
          row.title,
          row.seen,
          row.meaning,
          {row.steps.begin(), row.steps.size()},
          {row.avoid.begin(), row.avoid.size()},
          {row.confirm.begin(), row.confirm.size()},
          {row.unlike.begin(), row.unlike.size()},
          row.runbook,
          row.source};
}

}  // namespace sockdiag
