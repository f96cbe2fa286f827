// SPDX-License-Identifier: Apache-2.0
#include "civet_threads.hpp"

#include <dirent.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "sockdiag/http/http_server.hpp"

namespace sockdiag {
namespace {

constexpr unsigned kAccepting = 1;  // threads that accept connections
constexpr std::chrono::seconds kLimit(10);
constexpr std::chrono::milliseconds kBetweenLooks(10);

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

// Returns the threads of the process, or nothing if /proc cannot be read. Does not use
// std::filesystem, which ends the process when there is no memory.
std::vector<std::string> threads() {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir("/proc/self/task"));
  if (directory == nullptr) return names;
  while (const dirent* entry = ::readdir(directory.get())) names.emplace_back(entry->d_name);
  return names;
}

}  // namespace

CivetThreads::CivetThreads(unsigned workers) : needed_(workers + kAccepting), others_(threads()) {}

void CivetThreads::count_one() noexcept {
  const std::lock_guard lock(mutex_);
  ++count_;
  started_.notify_all();
}

void CivetThreads::await_all() {
  const auto deadline = std::chrono::steady_clock::now() + kLimit;
  while (!all_start_within(kBetweenLooks)) {
    if (std::chrono::steady_clock::now() < deadline && !some_never_start()) continue;
    throw ServeError("cannot start " + std::to_string(needed_) + " threads for " +
                     std::to_string(needed_ - kAccepting) + " workers: only " +
                     std::to_string(counted()) + " started; too little memory or too few tasks");
  }
}

bool CivetThreads::all_start_within(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return started_.wait_for(lock, limit, [this] { return count_ >= needed_; });
}

unsigned CivetThreads::counted() {
  const std::lock_guard lock(mutex_);
  return count_;
}

// CivetWeb has created all threads that it could. If each of them has been counted, no more start.
bool CivetThreads::some_never_start() {
  const std::vector<std::string> all = threads();
  const auto is_new = [this](const auto& name) {
    return std::ranges::find(others_, name) == others_.end();
  };
  const unsigned count = counted();
  return !others_.empty() && !all.empty() && count < needed_ &&
         std::cmp_greater_equal(count, std::ranges::count_if(all, is_new));
}

}  // namespace sockdiag
