// SPDX-License-Identifier: Apache-2.0
#pragma once

// The kernel's count of what it dropped at all listeners (TcpExt's ListenDrops, proc_net(5)).

#include <cstdint>
#include <filesystem>

namespace sockdiag {

// SYNs and handshake ACKs dropped so far, of the calling thread's network namespace: that of the
// listeners that this thread dumps. Throws std::runtime_error that names the file. Safe from any
// thread.
[[nodiscard]] std::uint64_t read_listen_drops(const std::filesystem::path& proc = "/proc");

}  // namespace sockdiag
