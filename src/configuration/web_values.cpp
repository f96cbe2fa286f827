// SPDX-License-Identifier: Apache-2.0
#include "web_values.hpp"

#include <algorithm>
#include <array>

namespace sockdiag {
namespace {

using ClientAuth = TlsSettings::ClientAuth;
using Version = TlsSettings::Version;

template <typename Value>
using Row = NamedValue<Value>;

constexpr auto kBooleans = std::to_array<Row<bool>>({{"true", true}, {"false", false}});

// RequireClientCert is an old name of RequireAnyClientCert.
constexpr auto kClientAuthTypes = std::to_array<Row<ClientAuth>>({
    {"NoClientCert", ClientAuth::no_client_cert},
    {"RequestClientCert", ClientAuth::request_client_cert},
    {"RequireAnyClientCert", ClientAuth::require_any_client_cert},
    {"RequireClientCert", ClientAuth::require_any_client_cert},
    {"VerifyClientCertIfGiven", ClientAuth::verify_client_cert_if_given},
    {"RequireAndVerifyClientCert", ClientAuth::require_and_verify_client_cert},
});

// OpenSSL as Debian builds it has no older ones.
constexpr auto kVersions =
    std::to_array<Row<Version>>({{"TLS12", Version::tls12}, {"TLS13", Version::tls13}});

// Those that Go holds to be secure, without RSA key exchange, which has no forward secrecy.
constexpr auto kCipherSuites = std::to_array<Row<std::string_view>>({
    {"TLS_AES_128_GCM_SHA256", ""},
    {"TLS_AES_256_GCM_SHA384", ""},
    {"TLS_CHACHA20_POLY1305_SHA256", ""},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", ""},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", ""},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", ""},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", ""},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", ""},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", ""},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", ""},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", ""},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", ""},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", ""},
});

constexpr auto kCurves = std::to_array<Row<std::string_view>>(
    {{"CurveP256", "P-256"}, {"CurveP384", "P-384"}, {"CurveP521", "P-521"}, {"X25519", "X25519"}});

bool is_header_text(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char each) {
    const auto byte = static_cast<unsigned char>(each);
    return byte >= 0x20 && byte < 0x7f;
  });
}

}  // namespace

std::span<const Row<bool>> booleans() noexcept { return kBooleans; }
std::span<const Row<ClientAuth>> client_auth_types() noexcept { return kClientAuthTypes; }
std::span<const Row<Version>> tls_versions() noexcept { return kVersions; }
std::span<const Row<std::string_view>> cipher_suites() noexcept { return kCipherSuites; }
std::span<const Row<std::string_view>> curves() noexcept { return kCurves; }

std::optional<std::string> header_problem(std::string_view header, std::string_view value) {
  if (header == "X-Frame-Options" && value != "deny" && value != "sameorigin") {
    return "deny or sameorigin";
  }
  if (header == "X-Content-Type-Options" && value != "nosniff") return "nosniff";
  if (!is_header_text(value)) return "text of visible ASCII characters and blanks";
  return std::nullopt;
}

}  // namespace sockdiag
