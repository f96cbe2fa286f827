// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <functional>
#include <vector>

namespace sockdiag::bench {

// Child processes that cannot outlive this one: each is ended by PR_SET_PDEATHSIG at the latest.
// Not for use with threads: the signal is sent when the forking *thread* ends.

// Forks; the child runs `body` and exits with its result, or with 1 and a line on stderr where it
// throws.
pid_t fork_child(const std::function<int()>& body);

// SIGKILL to all, then a wait for each. Takes only pids that fork_child gave and that have not been
// waited for.
void kill_and_reap(const std::vector<pid_t>& children) noexcept;

}  // namespace sockdiag::bench
