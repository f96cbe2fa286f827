// SPDX-License-Identifier: Apache-2.0
#pragma once

// The network namespace that `diagnose` and `top` look into if the command line names one. Not
// thread-safe.

#include <string>

#include "sockdiag/cli/command_line.hpp"
#include "sockdiag/configuration/configuration.hpp"
#include "sockdiag/diagnosis/text.hpp"

namespace sockdiag {

// Moves the calling thread into the namespace that the command line names, if any, and takes all
// others out of the configuration. Call it on the main thread before anything reads sockets or
// starts a thread: /proc/thread-self, /proc/self, /proc/sys and netlink sockets are those of the
// namespace from then on. Throws std::runtime_error that says what is missing.
void enter_network_namespace(const ReportOptions& options, Configuration& configuration);

// Returns "Network namespace of process 4242 (in pod shop/cart-7d9, container app)", or the words
// for this host. Whose the process is comes from its cgroup, and is left out if that is not known.
[[nodiscard]] std::string place_looked_at(const ReportOptions& options, const HostPaths& paths,
                                          Language language);

}  // namespace sockdiag
