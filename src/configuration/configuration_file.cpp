// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/configuration/configuration_file.hpp"

#include <malloc.h>

#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <vector>

#include "regular_file.hpp"
#include "sockdiag/configuration/configuration_keys.hpp"
#include "sockdiag/configuration/nearest_name.hpp"
#include "sockdiag/core/quoted.hpp"
#include "yaml_document.hpp"

namespace sockdiag {
namespace {

using Kind = YamlNode::Kind;

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

// Where a key belongs that stands outside of its section, or has the section in its name; empty
// where it is none.
std::string right_place(std::string_view word, std::string_view section) {
  std::string place;
  for (const ConfigurationKey& key : configuration_keys()) {
    if (word != key.name && (!section.empty() || word != key_of(key.name))) continue;
    place += place.empty()
                 ? "the key \"" + std::string(key_of(key.name)) + "\" inside of the section "
                 : " or ";
    place.append("\"").append(section_of(key.name)).append("\"");
  }
  return place;
}

// Says what was meant, or names all known keys. What others wrote may be of any length.
std::string unknown_key(std::string_view word, std::string_view section,
                        const std::set<std::string_view>& known) {
  if (word == "<<") return "merge keys (<<) are not known; write the keys themselves";
  const std::string problem = "unknown key " + quoted_excerpt(word);
  const std::string place = right_place(word, section);
  if (!place.empty()) return problem + "; expected " + place;
  const std::vector<std::string_view> names(known.begin(), known.end());
  if (const auto nearest = nearest_name(excerpt(word), names)) {
    return problem + "; did you mean \"" + std::string(*nearest) + "\"?";
  }
  std::string text;
  for (const std::string_view name : names) {
    text.append(text.empty() ? "; expected one of " : ", ").append(name);
  }
  return problem + text;
}

class Loader {
 public:
  explicit Loader(std::string_view name) : name_(name) {}

  LoadedConfiguration load(const std::string& text) {
    const auto document = parse(text);
    if (document != nullptr && document->kind != Kind::null) load_sections(*document);
    return std::move(loaded_);
  }

 private:
  [[nodiscard]] std::string in_file(const YamlPlace& place) const {
    std::string text(name_);
    if (place.line > 0) {
      text += ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
    }
    return text;
  }

  [[noreturn]] void fail(const YamlPlace& place, const std::string& problem) const {
    throw ConfigError(in_file(place) + ": " + problem);
  }

  std::shared_ptr<const YamlNode> parse(const std::string& text) const {
    try {
      return parse_yaml(text);
    } catch (const YamlError& error) {
      fail(error.place(), error.what());
    }
  }

  using Keys = std::map<std::string, YamlPlace>;

  // Refuses what is not a plain key, is not known, or was there before.
  std::string checked_key(const YamlNode& key, std::string_view section,
                          const std::set<std::string_view>& known, Keys& before) const {
    if (key.kind == Kind::null) fail(key.place, "expected a key, got nothing");
    if (key.kind != Kind::scalar) fail(key.place, "expected a key that is a plain word");
    const std::string& name = key.scalar;
    if (!known.contains(name)) fail(key.place, unknown_key(name, section, known));
    const auto [first, is_new] = before.emplace(name, key.place);
    if (!is_new)
      fail(key.place, "duplicate key \"" + name + "\", first at " + in_file(first->second));
    return name;
  }

  void load_sections(const YamlNode& document) {
    if (document.kind != Kind::mapping) fail(document.place, "expected a mapping of sections");
    Keys before;
    for (std::size_t i = 0; i < document.children.size(); i += 2) {
      const std::string section = checked_key(*document.children[i], "", known_sections(), before);
      const YamlNode& keys = *document.children[i + 1];
      if (keys.kind == Kind::null) continue;  // a section whose keys are all commented out
      if (keys.kind != Kind::mapping) fail(keys.place, section + ": expected a mapping of keys");
      load_section(section, keys);
    }
  }

  void load_section(const std::string& section, const YamlNode& keys) {
    Keys before;
    for (std::size_t i = 0; i < keys.children.size(); i += 2) {
      const std::string name =
          section + "." + checked_key(*keys.children[i], section, known_keys(section), before);
      const ConfigurationKey& key = *find_configuration_key(name);
      const YamlNode& value = *keys.children[i + 1];
      loaded_.origins.set(key.name, in_file(value.place));
      key.is_list() ? load_list(key, value) : load_scalar(key, value);
    }
  }

  void load_list(const ConfigurationKey& key, const YamlNode& list) {
    if (list.kind != Kind::list) fail_expected(key, list.place, "got no list");
    key.clear(loaded_.configuration);
    for (const auto& element : list.children) {
      load_scalar(key, *element);
      loaded_.origins.add_element(key.name, in_file(element->place));
    }
  }

  void load_scalar(const ConfigurationKey& key, const YamlNode& value) {
    if (value.kind != Kind::scalar) {
      fail_expected(key, value.place,
                    value.kind == Kind::null ? "got nothing" : "got a list or mapping");
    }
    try {
      key.set(loaded_.configuration, value.scalar);
    } catch (const ConfigError& error) {
      fail_expected(key, value.place, error.what());
    }
  }

  [[noreturn]] void fail_expected(const ConfigurationKey& key, const YamlPlace& place,
                                  const std::string& got) const {
    fail(place, std::string(key.name) + ": expected " + std::string(key.expected) + ", " + got);
  }

  std::string_view name_;
  LoadedConfiguration loaded_;
};

// One byte more than may be shows that a file is too long.
std::string read_file(const std::string& path) {
  try {
    return read_regular_file(path, kMaxYamlBytes + 1);
  } catch (const std::runtime_error& error) {
    throw ConfigError(path + ": cannot be read: " + error.what());
  }
}

// Gives the memory that a file took back to the system, so that a reload costs nothing for long.
class MemoryReturn {
 public:
  MemoryReturn() = default;
  MemoryReturn(const MemoryReturn&) = delete;
  MemoryReturn& operator=(const MemoryReturn&) = delete;
  ~MemoryReturn() {
#ifdef __GLIBC__
    ::malloc_trim(0);
#endif
  }
};

}  // namespace

LoadedConfiguration load_file(const std::string& path) {
  const MemoryReturn at_the_end;
  return Loader(path).load(read_file(path));
}

Configuration load_configuration(const std::string& path) {
  LoadedConfiguration loaded = load_file(path);
  check_contradictions(loaded);
  return loaded.configuration;
}

Configuration parse_configuration(const std::string& text, std::string_view name) {
  LoadedConfiguration loaded = Loader(name).load(text);
  check_contradictions(loaded);
  return loaded.configuration;
}

}  // namespace sockdiag
