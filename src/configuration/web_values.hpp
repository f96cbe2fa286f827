// SPDX-License-Identifier: Apache-2.0
#pragma once

// The words that the web configuration knows.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sockdiag/http/security_settings.hpp"

namespace sockdiag {

template <typename Value>
struct NamedValue {
  std::string_view name;
  Value value;
};

[[nodiscard]] std::span<const NamedValue<bool>> booleans() noexcept;
[[nodiscard]] std::span<const NamedValue<TlsSettings::ClientAuth>> client_auth_types() noexcept;
[[nodiscard]] std::span<const NamedValue<TlsSettings::Version>> tls_versions() noexcept;
// Names of IANA, as Go and the file have them.
[[nodiscard]] std::span<const NamedValue<std::string_view>> cipher_suites() noexcept;
// Go's names to OpenSSL's.
[[nodiscard]] std::span<const NamedValue<std::string_view>> curves() noexcept;

// Returns what is expected of the value of a header; nothing if it is good.
[[nodiscard]] std::optional<std::string> header_problem(std::string_view header,
                                                        std::string_view value);

}  // namespace sockdiag
