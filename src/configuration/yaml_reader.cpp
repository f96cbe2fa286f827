// SPDX-License-Identifier: Apache-2.0
#include "yaml_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <stdexcept>
#include <system_error>

#include "sockdiag/configuration/config_error.hpp"
#include "sockdiag/configuration/nearest_name.hpp"
#include "sockdiag/core/file_descriptor.hpp"
#include "sockdiag/core/quoted.hpp"

namespace sockdiag {
namespace {

using Kind = YamlNode::Kind;

[[noreturn]] void throw_errno() {
  throw std::runtime_error(std::generic_category().message(errno));
}

void check_regular(const FileDescriptor& file) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw_errno();
  if (S_ISDIR(status.st_mode)) throw std::runtime_error("Is a directory");
  if (!S_ISREG(status.st_mode)) throw std::runtime_error("not a regular file");
}

// Returns 0 at the end of the file.
std::size_t read_some(const FileDescriptor& file, char* buffer, std::size_t size) {
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer, size);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EAGAIN) throw std::runtime_error("reading it would wait");
    if (errno != EINTR) throw_errno();
  }
}

// Returns the first bytes of a regular file, at most `most`. Follows symbolic links. Never waits
// for data, not even for /proc/kmsg: only a mount that hangs can delay it. Throws
// std::runtime_error, with the reason but not the path.
std::string read_regular_file(const std::string& path, std::size_t most) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file.is_open()) throw_errno();
  check_regular(file);
  std::string text(most, '\0');
  std::size_t length = 0;
  while (length < most) {
    const std::size_t got = read_some(file, text.data() + length, most - length);
    if (got == 0) break;
    length += got;
  }
  text.resize(length);
  return text;
}

}  // namespace

std::string read_file(const std::string& path, std::size_t most) {
  try {
    return read_regular_file(path, most);
  } catch (const std::runtime_error& error) {
    throw ConfigError(path + ": cannot be read: " + error.what());
  }
}

std::string read_yaml_file(const std::string& path) { return read_file(path, kMaxYamlBytes + 1); }

std::shared_ptr<const YamlNode> YamlReader::parse(const std::string& text) const {
  try {
    auto document = parse_yaml(text);
    return document != nullptr && document->kind == Kind::null ? nullptr : document;
  } catch (const YamlError& error) {
    fail(error.place(), error.what());
  }
}

std::string YamlReader::in_file(YamlPlace place) const {
  std::string text(name_);
  if (place.line > 0) text += ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
  return text;
}

void YamlReader::fail(YamlPlace place, const std::string& problem) const {
  throw ConfigError(in_file(place) + ": " + problem);
}

void YamlReader::fail_unknown(const YamlNode& key, std::span<const std::string_view> known,
                              const std::string& expected) const {
  const std::string problem = "unknown key " + quoted_excerpt(key.scalar);
  if (!expected.empty()) fail(key.place, problem + "; expected " + expected);
  const std::string meant = did_you_mean(key.scalar, known);
  if (!meant.empty()) fail(key.place, problem + meant);
  std::string names;
  for (const std::string_view name : known) {
    names.append(names.empty() ? "; expected one of " : ", ").append(name);
  }
  fail(key.place, problem + names);
}

void YamlReader::for_each_key(const YamlNode& mapping, const Visit& visit) const {
  std::map<std::string_view, YamlPlace> first_places;
  for (std::size_t i = 0; i < mapping.children.size(); i += 2) {
    const YamlNode& key = *mapping.children[i];
    if (key.kind == Kind::null) fail(key.place, "expected a key, got nothing");
    if (key.kind != Kind::scalar) fail(key.place, "expected a key that is a plain word");
    if (key.scalar == "<<") {
      fail(key.place, "merge keys (<<) are not known; write the keys themselves");
    }
    const auto [first, is_new] = first_places.emplace(key.scalar, key.place);
    if (!is_new) {
      fail(key.place,
           "duplicate key " + quoted_excerpt(key.scalar) + ", first at " + in_file(first->second));
    }
    visit(key, *mapping.children[i + 1]);
  }
}

void YamlReader::check_list(const YamlNode& value, const std::string& expected) const {
  if (value.kind != Kind::list) fail(value.place, expected + ", got no list");
}

void YamlReader::check_scalar(const YamlNode& value, const std::string& expected) const {
  if (value.kind == Kind::null) fail(value.place, expected + ", got nothing");
  if (value.kind != Kind::scalar) fail(value.place, expected + ", got a list or mapping");
}

}  // namespace sockdiag
