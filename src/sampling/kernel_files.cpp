// SPDX-License-Identifier: Apache-2.0
#include "kernel_files.hpp"

#include <algorithm>
#include <utility>

namespace sockdiag {
namespace {

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "; ") + line;
  return text;
}

}  // namespace

void KernelFiles::add_once(Lines& problems, const std::string& problem) {
  if (std::find(problems.begin(), problems.end(), problem) == problems.end()) {
    problems.push_back(problem);
  }
}

SampleResult KernelFiles::sample() {
  KernelValues values = readers_.values();
  for (const std::string& problem : problems_) add_once(values.problems, problem);
  std::string problem = joined(values.problems);
  values_ = std::make_shared<const KernelValues>(std::move(values));
  return {true, std::move(problem)};
}

}  // namespace sockdiag
