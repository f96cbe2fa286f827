// SPDX-License-Identifier: Apache-2.0
#pragma once

// Descriptors 0 to 2 as whoever started the program left them.

namespace sockdiag {

// Takes the numbers of those that are closed, or the next socket would get them and what is meant
// for standard error would go to a client. They behave as if closed: reading 0 and writing 1 or 2
// fails. Call it before anything else opens a file. Not thread-safe.
void hold_standard_descriptors() noexcept;

// Whether all that std::cout was given is written. Not thread-safe.
[[nodiscard]] bool flush_standard_output();

}  // namespace sockdiag
