// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <functional>

namespace sockdiag::bench {

// Child processes that cannot outlive this one: each is ended by PR_SET_PDEATHSIG at the latest.
// Not for use with threads: the signal is sent when the forking *thread* ends.

// Forks; the child runs `body` and exits with its result, or with 1 and a line on stderr where it
// throws.
pid_t fork_child(const std::function<int()>& body);

// SIGKILL and wait. Takes only a pid that fork_child gave and that has not been waited for.
void kill_and_reap(pid_t pid) noexcept;

}  // namespace sockdiag::bench
