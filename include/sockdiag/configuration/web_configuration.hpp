// SPDX-License-Identifier: Apache-2.0
#pragma once

// The web configuration file, in the format of Prometheus' exporter-toolkit
// (docs/web-configuration.md there): TLS, users and headers. Stricter than that: what could not
// have an effect is refused. All functions are safe from any thread.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sockdiag/configuration/config_error.hpp"
#include "sockdiag/http/security_settings.hpp"

namespace sockdiag {

// What the text says. PEM texts are empty where a file is named instead.
struct WebConfiguration {
  SecuritySettings settings{};
  // By key (cert_file, key_file, client_ca_file), as written.
  std::map<std::string_view, std::string> files{};
  // "NAME:LINE:COLUMN" of the values of tls_server_config, by key, and of the section itself.
  std::map<std::string_view, std::string> places{};
};

// Reads no other file. `name` stands for the file in errors. Throws ConfigError
// "NAME:LINE:COLUMN: problem".
[[nodiscard]] WebConfiguration parse_web_configuration(const std::string& text,
                                                       std::string_view name);

// Returns whether the file asks for TLS. Reads no other file. Throws ConfigError.
[[nodiscard]] bool asks_for_tls(const std::string& path);

// Identifies the content of a file without reading it. Changes with each write, chmod or
// replacement, also behind symbolic links.
struct FileStamp {
  std::string path;
  std::string stamp;  // empty if there is no such file

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};
[[nodiscard]] FileStamp stamp_of(const std::string& path);

// Reads the file and those that it names, whose paths are relative to its folder, and checks them
// with OpenSSL. Sets `files` to the stamps of all files looked at, before they were read, also if
// it throws ConfigError.
[[nodiscard]] SecuritySettings load_web_configuration(const std::string& path,
                                                      std::vector<FileStamp>& files);

}  // namespace sockdiag
