// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "statistics.hpp"

namespace sockdiag::bench {

// A JSON object written member by member. Keys and texts are the benchmarks' own: quotes and
// backslashes are escaped, control characters do not occur.
class JsonObject {
 public:
  JsonObject& add(std::string_view key, double value);
  JsonObject& add(std::string_view key, std::string_view value);
  JsonObject& add(std::string_view key, const Summary& value);
  JsonObject& add(std::string_view key, const JsonObject& value);
  JsonObject& add(std::string_view key, const std::vector<JsonObject>& values);

  [[nodiscard]] std::string text() const { return '{' + members_ + '}'; }

 private:
  JsonObject& add_member(std::string_view key, std::string_view json);

  std::string members_;
};

// Kernel, CPUs and user of this run.
[[nodiscard]] JsonObject describe_host();

}  // namespace sockdiag::bench
