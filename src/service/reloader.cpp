// SPDX-License-Identifier: Apache-2.0
#include "reloader.hpp"

#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

#include "sockdiag/configuration/configuration_keys.hpp"

namespace sockdiag {

Reloader::Reloader(Configuration running, Load load, Apply apply)
    : started_with_(std::move(running)),
      applied_(started_with_),
      load_(std::move(load)),
      apply_(std::move(apply)) {
  set_status(true, true);
}

ReloadResult Reloader::reload() {
  const std::lock_guard lock(reload_mutex_);
  try {
    const Configuration wanted = load_();
    auto restarts = restarts_for(wanted);
    apply_(wanted);
    set_applied(wanted);
    spdlog::info("configuration reloaded");
    for (const std::string& line : restarts) spdlog::warn("{}", line);
    set_status(true, true);
    return {std::nullopt, std::move(restarts)};
  } catch (const std::exception& error) {
    spdlog::error("configuration not reloaded, the running one stays: {}", error.what());
    set_status(false, web_successful_);
    return {error.what(), {}};
  }
}

void Reloader::reload_web(const std::function<void()>& reload) {
  const std::lock_guard lock(reload_mutex_);
  try {
    reload();
    spdlog::info("web configuration reloaded");
    set_status(std::nullopt, true);
  } catch (const std::exception& error) {
    spdlog::error("web configuration not reloaded, the running one stays: {}", error.what());
    set_status(std::nullopt, false);
  }
}

ReloadStatus Reloader::status() const {
  const std::lock_guard lock(status_mutex_);
  return status_;
}

std::vector<std::string> Reloader::restarts_for(const Configuration& wanted) const {
  std::vector<std::string> lines;
  for (const ConfigurationKey& key : configuration_keys()) {
    if (key.needs_restart && key.show(wanted) != key.show(started_with_)) {
      lines.push_back(std::string(key.name) + ": " + key.show(wanted) + " needs a restart, " +
                      key.show(started_with_) + " stays in force");
    }
  }
  return lines;
}

std::vector<Setting> Reloader::settings() const {
  static const Configuration defaults;
  const std::lock_guard lock(status_mutex_);
  std::vector<Setting> settings;
  for (const ConfigurationKey& key : configuration_keys()) {
    std::string value = key.show(key.needs_restart ? started_with_ : applied_);
    const bool is_default = value == key.show(defaults);
    settings.push_back({std::string(key.name), std::move(value), is_default});
  }
  return settings;
}

void Reloader::set_applied(const Configuration& configuration) {
  const std::lock_guard lock(status_mutex_);
  applied_ = configuration;
}

void Reloader::set_status(std::optional<bool> configuration, bool web) {
  const std::lock_guard lock(status_mutex_);
  configuration_successful_ = configuration.value_or(configuration_successful_);
  web_successful_ = web;
  status_.successful = configuration_successful_ && web;
  if (status_.successful) status_.last_success = std::chrono::system_clock::now();
}

}  // namespace sockdiag
