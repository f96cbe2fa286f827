// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/configuration/configuration_file.hpp"

#include <malloc.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>

#include "sockdiag/configuration/configuration_keys.hpp"
#include "sockdiag/configuration/duration.hpp"
#include "sockdiag/configuration/nearest_name.hpp"
#include "sockdiag/core/quoted.hpp"
#include "yaml_reader.hpp"

namespace sockdiag {
namespace {

using Kind = YamlNode::Kind;
using Names = std::vector<std::string_view>;

std::string_view section_of(std::string_view name) { return name.substr(0, name.find('.')); }
std::string_view key_of(std::string_view name) { return name.substr(name.find('.') + 1); }

// Returns the names of the keys of a section, or of all sections if `section` is empty.
Names known_names(std::string_view section) {
  std::set<std::string_view> names;
  for (const ConfigurationKey& key : configuration_keys()) {
    if (section.empty()) names.insert(section_of(key.name));
    if (section_of(key.name) == section) names.insert(key_of(key.name));
  }
  return {names.begin(), names.end()};
}

// Says where a key belongs that stands outside of its section or repeats the section in its name.
// Returns an empty string if no key has that name.
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

class Loader {
 public:
  explicit Loader(std::string_view name) : reader_(name) {}

  LoadedConfiguration load(const std::string& text) {
    const auto document = reader_.parse(text);
    if (document == nullptr) return {};
    if (document->kind != Kind::mapping)
      reader_.fail(document->place, "expected a mapping of sections");
    const Names known = known_names("");
    reader_.for_each_key(*document, [&](const YamlNode& section, const YamlNode& keys) {
      if (!std::binary_search(known.begin(), known.end(), section.scalar)) {
        reader_.fail_unknown(section, known, right_place(section.scalar, ""));
      }
      load_section(section.scalar, keys);
    });
    return std::move(loaded_);
  }

 private:
  void load_section(const std::string& section, const YamlNode& keys) {
    if (keys.kind == Kind::null) return;  // all of its keys are commented out
    if (keys.kind != Kind::mapping)
      reader_.fail(keys.place, section + ": expected a mapping of keys");
    reader_.for_each_key(keys, [&](const YamlNode& name, const YamlNode& value) {
      const ConfigurationKey* key = find_configuration_key(section + "." + name.scalar);
      if (key == nullptr) {
        reader_.fail_unknown(name, known_names(section), right_place(name.scalar, section));
      }
      load_key(*key, value);
    });
  }

  void load_key(const ConfigurationKey& key, const YamlNode& value) {
    const std::string expected = std::string(key.name) + ": expected " + std::string(key.expected);
    loaded_.origins.set(key.name, reader_.in_file(value.place));
    if (key.is_map()) return load_map(key, value, expected);
    if (!key.is_list()) return load_scalar(key, value, expected);
    reader_.check_list(value, expected);
    key.clear(loaded_.configuration);
    for (const auto& element : value.children) {
      load_scalar(key, *element, expected);
      loaded_.origins.add_element(key.name, reader_.in_file(element->place));
    }
  }

  void load_map(const ConfigurationKey& key, const YamlNode& value, const std::string& expected) {
    if (value.kind != Kind::mapping) reader_.fail(value.place, expected + ", got no mapping");
    key.clear(loaded_.configuration);
    reader_.for_each_key(value, [&](const YamlNode& name, const YamlNode& text) {
      KeyValue::SetEntry set;
      at(name, expected, [&] { set = key.add_entry(loaded_.configuration, name.scalar); });
      reader_.check_scalar(text, expected);
      at(text, expected, [&] { set(text.scalar); });
    });
  }

  void load_scalar(const ConfigurationKey& key, const YamlNode& value,
                   const std::string& expected) {
    reader_.check_scalar(value, expected);
    at(value, expected, [&] { key.set(loaded_.configuration, value.scalar); });
  }

  // Adds the place and what was expected to an error of `read`.
  template <typename Read>
  void at(const YamlNode& node, const std::string& expected, const Read& read) {
    try {
      read();
    } catch (const ConfigError& error) {
      reader_.fail(node.place, expected + ", " + error.what());
    }
  }

  YamlReader reader_;
  LoadedConfiguration loaded_;
};

// `other` is the key that is contradicted, or empty.
[[noreturn]] void throw_contradiction(const Origins& origins, std::string_view key,
                                      const std::string& problem, std::string_view other) {
  std::string text = origins.of(key).value_or("the default");
  text.append(": ").append(key).append(": ").append(problem);
  if (!other.empty()) {
    text.append(" (").append(other).append(": ");
    text.append(origins.of(other).value_or("the default")).append(")");
  }
  throw ConfigError(text);
}

// `ports` must not be empty.
std::size_t first_of(const PortSet& ports) {
  std::size_t port = 0;
  while (!ports[port]) ++port;
  return port;
}

// Checks a list of ports that always have series.
void check_port_list(const LoadedConfiguration& loaded, std::string_view key,
                     const PortList& list) {
  const PortPolicy& policy = loaded.configuration.ports;
  const PortSet ports = list.ports();
  if (ports.count() > policy.max_ports) {
    throw_contradiction(loaded.origins, key,
                        "expected no more ports than ports.max_ports, " +
                            std::to_string(policy.max_ports) + ", got " +
                            std::to_string(ports.count()),
                        "ports.max_ports");
  }
  const PortSet both = ports & policy.exclude.ports();
  if (both.none()) return;
  throw_contradiction(
      loaded.origins, "ports.exclude",
      "expected no port of " + std::string(key) + ", got " + std::to_string(first_of(both)), key);
}

struct Order {
  std::string_view key;
  double FindingPolicy::*value;
  std::string_view lower_key;
  double FindingPolicy::*lower;
};

// Thresholds of the same number for two severities: the higher one cannot begin first.
constexpr auto kFindingOrders = std::to_array<Order>({
    {"findings.syn_recv_warning", &FindingPolicy::syn_recv_warning, "findings.syn_recv",
     &FindingPolicy::syn_recv},
    {"findings.ephemeral_ports_critical", &FindingPolicy::ephemeral_ports_critical,
     "findings.ephemeral_ports", &FindingPolicy::ephemeral_ports},
    {"findings.tcp_memory", &FindingPolicy::tcp_memory, "findings.tcp_memory_pressure",
     &FindingPolicy::tcp_memory_pressure},
});

void check_findings(const LoadedConfiguration& loaded) {
  const FindingPolicy& findings = loaded.configuration.findings;
  for (const Order& order : kFindingOrders) {
    if (findings.*order.value >= findings.*order.lower) continue;
    std::string problem = "expected no less than ";
    problem.append(order.lower_key).append(", ");
    problem += find_configuration_key(order.lower_key)->show(loaded.configuration);
    throw_contradiction(loaded.origins, order.key, problem, order.lower_key);
  }
}

}  // namespace

LoadedConfiguration load_file(const std::string& path) {
  // Gives the memory back to the system in the end, so that a reload costs nothing for long.
  const std::shared_ptr<void> at_the_end(nullptr, [](void*) { ::malloc_trim(0); });
  return Loader(path).load(read_yaml_file(path));
}

LoadedConfiguration load_text(const std::string& text, std::string_view name) {
  return Loader(name).load(text);
}

void check_contradictions(const LoadedConfiguration& loaded) {
  const auto& [configuration, origins] = loaded;
  check_port_list(loaded, "ports.inbound", configuration.ports.inbound);
  check_port_list(loaded, "ports.outbound", configuration.ports.outbound);
  const ListenerPolicy& listeners = configuration.listeners;
  if (listeners.peak_window < listeners.interval) {
    throw_contradiction(
        origins, "listeners.peak_window",
        "expected no less than listeners.interval, " + format_duration(listeners.interval),
        "listeners.interval");
  }
  check_findings(loaded);
  if (configuration.web.listen_addresses.empty()) {
    throw_contradiction(origins, "web.listen_addresses", "expected at least one address", {});
  }
}

void check_families(const LoadedConfiguration& loaded, std::span<const std::string_view> known) {
  constexpr std::string_view kKey = "metrics.exclude";
  const FamilyPatterns& patterns = loaded.configuration.metrics.exclude;
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    const auto matches = [&](std::string_view name) { return matches_family(patterns[i], name); };
    if (std::any_of(known.begin(), known.end(), matches)) continue;
    std::string text = loaded.origins.of_element(kKey, i).value_or("the default");
    text.append(": ").append(kKey).append(": expected ");
    text.append(find_configuration_key(kKey)->expected);
    text.append(", got ").append(quoted_excerpt(patterns[i]));
    throw ConfigError(text + did_you_mean(patterns[i], known));
  }
}

}  // namespace sockdiag
