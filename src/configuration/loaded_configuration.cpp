// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/configuration/loaded_configuration.hpp"

#include <algorithm>

#include "duration.hpp"
#include "sockdiag/configuration/configuration_keys.hpp"
#include "sockdiag/configuration/nearest_name.hpp"
#include "sockdiag/core/quoted.hpp"

namespace sockdiag {
namespace {

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

}  // namespace

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
    const auto meant = nearest_name(excerpt(patterns[i]), known);
    if (meant) text.append("; did you mean \"").append(*meant).append("\"?");
    throw ConfigError(text);
  }
}

}  // namespace sockdiag
