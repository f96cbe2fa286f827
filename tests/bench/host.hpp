// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

namespace sockdiag::bench {

// What the benchmarks ask of the machine, and what they say about it. Single-threaded; errors are
// exceptions.

// Moves this process, and what it forks from now on, into a network namespace of its own whose only
// interface is loopback. Needs CAP_SYS_ADMIN.
void enter_private_network();

// Gives up root for good: uid and gid 65534, no capability.
void become_nobody();

// Raises the soft limit of open files to the hard one, and returns it.
std::size_t raise_file_limit();

// Throws where that many more sockets would not fit into MemAvailable (5 KiB each) or below
// fs.file-max.
void require_room_for(std::size_t sockets);

// Sockets of this network namespace as the kernel's own counters say (/proc/self/net/sockstat and
// sockstat6; request sockets are not in them).
std::size_t sockets_by_sockstat();

// The same from /proc/self/net/tcp and tcp6: one line each.
std::size_t sockets_by_proc_net_tcp();

// Lines of /proc/self/net/tcp in state SYN_RECV.
std::size_t half_open_by_proc_net_tcp();

// "root" or "uid 65534", the kernel release, the number of CPUs online, and what else runs on them
// (one minute's load average): figures taken beside other work are loose.
std::string user_name();
std::string kernel_release();
long online_cpus();
double load_average();

}  // namespace sockdiag::bench
