// SPDX-License-Identifier: Apache-2.0

// Debian's CivetWeb 1.15 and 1.16 were built for OpenSSL 1.1 without linking it. They ask dlopen()
// for "libssl.so" and "libcrypto.so", which only development packages install, and dlsym() for
// SSL_get_peer_certificate, which OpenSSL 3 has renamed; without that one the first TLS connection
// calls a null pointer. So the program links OpenSSL 3 itself, and defines dlopen(), which the
// dynamic linker finds before the C library's: for these two names it returns the program, through
// which dlsym() finds the functions of OpenSSL 3 and those defined here. All other names go to the
// real dlopen(). Three functions stand before OpenSSL's own: SSL_get_peer_certificate() is the old
// name; SSL_new() takes the newest certificate and rules of the server (tls.hpp); SSL_read()
// empties the buffer first, because CivetWeb 1.15 parses beyond what it received and would answer
// with bytes of another client. http_server.cpp refers to this file, so that every link contains
// it.

#include "openssl_for_civetweb.hpp"

#include <civetweb.h>
#include <dlfcn.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "received_bytes.hpp"
#include "tls.hpp"

namespace sockdiag {
namespace {

// Returns the definition that stands behind the one in this file.
template <typename Function>
Function next(const char* name) noexcept {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

bool civetweb_has_tls() noexcept {
  const bool has = (::mg_init_library(MG_FEATURES_TLS) & MG_FEATURES_TLS) != 0;
  ::mg_exit_library();
  return has;
}

}  // namespace sockdiag

#undef SSL_get_peer_certificate

// The names and signatures are those of the C library and of OpenSSL.
// NOLINTBEGIN(readability-identifier-naming,misc-use-internal-linkage)
extern "C" {

__attribute__((visibility("default"))) void* dlopen(const char* file, int mode) noexcept {
  static const auto real = sockdiag::next<void* (*)(const char*, int)>("dlopen");
  constexpr std::array<std::string_view, 2> kOfCivetWeb = {"libssl.so", "libcrypto.so"};
  const bool is_openssl = file != nullptr && std::find(kOfCivetWeb.begin(), kOfCivetWeb.end(),
                                                       file) != kOfCivetWeb.end();
  return real(is_openssl ? nullptr : file, mode);
}

__attribute__((visibility("default"))) X509* SSL_get_peer_certificate(const SSL* ssl) {
  return ::SSL_get1_peer_certificate(ssl);
}

__attribute__((visibility("default"))) SSL* SSL_new(SSL_CTX* context) {
  static const auto real = sockdiag::next<SSL* (*)(SSL_CTX*)>("SSL_new");
  const sockdiag::TlsServer* const server = sockdiag::TlsServer::of(context);
  return server != nullptr ? server->with_newest(real) : real(context);
}

__attribute__((visibility("default"))) int SSL_read(SSL* ssl, void* buffer, int size) {
  static const auto real = sockdiag::next<int (*)(SSL*, void*, int)>("SSL_read");
  if (size > 0) {
    std::memset(buffer, 0, static_cast<std::size_t>(size));
    sockdiag::note_received(buffer, static_cast<std::size_t>(size));
  }
  return real(ssl, buffer, size);
}

}  // extern "C"
// NOLINTEND(readability-identifier-naming,misc-use-internal-linkage)
