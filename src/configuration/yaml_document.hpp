// SPDX-License-Identifier: Apache-2.0
#pragma once

// Reads a YAML document into a tree. Bounds bytes, depth, values and aliases while it reads, so
// that a hostile text cannot exhaust memory: the longest text allowed takes about 15 MiB while it
// is read, nearly all of it inside yaml-cpp, and less than 4 MiB afterwards. Pure function.

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

// Line and column count from 1. Both are 0 if the place is not known.
struct YamlPlace {
  int line = 0;
  int column = 0;
};

struct YamlNode {
  enum class Kind { null, scalar, list, mapping };

  Kind kind = Kind::null;
  YamlPlace place;
  std::string scalar;
  // The elements of a list, or each key of a mapping followed by its value, in the order of the
  // text. An alias is represented by the node that it names.
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

// Returns null if the text has no document. Throws YamlError if it is not exactly one document or
// exceeds a bound.
[[nodiscard]] std::shared_ptr<const YamlNode> parse_yaml(const std::string& text);

}  // namespace sockdiag
