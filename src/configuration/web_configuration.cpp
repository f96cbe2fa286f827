// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/configuration/web_configuration.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "sockdiag/core/quoted.hpp"
#include "web_values.hpp"
#include "yaml_reader.hpp"

namespace sockdiag {
namespace {

using Kind = YamlNode::Kind;
using Names = std::vector<std::string_view>;

constexpr std::string_view kTls = "tls_server_config";

class WebParser {
 public:
  explicit WebParser(std::string_view name) : reader_(name) {}

  WebConfiguration parse(const std::string& text) {
    const auto document = reader_.parse(text);
    if (document == nullptr) return {};
    static constexpr std::array<Key, 4> kSections = {
        {{kTls, &WebParser::read_tls},
         {"http_server_config", &WebParser::read_http},
         {"basic_auth_users", &WebParser::read_users},
         {"rate_limit", &WebParser::refuse_rate_limit}}};
    read_keys(*document, "", kSections);
    return std::move(result_);
  }

 private:
  using Read = void (WebParser::*)(std::string_view key, const YamlNode& value);
  struct Key {
    std::string_view name;
    Read read;
  };

  // `section` is empty for the document.
  void read_keys(const YamlNode& mapping, std::string_view section, std::span<const Key> keys) {
    if (mapping.kind == Kind::null) return;  // all of its keys are commented out
    if (mapping.kind != Kind::mapping) {
      reader_.fail(mapping.place, (section.empty() ? "" : std::string(section) + ": ") +
                                      "expected a mapping of keys");
    }
    reader_.for_each_key(mapping, [&](const YamlNode& name, const YamlNode& value) {
      const auto key = std::find_if(keys.begin(), keys.end(),
                                    [&](const Key& each) { return each.name == name.scalar; });
      if (key == keys.end()) {
        Names known;
        for (const Key& each : keys) known.push_back(each.name);
        reader_.fail_unknown(name, known);
      }
      (this->*key->read)(key->name, value);
    });
  }

  void read_tls(std::string_view section, const YamlNode& value) {
    static constexpr std::array<Key, 13> kKeys = {
        {{"cert_file", &WebParser::read_path},
         {"key_file", &WebParser::read_path},
         {"client_ca_file", &WebParser::read_path},
         {"cert", &WebParser::read_pem},
         {"key", &WebParser::read_pem},
         {"client_ca", &WebParser::read_pem},
         {"client_auth_type", &WebParser::read_client_auth},
         {"client_allowed_sans", &WebParser::read_sans},
         {"min_version", &WebParser::read_version},
         {"max_version", &WebParser::read_version},
         {"cipher_suites", &WebParser::read_cipher_suites},
         {"prefer_server_cipher_suites", &WebParser::read_preference},
         {"curve_preferences", &WebParser::read_curves}}};
    if (value.kind == Kind::mapping && !value.children.empty()) result_.settings.tls.emplace();
    read_keys(value, section, kKeys);
    if (!result_.settings.tls) return;
    note(kTls, value);
    check_pair("cert", "cert_file", true);
    check_pair("key", "key_file", true);
    check_pair("client_ca", "client_ca_file", false);
    check_client_certificates();
    if (tls().max_version < tls().min_version) fail_at("max_version", "no less than min_version");
  }

  void check_pair(std::string_view text, std::string_view file, bool needed) {
    const bool has_text = result_.places.contains(text);
    const bool has_file = result_.places.contains(file);
    const std::string names = std::string(text) + " and " + std::string(file);
    if (has_text && has_file) fail_at(text, "one of " + names + ", got both");
    if (needed && !has_text && !has_file) fail_at(kTls, "one of " + names + ", got neither");
  }

  void check_client_certificates() {
    using Auth = TlsSettings::ClientAuth;
    const Auth auth = tls().client_auth;
    const bool verifies =
        auth == Auth::verify_client_cert_if_given || auth == Auth::require_and_verify_client_cert;
    const bool requires_one =
        auth == Auth::require_any_client_cert || auth == Auth::require_and_verify_client_cert;
    const std::string ca = result_.places.contains("client_ca") ? "client_ca" : "client_ca_file";
    const bool has_ca = result_.places.contains(ca);
    if (verifies && !has_ca) {
      fail_at("client_auth_type", "client_ca_file beside it, to verify certificates with");
    }
    if (has_ca && !verifies) {
      fail_at(ca, "a client_auth_type that verifies, such as RequireAndVerifyClientCert");
    }
    if (!tls().client_allowed_sans.empty() && !requires_one) {
      fail_at("client_allowed_sans",
              "a client_auth_type that requires a certificate, such as RequireAndVerifyClientCert");
    }
  }

  void read_path(std::string_view key, const YamlNode& value) {
    result_.files[key] = word(key, value, "the path of a PEM file");
  }

  void read_pem(std::string_view key, const YamlNode& value) {
    std::string pem = word(key, value, "PEM text");
    (key == "cert"  ? tls().certificate
     : key == "key" ? tls().key
                    : tls().client_ca) = std::move(pem);
  }

  void read_client_auth(std::string_view key, const YamlNode& value) {
    tls().client_auth = choose(key, value, client_auth_types());
  }

  void read_version(std::string_view key, const YamlNode& value) {
    (key == "min_version" ? tls().min_version : tls().max_version) =
        choose(key, value, tls_versions());
  }

  void read_sans(std::string_view key, const YamlNode& value) {
    for_each_word(key, value, "a list of names", [&](const YamlNode& element) {
      tls().client_allowed_sans.push_back(element.scalar);
    });
    if (tls().client_allowed_sans.empty()) fail_at(key, "at least one name");
  }

  void read_cipher_suites(std::string_view key, const YamlNode& value) {
    for_each_word(key, value, "a list of cipher suites", [&](const YamlNode& element) {
      choose(key, element, cipher_suites());
      tls().cipher_suites.push_back(element.scalar);
    });
  }

  void read_curves(std::string_view key, const YamlNode& value) {
    for_each_word(key, value, "a list of curves", [&](const YamlNode& element) {
      tls().curves.emplace_back(choose(key, element, curves()));
    });
  }

  void read_preference(std::string_view key, const YamlNode& value) {
    tls().prefer_server_cipher_suites = read_boolean(key, value);
  }

  void read_http(std::string_view section, const YamlNode& value) {
    static constexpr std::array<Key, 2> kKeys = {
        {{"http2", &WebParser::read_http2}, {"headers", &WebParser::read_headers}}};
    read_keys(value, section, kKeys);
  }

  void read_http2(std::string_view key, const YamlNode& value) {
    if (!read_boolean(key, value)) return;
    reader_.fail(value.place, "http2: expected false, or no such key: HTTP/2 is not supported");
  }

  void read_headers(std::string_view section, const YamlNode& value) {
    static constexpr std::array<Key, 5> kKeys = {
        {{"Content-Security-Policy", &WebParser::read_header},
         {"X-Frame-Options", &WebParser::read_header},
         {"X-Content-Type-Options", &WebParser::read_header},
         {"X-XSS-Protection", &WebParser::read_header},
         {"Strict-Transport-Security", &WebParser::read_header}}};
    read_keys(value, section, kKeys);
  }

  void read_header(std::string_view key, const YamlNode& value) {
    const std::string text = word(key, value, "the value of a header");
    if (const auto problem = header_problem(key, text)) fail(key, value, *problem, text);
    const bool is_always_sent = key == "X-Content-Type-Options";
    if (!is_always_sent) result_.settings.headers.emplace_back(key, text);
  }

  void read_users(std::string_view section, const YamlNode& value) {
    if (value.kind == Kind::null) return;
    if (value.kind != Kind::mapping) {
      reader_.fail(value.place, std::string(section) + ": expected a mapping of users to hashes");
    }
    reader_.for_each_key(value, [&](const YamlNode& user, const YamlNode& hash) {
      if (user.scalar.find(':') != std::string::npos) {
        reader_.fail(user.place, "expected a user name without a colon, which ends it in a login");
      }
      const std::string expected = std::string(section) +
                                   ": expected a bcrypt hash ($2a$, $2b$ or $2y$) with a cost "
                                   "from 4 to 14";
      reader_.check_scalar(hash, expected);
      const auto problem = bcrypt_problem(hash.scalar);
      if (problem) reader_.fail(hash.place, expected + ", got " + *problem);
      result_.settings.users.emplace(user.scalar, hash.scalar);
    });
  }

  void refuse_rate_limit(std::string_view, const YamlNode& value) {
    reader_.fail(value.place,
                 "rate_limit is not supported; web.max_requests limits how many scrapes are "
                 "answered at a time");
  }

  // Returns a value that is not empty, and notes its place.
  std::string word(std::string_view key, const YamlNode& value, const std::string& expected) {
    note(key, value);
    reader_.check_scalar(value, std::string(key) + ": expected " + expected);
    if (value.scalar.empty()) fail(key, value, expected, "");
    return value.scalar;
  }

  template <typename Each>
  void for_each_word(std::string_view key, const YamlNode& value, const std::string& expected,
                     Each each) {
    note(key, value);
    const std::string text = std::string(key) + ": expected " + expected;
    reader_.check_list(value, text);
    for (const auto& element : value.children) {
      reader_.check_scalar(*element, text);
      each(*element);
    }
  }

  template <typename Value>
  Value choose(std::string_view key, const YamlNode& value,
               std::span<const NamedValue<Value>> known) {
    note(key, value);
    std::string names;
    for (const auto& each : known) {
      if (value.kind == Kind::scalar && each.name == value.scalar) return each.value;
      names.append(names.empty() ? "one of " : ", ").append(each.name);
    }
    reader_.check_scalar(value, std::string(key) + ": expected " + names);
    fail(key, value, names, value.scalar);
  }

  bool read_boolean(std::string_view key, const YamlNode& value) {
    return choose(key, value, booleans());
  }

  TlsSettings& tls() { return *result_.settings.tls; }

  void note(std::string_view key, const YamlNode& value) {
    result_.places[key] = reader_.in_file(value.place);
  }

  [[noreturn]] void fail(std::string_view key, const YamlNode& value, const std::string& expected,
                         const std::string& got) const {
    reader_.fail(value.place, std::string(key) + ": expected " + expected + ", got " +
                                  (got.empty() ? "nothing" : quoted_excerpt(got)));
  }

  [[noreturn]] void fail_at(std::string_view key, const std::string& expected) const {
    throw ConfigError(result_.places.at(key) + ": " + std::string(key) + ": expected " + expected);
  }

  YamlReader reader_;
  WebConfiguration result_;
};

}  // namespace

WebConfiguration parse_web_configuration(const std::string& text, std::string_view name) {
  return WebParser(name).parse(text);
}

}  // namespace sockdiag
