// SPDX-License-Identifier: Apache-2.0
#include "readiness.hpp"

#include <spdlog/spdlog.h>

#include "service_manager.hpp"

namespace sockdiag {

void Readiness::complete(unsigned part) {
  const unsigned before = completed_.fetch_or(part);
  if (before != kReady && (before | part) == kReady) say_ready("serving");
}

ReloadResult Readiness::announce(const std::function<ReloadResult()>& reload) {
  if (completed_ != kReady) return reload();
  say_reloading();
  ReloadResult result = reload();
  say_ready(result.problem.value_or("configuration reloaded"));
  return result;
}

void Readiness::stopping() {
  stopping_ = true;
  const std::lock_guard lock(mutex_);
  service_manager::stopping();
}

void Readiness::say_reloading() {
  const std::lock_guard lock(mutex_);
  if (!stopping_) service_manager::reloading();
}

void Readiness::say_ready(std::string_view status) {
  const std::lock_guard lock(mutex_);
  if (stopping_ || service_manager::ready(status)) return;
  spdlog::warn("the service manager was not told READY=1: its socket is full or closed");
}

}  // namespace sockdiag
