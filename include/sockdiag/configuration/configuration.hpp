// SPDX-License-Identifier: Apache-2.0
#pragma once

// The settings of the program, with their defaults. A plain value. configuration_keys.hpp has the
// names, ranges and meanings of the keys.

#include <chrono>
#include <string>
#include <vector>

#include "sockdiag/configuration/config_error.hpp"
#include "sockdiag/core/family_patterns.hpp"
#include "sockdiag/core/finding_policy.hpp"
#include "sockdiag/core/policy.hpp"

namespace sockdiag {

enum class LogLevel { debug, info, warning, error };
enum class LogFormat { logfmt, json };

struct Configuration {
  struct Metrics {
    FamilyPatterns exclude;
  };
  struct Web {
    std::vector<std::string> listen_addresses = {":10293"};
    std::string telemetry_path = "/metrics";
    unsigned max_requests = 40;
    bool enable_lifecycle = false;
    unsigned workers = 64;
    std::chrono::milliseconds request_timeout = std::chrono::seconds(1);
    std::string config_file{};  // of TLS and logins; empty: none
    bool health_without_login = false;
    unsigned max_connections_per_client = 16;
    std::vector<std::string> allow;  // networks; empty: every client may connect
  };
  struct Log {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::logfmt;
  };

  SamplingPolicy sampling;
  PortPolicy ports;
  ListenerPolicy listeners;
  LifetimePolicy lifetimes;
  DestinationPolicy ephemeral_ports;
  OwnerPolicy owners;
  NamespacePolicy namespaces;
  HostPaths path;
  FindingPolicy findings;
  Metrics metrics;
  Web web;
  Log log;
};

[[nodiscard]] inline Policies policies_of(const Configuration& configuration) {
  return {configuration.sampling,
          configuration.listeners,
          {configuration.ports, configuration.lifetimes, configuration.ephemeral_ports,
           configuration.owners.enabled},
          configuration.owners,
          configuration.namespaces};
}

[[nodiscard]] inline FindingPolicy finding_policy_of(const Configuration& configuration) {
  FindingPolicy policy = configuration.findings;
  policy.expected_listeners = configuration.ports.inbound;
  return policy;
}

}  // namespace sockdiag
