// SPDX-License-Identifier: Apache-2.0
#include "child_process.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <exception>

#include "error.hpp"

namespace sockdiag::bench {
namespace {

void die_with(pid_t parent) {
  checked(::prctl(PR_SET_PDEATHSIG, SIGKILL), "PR_SET_PDEATHSIG");
  if (::getppid() != parent) ::_exit(1);
}

int run(const std::function<int()>& body, pid_t parent) {
  try {
    die_with(parent);
    return body();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "load process: %s\n", error.what());
    return 1;
  }
}

}  // namespace

pid_t fork_child(const std::function<int()>& body) {
  const pid_t parent = ::getpid();
  const pid_t pid = checked(::fork(), "fork");
  if (pid == 0) ::_exit(run(body, parent));
  return pid;
}

void kill_and_reap(const std::vector<pid_t>& children) noexcept {
  for (const pid_t pid : children) ::kill(pid, SIGKILL);
  for (const pid_t pid : children) {
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) continue;
  }
}

}  // namespace sockdiag::bench
