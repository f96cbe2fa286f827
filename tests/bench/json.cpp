// SPDX-License-Identifier: Apache-2.0
#include "json.hpp"

#include <cstdio>

#include "host.hpp"

namespace sockdiag::bench {
namespace {

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char character : text) {
    if (character == '"' || character == '\\') result += '\\';
    result += character;
  }
  return result + '"';
}

std::string number(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.9g", value);
  return buffer;
}

}  // namespace

JsonObject& JsonObject::add_member(std::string_view key, std::string_view json) {
  if (!members_.empty()) members_ += ',';
  members_.append(quoted(key)).append(":").append(json);
  return *this;
}

JsonObject& JsonObject::add(std::string_view key, double value) {
  return add_member(key, number(value));
}

JsonObject& JsonObject::add(std::string_view key, std::string_view value) {
  return add_member(key, quoted(value));
}

JsonObject& JsonObject::add(std::string_view key, const Summary& value) {
  JsonObject object;
  object.add("median", value.median).add("min", value.min).add("max", value.max);
  return add(key, object);
}

JsonObject& JsonObject::add(std::string_view key, const JsonObject& value) {
  return add_member(key, value.text());
}

JsonObject& JsonObject::add(std::string_view key, const std::vector<JsonObject>& values) {
  std::string array;
  for (const JsonObject& value : values) {
    array.append(array.empty() ? "" : ",").append(value.text());
  }
  return add_member(key, '[' + array + ']');
}

JsonObject describe_host() {
  JsonObject host;
  host.add("kernel", kernel_release());
  host.add("cpus", static_cast<double>(online_cpus()));
  host.add("load_average", load_average());
  host.add("user", user_name());
  return host;
}

}  // namespace sockdiag::bench
