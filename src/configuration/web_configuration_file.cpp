// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <string>
#include <string_view>

#include "sockdiag/configuration/web_configuration.hpp"
#include "yaml_reader.hpp"

namespace sockdiag {
namespace {

constexpr std::size_t kMaxPemBytes = std::size_t{1} << 20U;

// Returns a path relative to the folder of `file`.
std::string beside(const std::string& file, const std::string& path) {
  if (path.starts_with('/')) return path;
  const std::size_t slash = file.rfind('/');
  return slash == std::string::npos ? path : file.substr(0, slash + 1) + path;
}

// Replaces the files that are named by what is in them.
class FileReader {
 public:
  FileReader(const std::string& path, WebConfiguration& web, std::vector<FileStamp>& stamps)
      : path_(path), web_(web), stamps_(stamps) {}

  void read(std::string_view key, std::string& pem) {
    const auto named = web_.files.find(key);
    if (named == web_.files.end()) return;
    const std::string path = beside(path_, named->second);
    stamps_.push_back(stamp_of(path));
    try {
      pem = read_file(path, kMaxPemBytes + 1);
      if (pem.size() > kMaxPemBytes) throw ConfigError(path + ": expected at most 1 MiB");
    } catch (const ConfigError& error) {
      throw ConfigError(web_.places.at(key) + ": " + std::string(key) + ": " + error.what());
    }
  }

 private:
  const std::string& path_;
  WebConfiguration& web_;
  std::vector<FileStamp>& stamps_;
};

std::string_view key_of(TlsError::Part part, const WebConfiguration& web) {
  using Part = TlsError::Part;
  const auto either = [&](std::string_view file, std::string_view text) {
    return web.places.contains(file) ? file : text;
  };
  switch (part) {
    case Part::certificate:
      return either("cert_file", "cert");
    case Part::key:
      return either("key_file", "key");
    case Part::client_ca:
      return either("client_ca_file", "client_ca");
    case Part::other:
      break;
  }
  return "tls_server_config";
}

void check(const WebConfiguration& web) {
  try {
    check_tls(*web.settings.tls);
  } catch (const TlsError& error) {
    const std::string_view key = key_of(error.part(), web);
    const auto file = web.files.find(key);
    std::string text = web.places.at(key) + ": " + std::string(key);
    if (file != web.files.end()) text += " " + file->second;
    throw ConfigError(text + ": " + error.what());
  }
}

}  // namespace

bool asks_for_tls(const std::string& path) {
  return parse_web_configuration(read_yaml_file(path), path).settings.tls.has_value();
}

FileStamp stamp_of(const std::string& path) {
  struct stat status {};
  FileStamp result{path, {}};
  if (::stat(path.c_str(), &status) != 0) return result;
  const auto add = [&](auto number) { result.stamp += std::to_string(number) + " "; };
  add(status.st_dev);
  add(status.st_ino);
  add(status.st_size);
  for (const timespec& time : {status.st_mtim, status.st_ctim}) {
    add(time.tv_sec);
    add(time.tv_nsec);
  }
  return result;
}

SecuritySettings load_web_configuration(const std::string& path, std::vector<FileStamp>& files) {
  files = {stamp_of(path)};
  WebConfiguration web = parse_web_configuration(read_yaml_file(path), path);
  if (web.settings.tls) {
    TlsSettings& tls = *web.settings.tls;
    FileReader reader(path, web, files);
    reader.read("cert_file", tls.certificate);
    reader.read("key_file", tls.key);
    reader.read("client_ca_file", tls.client_ca);
    check(web);
  }
  return std::move(web.settings);
}

}  // namespace sockdiag
