// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the operator may set. A plain value whose defaults are those of the program; the names,
// ranges and meanings of the keys are in configuration_keys.hpp.

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "sockdiag/core/passing_state.hpp"
#include "sockdiag/core/port_policy.hpp"
#include "sockdiag/core/tcp_tally.hpp"
#include "sockdiag/exporter/family_patterns.hpp"

namespace sockdiag {

enum class LogLevel { debug, info, warning, error };
enum class LogFormat { logfmt, json };

struct Configuration {
  struct Sampling {
    std::chrono::milliseconds interval = std::chrono::seconds(5);
    double cpu_budget = 0.05;  // of one CPU
    std::chrono::milliseconds max_staleness = std::chrono::seconds(60);
  };
  struct Listeners {
    std::chrono::milliseconds interval = std::chrono::seconds(1);
    std::chrono::milliseconds peak_window = std::chrono::seconds(60);
  };
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
  };
  struct Log {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::logfmt;
  };

  Sampling sampling;
  PortPolicy ports;
  Listeners listeners;
  LifetimePolicy lifetimes;
  DestinationPolicy ephemeral_ports;
  Metrics metrics;
  Web web;
  Log log;
};

[[nodiscard]] inline TcpPolicy tcp_policy(const Configuration& configuration) {
  return {configuration.ports, configuration.lifetimes, configuration.ephemeral_ports};
}

// The configuration or the command line is wrong; the text says where and what was expected.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace sockdiag
