// SPDX-License-Identifier: Apache-2.0
#pragma once

// A YAML document as a tree. What a hostile text could have too much of is bounded while the text
// is read: bytes, depth, values and aliases. A text of the greatest length takes about 15 MiB until
// it is read, all of it in yaml-cpp, and less than 4 MiB afterwards.

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace sockdiag {

constexpr std::size_t kMaxYamlBytes = std::size_t{64} << 10U;
constexpr std::size_t kMaxYamlDepth = 8;
constexpr std::size_t kMaxYamlValues = 25'000;  // two lists of 10 000 ports, and the rest
constexpr std::size_t kMaxYamlAliases = 100;

// Both count from 1; 0 where the place is not known.
struct YamlPlace {
  int line = 0;
  int column = 0;
};

struct YamlNode {
  enum class Kind { null, scalar, list, mapping };

  Kind kind = Kind::null;
  YamlPlace place;
  std::string scalar;
  // A mapping has each key and its value after it, as they stand in the text. An alias is the node
  // that it names.
  std::vector<std::shared_ptr<const YamlNode>> children{};
};

class YamlError : public std::runtime_error {
 public:
  YamlError(YamlPlace place, const std::string& problem)
      : std::runtime_error(problem), place_(place) {}
  [[nodiscard]] YamlPlace place() const noexcept { return place_; }

 private:
  YamlPlace place_;
};

// Returns null where the text has no document. Throws YamlError, also for a second document.
[[nodiscard]] std::shared_ptr<const YamlNode> parse_yaml(const std::string& text);

}  // namespace sockdiag
