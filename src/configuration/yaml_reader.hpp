// SPDX-License-Identifier: Apache-2.0
#pragma once

// Reads YAML strictly, for any format that knows its keys. What is wrong throws ConfigError with
// the text "NAME:LINE:COLUMN: problem". Not thread-safe.

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "yaml_document.hpp"

namespace sockdiag {

// Returns the first bytes of a file, at most `most`. Follows symbolic links. Never waits for data:
// only a mount that hangs can delay it. Throws ConfigError, with the path and the reason, if the
// file cannot be read or is not regular.
[[nodiscard]] std::string read_file(const std::string& path, std::size_t most);

// Returns the text of a file as read_file() does, cut one byte beyond kMaxYamlBytes so that parse()
// refuses a longer one.
[[nodiscard]] std::string read_yaml_file(const std::string& path);

class YamlReader {
 public:
  // `name` stands for the file in errors. It has to outlive the reader.
  explicit YamlReader(std::string_view name) : name_(name) {}

  // Returns null if the text has no document or an empty one.
  [[nodiscard]] std::shared_ptr<const YamlNode> parse(const std::string& text) const;

  // Returns "NAME:LINE:COLUMN", or the name alone if the place is not known.
  [[nodiscard]] std::string in_file(YamlPlace place) const;

  [[noreturn]] void fail(YamlPlace place, const std::string& problem) const;

  // Names what was meant: `expected` if it is given, else the known name that is nearest to the
  // key, else all known names.
  [[noreturn]] void fail_unknown(const YamlNode& key, std::span<const std::string_view> known,
                                 const std::string& expected = {}) const;

  // Calls `visit` with each key and its value, in the order of the text. Throws if a key is no
  // plain word, is a merge key (<<) or occurs twice.
  using Visit = std::function<void(const YamlNode& key, const YamlNode& value)>;
  void for_each_key(const YamlNode& mapping, const Visit& visit) const;

  // `expected` begins the error, for example "web.workers: expected a whole number".
  void check_list(const YamlNode& value, const std::string& expected) const;
  void check_scalar(const YamlNode& value, const std::string& expected) const;

 private:
  std::string_view name_;
};

}  // namespace sockdiag
