// SPDX-License-Identifier: Apache-2.0
#include "tls.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "client_certificate.hpp"

namespace sockdiag {
namespace {

using Part = TlsError::Part;
using ClientAuth = TlsSettings::ClientAuth;

template <auto kFree>
struct Free {
  template <typename Object>
  void operator()(Object* object) const noexcept {
    kFree(object);
  }
};
using Bio = std::unique_ptr<BIO, Free<::BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Free<::X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<::EVP_PKEY_free>>;
using Connection = std::unique_ptr<SSL, Free<::SSL_free>>;

// OpenSSL leaves algorithms out of a context that it had no memory for, and does not say so. The
// context would refuse its clients. So its allocations are watched.
thread_local bool lacked_memory = false;

void* watched(void* memory, std::size_t size) noexcept {
  if (memory == nullptr && size > 0) lacked_memory = true;
  return memory;
}

void* allocate(std::size_t size, const char* /*file*/, int /*line*/) {
  return watched(std::malloc(size), size);
}

void* reallocate(void* memory, std::size_t size, const char* /*file*/, int /*line*/) {
  return watched(std::realloc(memory, size), size);
}

void release(void* memory, const char* /*file*/, int /*line*/) { std::free(memory); }

// Before OpenSSL allocates anything, as it demands.
[[maybe_unused]] const int watching = ::CRYPTO_set_mem_functions(allocate, reallocate, release);

// Throws what OpenSSL noted last, and forgets all that it noted.
[[noreturn]] void fail(Part part, const std::string& what) {
  if (lacked_memory) throw std::bad_alloc();
  const char* const reason = ::ERR_reason_error_string(::ERR_peek_last_error());
  ::ERR_clear_error();
  throw TlsError(part, reason != nullptr ? what + ": " + reason : what);
}

void expect(bool good, Part part, const std::string& what) {
  if (!good) fail(part, what);
}

Bio open(const std::string& pem) {
  Bio bio(::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (bio == nullptr) throw std::bad_alloc();
  return bio;
}

// OpenSSL's own would ask on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

std::vector<Certificate> read_certificates(const std::string& pem, Part part) {
  const Bio bio = open(pem);
  std::vector<Certificate> certificates;
  while (X509* each = ::PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)) {
    certificates.emplace_back(each);
  }
  const unsigned long end = ::ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(end) == ERR_LIB_PEM && ERR_GET_REASON(end) == PEM_R_NO_START_LINE;
  expect(at_end, part, "a certificate in it cannot be read");
  ::ERR_clear_error();
  expect(!certificates.empty(), part, "no certificate in it (-----BEGIN CERTIFICATE-----)");
  return certificates;
}

void use_certificate(SSL_CTX* context, const std::string& pem) {
  const std::vector<Certificate> chain = read_certificates(pem, Part::certificate);
  expect(::SSL_CTX_use_certificate(context, chain.front().get()) == 1, Part::certificate,
         "OpenSSL refuses the certificate");
  for (std::size_t i = 1; i < chain.size(); ++i) {
    expect(::SSL_CTX_add1_chain_cert(context, chain[i].get()) == 1, Part::certificate,
           "OpenSSL refuses a certificate of the chain");
  }
}

void use_key(SSL_CTX* context, const std::string& pem) {
  const Bio bio = open(pem);
  const Key key(::PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  expect(key != nullptr, Part::key, "no private key without a passphrase in it");
  expect(::SSL_CTX_use_PrivateKey(context, key.get()) == 1, Part::key,
         "the key is not that of the certificate");
}

// Trusts only these authorities, and names them to clients.
void use_client_ca(SSL_CTX* context, const std::string& pem) {
  for (const Certificate& each : read_certificates(pem, Part::client_ca)) {
    expect(::X509_STORE_add_cert(::SSL_CTX_get_cert_store(context), each.get()) == 1 &&
               ::SSL_CTX_add_client_CA(context, each.get()) == 1,
           Part::client_ca, "OpenSSL refuses a certificate of it");
  }
}

int verify_mode(ClientAuth policy) {
  switch (policy) {
    case ClientAuth::no_client_cert:
      return SSL_VERIFY_NONE;
    case ClientAuth::request_client_cert:
    case ClientAuth::verify_client_cert_if_given:
      return SSL_VERIFY_PEER;
    case ClientAuth::require_any_client_cert:
    case ClientAuth::require_and_verify_client_cert:
      break;
  }
  return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

int version_number(TlsSettings::Version version) {
  return version == TlsSettings::Version::tls12 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : ":").append(word);
  return text;
}

// Lists for TLS 1.3 and for older versions are apart. A version without a suite is not offered.
void use_cipher_suites(SSL_CTX* context, const std::vector<std::string>& names) {
  if (names.empty()) return;
  std::vector<std::string> newer;
  std::vector<std::string> older;
  for (const std::string& name : names) {
    const std::string_view own = ::OPENSSL_cipher_name(name.c_str());
    expect(own != "(NONE)", Part::other, "OpenSSL does not know the cipher suite " + name);
    (own.starts_with("TLS_") ? newer : older).emplace_back(own);
  }
  if (!newer.empty()) {
    expect(::SSL_CTX_set_ciphersuites(context, joined(newer).c_str()) == 1, Part::other,
           "OpenSSL refuses the cipher suites");
  }
  if (older.empty()) {
    ::SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  } else {
    expect(::SSL_CTX_set_cipher_list(context, joined(older).c_str()) == 1, Part::other,
           "OpenSSL refuses the cipher suites");
  }
}

void use_protocol(SSL_CTX* context, const TlsSettings& settings) {
  ::SSL_CTX_set_min_proto_version(context, version_number(settings.min_version));
  ::SSL_CTX_set_max_proto_version(context, version_number(settings.max_version));
  use_cipher_suites(context, settings.cipher_suites);
  if (!settings.curves.empty()) {
    expect(::SSL_CTX_set1_groups_list(context, joined(settings.curves).c_str()) == 1, Part::other,
           "OpenSSL refuses the curves");
  }
  std::uint64_t options = SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_CLEANSE_PLAINTEXT;
  if (settings.prefer_server_cipher_suites) options |= SSL_OP_CIPHER_SERVER_PREFERENCE;
  ::SSL_CTX_set_options(context, options);
  ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  ::SSL_CTX_set_num_tickets(context, 0);
}

TlsContext make_context() {
  TlsContext context(::SSL_CTX_new(::TLS_server_method()));
  if (context == nullptr) fail(Part::other, "OpenSSL cannot make a context");
  return context;
}

TlsContext context_for(const TlsSettings& settings) {
  ::ERR_clear_error();
  lacked_memory = false;
  TlsContext context = make_context();
  use_protocol(context.get(), settings);
  use_certificate(context.get(), settings.certificate);
  use_key(context.get(), settings.key);
  if (!settings.client_ca.empty()) use_client_ca(context.get(), settings.client_ca);
  ::SSL_CTX_set_verify(context.get(), verify_mode(settings.client_auth), nullptr);
  set_certificate_rules(context.get(), settings);
  if (lacked_memory) throw std::bad_alloc();
  return context;
}

// OpenSSL makes parts of itself at the first handshake. What it has no memory for then stays
// missing, and every client is refused. So the first handshake is this one, with a client in this
// process. That it succeeds depends on the settings and does not matter.
void shake_hands(SSL_CTX* context) {
  constexpr int kTurns = 4;  // more than any handshake takes
  const TlsContext client_context(::SSL_CTX_new(::TLS_client_method()));
  if (client_context == nullptr) throw std::bad_alloc();
  const Connection client(::SSL_new(client_context.get()));
  const Connection server(::SSL_new(context));
  BIO* client_end = nullptr;
  BIO* server_end = nullptr;
  if (client == nullptr || server == nullptr ||
      ::BIO_new_bio_pair(&client_end, 0, &server_end, 0) != 1) {
    throw std::bad_alloc();
  }
  ::SSL_set_bio(client.get(), client_end, client_end);
  ::SSL_set_bio(server.get(), server_end, server_end);
  ::SSL_set_verify(server.get(), SSL_VERIFY_NONE, nullptr);
  ::SSL_set_connect_state(client.get());
  ::SSL_set_accept_state(server.get());
  for (int turn = 0; turn < kTurns; ++turn) {
    ::SSL_do_handshake(client.get());
    ::SSL_do_handshake(server.get());
  }
  ::ERR_clear_error();
  if (lacked_memory) throw std::bad_alloc();
}

int server_index() noexcept {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

}  // namespace

void FreeTlsContext::operator()(SSL_CTX* context) const noexcept { ::SSL_CTX_free(context); }

TlsServer::TlsServer(const TlsSettings& settings)
    : handle_(make_context()), newest_(context_for(settings)) {
  if (SSL_CTX_set_ex_data(handle_.get(), server_index(), this) != 1) throw std::bad_alloc();
  shake_hands(newest_.get());
}

void TlsServer::replace(const TlsSettings& settings) {
  TlsContext context = context_for(settings);
  const std::lock_guard lock(mutex_);
  newest_.swap(context);
}

const TlsServer* TlsServer::of(const SSL_CTX* handle) noexcept {
  return static_cast<const TlsServer*>(SSL_CTX_get_ex_data(handle, server_index()));
}

void check_tls(const TlsSettings& settings) { static_cast<void>(context_for(settings)); }

}  // namespace sockdiag
