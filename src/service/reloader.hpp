// SPDX-License-Identifier: Apache-2.0
#pragma once

// Loads the configuration anew while the exporter runs. A bad one changes nothing but the status.
// Safe from any thread; one reload runs at a time.

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "sockdiag/configuration/configuration.hpp"
#include "sockdiag/core/reload_status.hpp"

namespace sockdiag {

class Reloader {
 public:
  using Load = std::function<Configuration()>;              // throws ConfigError
  using Apply = std::function<void(const Configuration&)>;  // takes what needs no restart

  // `running` is what the exporter was started with.
  Reloader(Configuration running, Load load, Apply apply);

  // Logs what came of it, and returns it.
  ReloadResult reload();

  [[nodiscard]] ReloadStatus status() const;

 private:
  [[nodiscard]] std::vector<std::string> restarts_for(const Configuration& wanted) const;
  void finished(bool successful);

  Configuration started_with_;
  Load load_;
  Apply apply_;
  std::mutex reload_mutex_;
  mutable std::mutex status_mutex_;
  ReloadStatus status_;
};

}  // namespace sockdiag
