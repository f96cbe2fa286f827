// SPDX-License-Identifier: Apache-2.0
#pragma once

// Reloads the configuration while the exporter runs. A bad file changes nothing but the status.
// Safe from any thread: one reload runs at a time.

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sockdiag/configuration/configuration.hpp"
#include "sockdiag/core/exporter_state.hpp"

namespace sockdiag {

class Reloader {
 public:
  using Load = std::function<Configuration()>;              // throws ConfigError
  using Apply = std::function<void(const Configuration&)>;  // applies what needs no restart

  // `running` is the configuration that the exporter was started with.
  Reloader(Configuration running, Load load, Apply apply);

  // Logs and returns the result.
  ReloadResult reload();

  // Runs `reload`, which reads the web configuration alone and may throw ConfigError. Logs the
  // result.
  void reload_web(const std::function<void()>& reload);

  [[nodiscard]] ReloadStatus status() const;

  // Returns a row for each key of the configuration, with the value that it has now.
  [[nodiscard]] std::vector<Setting> settings() const;

 private:
  [[nodiscard]] std::vector<std::string> restarts_for(const Configuration& wanted) const;
  void set_applied(const Configuration& configuration);
  // Whether the configuration and the web configuration in force are those of their files.
  void set_status(std::optional<bool> configuration, bool web);

  Configuration started_with_;
  Configuration applied_;  // keys that need a restart are still those of `started_with_`
  Load load_;
  Apply apply_;
  std::mutex reload_mutex_;
  mutable std::mutex status_mutex_;  // of `applied_`, too
  ReloadStatus status_;
  bool configuration_successful_ = true;
  bool web_successful_ = true;
};

}  // namespace sockdiag
