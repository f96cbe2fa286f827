// SPDX-License-Identifier: Apache-2.0
#pragma once

// Remembers where this thread received what a client sent, so that it can be wiped when the
// connection ends: it may hold a password. Each thread knows of its own buffer only.

#include <cstddef>

namespace sockdiag {

// Call it with each buffer that bytes of a client are about to be written to. The first one after
// wipe_received() is remembered: CivetWeb reads the requests of a connection into one buffer, from
// its begin on, and bodies that it drops into others.
void note_received(void* buffer, std::size_t size) noexcept;

// Overwrites the remembered buffer with zeros and forgets it. Call it while the buffer exists.
void wipe_received() noexcept;

}  // namespace sockdiag
