// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace sockdiag {

// Returns true if CivetWeb finds all functions of OpenSSL that it calls. Not thread-safe: call it
// before a server starts.
[[nodiscard]] bool civetweb_has_tls() noexcept;

}  // namespace sockdiag
