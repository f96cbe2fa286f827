// SPDX-License-Identifier: Apache-2.0
#pragma once

// How a server proves who it is, and whom it answers. Plain values.

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "sockdiag/http/http_message.hpp"

namespace sockdiag {

struct TlsSettings {
  // Named as in Go's crypto/tls, which the format of Prometheus follows.
  enum class ClientAuth : std::uint8_t {
    no_client_cert,
    request_client_cert,          // asked for, neither needed nor verified
    require_any_client_cert,      // needed, not verified
    verify_client_cert_if_given,  // not needed
    require_and_verify_client_cert,
  };
  enum class Version : std::uint8_t { tls12, tls13 };

  std::string certificate;  // PEM, followed by those that lead to the root
  std::string key;          // PEM, without a passphrase
  std::string client_ca;    // PEM; empty if no client certificate is verified
  ClientAuth client_auth = ClientAuth::no_client_cert;
  // If not empty, a client certificate needs one of these as a subject alternative name: a DNS
  // name, an IP address, an e-mail address or a URI. Compared exactly.
  std::vector<std::string> client_allowed_sans{};
  Version min_version = Version::tls12;
  Version max_version = Version::tls13;
  std::vector<std::string> cipher_suites{};  // names of IANA; empty: OpenSSL's own choice
  std::vector<std::string> curves{};         // OpenSSL's names, the best first; empty: its choice
  bool prefer_server_cipher_suites = true;
};

// Thrown if TLS cannot be set up so. The text says why, without a place.
class TlsError : public std::runtime_error {
 public:
  enum class Part : std::uint8_t { certificate, key, client_ca, other };

  TlsError(Part part, const std::string& why) : std::runtime_error(why), part_(part) {}
  [[nodiscard]] Part part() const noexcept { return part_; }

 private:
  Part part_;
};

struct SecuritySettings {
  std::optional<TlsSettings> tls{};
  std::map<std::string, std::string> users{};  // to the bcrypt hash of the password; empty: anyone
  HttpHeaders headers{};                       // of every answer that has not its own
};

// Throws TlsError unless OpenSSL takes the settings.
void check_tls(const TlsSettings& settings);

// Returns what is wrong with a bcrypt hash, to complete "expected …, got …"; nothing if it is good.
// `$2a$`, `$2b$` and `$2y$` are good, with a cost from 4 to 14: a cost of 14 takes about a second.
[[nodiscard]] std::optional<std::string> bcrypt_problem(std::string_view hash);

}  // namespace sockdiag
