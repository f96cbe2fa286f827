// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace sockdiag::bench {

// Command line of `--name value` and `--flag`; only names given to the constructor are known,
// others throw std::invalid_argument.
class Arguments {
 public:
  Arguments(int argc, char** argv, const std::vector<std::string>& names,
            const std::vector<std::string>& flags);

  [[nodiscard]] bool has(const std::string& name) const { return values_.count(name) != 0; }
  [[nodiscard]] std::string text(const std::string& name, const std::string& fallback) const;
  [[nodiscard]] std::size_t number(const std::string& name, std::size_t fallback) const;
  // Numbers with commas between them.
  [[nodiscard]] std::vector<std::size_t> numbers(const std::string& name,
                                                 const std::string& fallback) const;

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace sockdiag::bench
