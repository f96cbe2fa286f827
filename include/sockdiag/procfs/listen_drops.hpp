// SPDX-License-Identifier: Apache-2.0
#pragma once

// The kernel's count of what all listeners dropped (TcpExt's ListenDrops, proc_net(5)).

#include <cstdint>
#include <filesystem>

namespace sockdiag {

// Returns how many SYNs and handshake ACKs the calling thread's network namespace has dropped so
// far. Throws std::runtime_error that names the file. Safe from any thread.
[[nodiscard]] std::uint64_t read_listen_drops(const std::filesystem::path& proc = "/proc");

}  // namespace sockdiag
