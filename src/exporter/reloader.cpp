// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/exporter/reloader.hpp"

#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

#include "sockdiag/exporter/configuration_keys.hpp"

namespace sockdiag {

Reloader::Reloader(Configuration running, Load load, Apply apply)
    : started_with_(std::move(running)), load_(std::move(load)), apply_(std::move(apply)) {
  finished(true);
}

std::optional<std::string> Reloader::reload() {
  const std::lock_guard lock(reload_mutex_);
  try {
    const Configuration wanted = load_();
    apply_(wanted);
    spdlog::info("configuration reloaded");
    warn_of_restarts(wanted);
    finished(true);
    return std::nullopt;
  } catch (const std::exception& error) {
    spdlog::error("configuration not reloaded, the running one stays: {}", error.what());
    finished(false);
    return error.what();
  }
}

ReloadStatus Reloader::status() const {
  const std::lock_guard lock(status_mutex_);
  return status_;
}

void Reloader::warn_of_restarts(const Configuration& wanted) const {
  for (const ConfigurationKey& key : configuration_keys()) {
    if (key.needs_restart && key.show(wanted) != key.show(started_with_)) {
      spdlog::warn("{}: {} needs a restart, {} stays in force", key.name, key.show(wanted),
                   key.show(started_with_));
    }
  }
}

void Reloader::finished(bool successful) {
  const std::lock_guard lock(status_mutex_);
  status_.successful = successful;
  if (successful) status_.last_success = std::chrono::system_clock::now();
}

}  // namespace sockdiag
