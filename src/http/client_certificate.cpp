// SPDX-License-Identifier: Apache-2.0
#include "client_certificate.hpp"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace sockdiag {
namespace {

struct Rules {
  bool verify_chain;
  std::vector<std::string> allowed_names;
};

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const noexcept { ::GENERAL_NAMES_free(names); }
};
using Names = std::unique_ptr<GENERAL_NAMES, FreeNames>;

// The view may hold any bytes.
std::string_view text_of(const ASN1_STRING* text) {
  const auto* const bytes = reinterpret_cast<const char*>(::ASN1_STRING_get0_data(text));
  return {bytes, static_cast<std::size_t>(::ASN1_STRING_length(text))};
}

std::string address_of(const ASN1_STRING* bytes) {
  constexpr int kIpv4Bytes = 4;
  constexpr int kIpv6Bytes = 16;
  const int length = ::ASN1_STRING_length(bytes);
  if (length != kIpv4Bytes && length != kIpv6Bytes) return {};
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(length == kIpv4Bytes ? AF_INET : AF_INET6, ::ASN1_STRING_get0_data(bytes),
              text.data(), text.size());
  return text.data();
}

std::string value_of(const GENERAL_NAME& name) {
  switch (name.type) {
    case GEN_DNS:
    case GEN_EMAIL:
    case GEN_URI:
      return std::string(text_of(name.d.ia5));
    case GEN_IPADD:
      return address_of(name.d.iPAddress);
    default:
      return {};
  }
}

bool has_allowed_name(X509* certificate, const std::vector<std::string>& allowed) {
  const Names names(static_cast<GENERAL_NAMES*>(
      ::X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const std::string value = value_of(*sk_GENERAL_NAME_value(names.get(), i));
    if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return true;
  }
  return false;
}

// OpenSSL calls it for each connection whose client has sent a certificate. Returns 1 or 0.
int decide(X509_STORE_CTX* chain, void* user) noexcept {
  const Rules& rules = *static_cast<const Rules*>(user);
  if (rules.verify_chain && ::X509_verify_cert(chain) != 1) return 0;
  ::X509_STORE_CTX_set_error(chain, X509_V_OK);
  if (rules.allowed_names.empty()) return 1;
  try {
    if (has_allowed_name(::X509_STORE_CTX_get0_cert(chain), rules.allowed_names)) return 1;
  } catch (const std::bad_alloc&) {
    ::X509_STORE_CTX_set_error(chain, X509_V_ERR_OUT_OF_MEM);
    return 0;
  }
  ::X509_STORE_CTX_set_error(chain, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

void free_rules(void*, void* rules, CRYPTO_EX_DATA*, int, long, void*) {
  const std::unique_ptr<Rules> owned(static_cast<Rules*>(rules));
}

int rules_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_rules);
  return index;
}

}  // namespace

// The rules live as long as the context, which connections may keep longer than the server does.
void set_certificate_rules(SSL_CTX* context, const TlsSettings& settings) {
  using Auth = TlsSettings::ClientAuth;
  const bool verify = settings.client_auth == Auth::verify_client_cert_if_given ||
                      settings.client_auth == Auth::require_and_verify_client_cert;
  auto rules = std::make_unique<Rules>(Rules{verify, settings.client_allowed_sans});
  if (SSL_CTX_set_ex_data(context, rules_index(), rules.get()) != 1) throw std::bad_alloc();
  ::SSL_CTX_set_cert_verify_callback(context, decide, rules.release());
}

}  // namespace sockdiag
