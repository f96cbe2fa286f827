// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/configuration/web_configuration.hpp"

#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

const std::string kPair = "cert_file: c, key_file: k";

std::string problem_of(const std::string& text) {
  try {
    static_cast<void>(parse_web_configuration(text, "w"));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return {};
}

std::string tls(const std::string& keys) { return "tls_server_config: {" + keys + "}"; }

}  // namespace

TEST_CASE("A web configuration without keys is good and empty", "[web]") {
  for (const char* text : {"", "# comment", "tls_server_config:", "tls_server_config: {}",
                           "basic_auth_users:", "http_server_config: {headers: }"}) {
    CAPTURE(text);
    const WebConfiguration web = parse_web_configuration(text, "w");
    CHECK_FALSE(web.settings.tls);
    CHECK(web.settings.users.empty());
    CHECK(web.settings.headers.empty());
  }
}

TEST_CASE("The keys of TLS become settings", "[web]") {
  const WebConfiguration web = parse_web_configuration(
      tls(kPair +
          ", client_ca: PEM, client_auth_type: RequireAndVerifyClientCert, client_allowed_sans: [a]"
          ", min_version: TLS13, prefer_server_cipher_suites: false, curve_preferences: [CurveP384]"
          ", cipher_suites: [TLS_AES_128_GCM_SHA256]"),
      "w");
  const TlsSettings& settings = web.settings.tls.value();
  CHECK(web.files.at("cert_file") == "c");
  CHECK(web.files.at("key_file") == "k");
  CHECK(settings.client_ca == "PEM");
  CHECK(settings.client_auth == TlsSettings::ClientAuth::require_and_verify_client_cert);
  CHECK(settings.client_allowed_sans == std::vector<std::string>{"a"});
  CHECK(settings.min_version == TlsSettings::Version::tls13);
  CHECK_FALSE(settings.prefer_server_cipher_suites);
  CHECK(settings.curves == std::vector<std::string>{"P-384"});
  CHECK(settings.cipher_suites == std::vector<std::string>{"TLS_AES_128_GCM_SHA256"});
}

TEST_CASE("What the web configuration does not know is refused with its place", "[web]") {
  struct Row {
    std::string text;
    std::string begin;
  };
  for (const Row& row : {
           Row{"x: 1", "w:1:1: unknown key \"x\"; expected one of tls_server_config"},
           Row{"[]", "w:1:1: expected a mapping of keys"},
           Row{"tls_server_config: 1", "w:1:20: tls_server_config: expected a mapping of keys"},
           Row{tls("cert_fle: c"), "w:1:21: unknown key \"cert_fle\"; did you mean \"cert_file\"?"},
           Row{tls("cert_file: c"), "w:1:20: tls_server_config: expected one of key and key_file"},
           Row{tls("key: k"), "w:1:20: tls_server_config: expected one of cert and cert_file"},
           Row{tls("cert: c, " + kPair),
               "w:1:27: cert: expected one of cert and cert_file, got both"},
           Row{tls("cert_file: , key: k"), "w:1:32: cert_file: expected the path of a PEM file"},
           Row{tls("cert_file: '', key: k"), "w:1:32: cert_file: expected the path of a PEM file"},
           Row{tls(kPair + ", min_version: TLS13, max_version: TLS12"), "w:1:81: max_version: exp"},
           Row{tls(kPair + ", min_version: TLS11"), "w:1:61: min_version: expected one of TLS12"},
           Row{tls(kPair + ", client_allowed_sans: []"), "w:1:69: client_allowed_sans: expected"},
           Row{tls(kPair + ", client_allowed_sans: [a]"), "w:1:69: client_allowed_sans: expected"},
           Row{tls(kPair + ", prefer_server_cipher_suites: 1"), "w:1:77: prefer_server"},
           Row{"http_server_config: {http2: true}", "w:1:29: http2: expected false"},
           Row{"http_server_config: {headers: {X-Frame-Options: no}}", "w:1:49: X-Frame-Options"},
           Row{"http_server_config: {headers: {X-XSS-Protection: \"a\\r\\nb: c\"}}", "w:1:50: X-X"},
           Row{"rate_limit: {burst: 1}", "w:1:13: rate_limit is not supported"},
           Row{"basic_auth_users: {a: b}", "w:1:23: basic_auth_users: expected a bcrypt hash"},
           Row{"basic_auth_users: {a: }", "w:1:23: basic_auth_users: expected a bcrypt hash"},
           Row{"basic_auth_users: {'a:b': c}", "w:1:20: expected a user name without a colon"},
           Row{"basic_auth_users: {a: b, a: b}", "w:1:"},
       }) {
    CAPTURE(row.text);
    CHECK_THAT(problem_of(row.text), Catch::Matchers::StartsWith(row.begin));
  }
}

TEST_CASE("A file that is named is looked for beside the web configuration, and watched", "[web]") {
  std::string directory = "/tmp/sockdiag_web_XXXXXX";
  REQUIRE(::mkdtemp(directory.data()) != nullptr);
  const std::string path = directory + "/web.yml";
  std::ofstream(path) << tls(kPair);
  std::vector<FileStamp> files;
  CHECK_THROWS_WITH(
      load_web_configuration(path, files),
      path + ":1:32: cert_file: " + directory + "/c: cannot be read: No such file or directory");
  REQUIRE(files.size() == 2);
  CHECK(files[1] == FileStamp{directory + "/c", ""});
  std::ofstream(directory + "/c") << "no PEM";
  CHECK(stamp_of(directory + "/c") != files[1]);
  for (const char* name : {"/c", "/web.yml"}) ::unlink((directory + name).c_str());
  ::rmdir(directory.c_str());
}

}  // namespace sockdiag::test
