// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/exporter/configuration_file.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <set>
#include <sstream>
#include <system_error>

#include "sockdiag/exporter/configuration_keys.hpp"

namespace sockdiag {
namespace {

constexpr std::size_t kMaxFileBytes = 1U << 20U;

// Levenshtein's distance: how many letters to add, drop or change.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, changed});
    }
  }
  return row[b.size()];
}

std::string nearest(std::string_view word, const std::set<std::string_view>& known) {
  const auto best = std::min_element(known.begin(), known.end(), [&](auto a, auto b) {
    return edit_distance(word, a) < edit_distance(word, b);
  });
  return std::string(*best);
}

std::string_view section_of(std::string_view name) { return name.substr(0, name.find('.')); }
std::string_view key_of(std::string_view name) { return name.substr(name.find('.') + 1); }

std::set<std::string_view> known_sections() {
  std::set<std::string_view> names;
  for (const ConfigurationKey& key : configuration_keys()) names.insert(section_of(key.name));
  return names;
}

std::set<std::string_view> known_keys(std::string_view section) {
  std::set<std::string_view> names;
  for (const ConfigurationKey& key : configuration_keys()) {
    if (section_of(key.name) == section) names.insert(key_of(key.name));
  }
  return names;
}

class Loader {
 public:
  explicit Loader(std::string_view name) : name_(name) {}

  Configuration load(const std::string& text) {
    const std::vector<YAML::Node> documents = parse(text);
    if (documents.size() > 1) fail(documents[1].Mark(), "expected one YAML document, got more");
    if (!documents.empty() && !documents[0].IsNull()) load_sections(documents[0]);
    if (const auto wrong = find_contradiction(configuration_)) {
      fail(mark_of(wrong->key), std::string(wrong->key) + ": " + wrong->problem);
    }
    return configuration_;
  }

 private:
  [[noreturn]] void fail(const YAML::Mark& mark, const std::string& problem) const {
    std::string place(name_);
    if (!mark.is_null()) {
      place += ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
    }
    throw ConfigError(place + ": " + problem);
  }

  std::vector<YAML::Node> parse(const std::string& text) const {
    try {
      return YAML::LoadAll(text);
    } catch (const YAML::Exception& error) {
      fail(error.mark, "not YAML: " + error.msg);
    }
  }

  // Refuses what is not a plain key, is not known, or was there before.
  std::string checked_key(const YAML::Node& key, const std::set<std::string_view>& known,
                          std::set<std::string>& before) const {
    if (!key.IsScalar()) fail(key.Mark(), "expected a key that is a plain word");
    const std::string& name = key.Scalar();
    if (!known.contains(name)) {
      fail(key.Mark(),
           "unknown key \"" + name + "\"; did you mean \"" + nearest(name, known) + "\"?");
    }
    if (!before.insert(name).second) fail(key.Mark(), "duplicate key \"" + name + "\"");
    return name;
  }

  void load_sections(const YAML::Node& document) {
    if (!document.IsMap()) fail(document.Mark(), "expected a mapping of sections");
    std::set<std::string> before;
    for (const auto& entry : document) {
      const std::string section = checked_key(entry.first, known_sections(), before);
      if (entry.second.IsNull()) continue;  // a section whose keys are all commented out
      if (!entry.second.IsMap()) {
        fail(entry.second.Mark(), section + ": expected a mapping of keys");
      }
      load_section(section, entry.second);
    }
  }

  void load_section(const std::string& section, const YAML::Node& keys) {
    std::set<std::string> before;
    for (const auto& entry : keys) {
      const std::string name =
          section + "." + checked_key(entry.first, known_keys(section), before);
      const ConfigurationKey& key = *find_configuration_key(name);
      marks_.emplace_back(key.name, entry.second.Mark());
      key.is_list() ? load_list(key, entry.second) : load_scalar(key, entry.second);
    }
  }

  void load_list(const ConfigurationKey& key, const YAML::Node& list) {
    if (!list.IsSequence()) fail_expected(key, list.Mark(), "got no list");
    key.clear(configuration_);
    for (const auto& element : list) load_scalar(key, element);
  }

  void load_scalar(const ConfigurationKey& key, const YAML::Node& value) {
    if (!value.IsScalar()) {
      fail_expected(key, value.Mark(), value.IsNull() ? "got nothing" : "got a list or mapping");
    }
    try {
      key.set(configuration_, value.Scalar());
    } catch (const ConfigError& error) {
      fail_expected(key, value.Mark(), error.what());
    }
  }

  [[noreturn]] void fail_expected(const ConfigurationKey& key, const YAML::Mark& mark,
                                  const std::string& got) const {
    fail(mark, std::string(key.name) + ": expected " + std::string(key.expected) + ", " + got);
  }

  [[nodiscard]] YAML::Mark mark_of(std::string_view key) const {
    for (const auto& [name, mark] : marks_) {
      if (name == key) return mark;
    }
    return YAML::Mark::null_mark();
  }

  std::string_view name_;
  Configuration configuration_;
  std::vector<std::pair<std::string_view, YAML::Mark>> marks_;
};

[[noreturn]] void cannot_read(const std::string& path, const std::string& why) {
  throw ConfigError(path + ": cannot be read: " + why);
}

// Opening a pipe could wait for ever, and a reload would find it empty.
void check_regular(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (error) cannot_read(path, error.message());
  if (std::filesystem::is_directory(status)) cannot_read(path, "Is a directory");
  if (!std::filesystem::is_regular_file(status)) cannot_read(path, "not a regular file");
}

std::string read_file(const std::string& path) {
  check_regular(path);
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) cannot_read(path, std::generic_category().message(errno));
  std::string text(kMaxFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMaxFileBytes) throw ConfigError(path + ": larger than 1 MiB");
  if (!file.eof()) cannot_read(path, std::generic_category().message(errno));
  return text;
}

}  // namespace

Configuration load_configuration(const std::string& path) {
  return parse_configuration(read_file(path), path);
}

Configuration parse_configuration(const std::string& text, std::string_view name) {
  return Loader(name).load(text);
}

}  // namespace sockdiag
