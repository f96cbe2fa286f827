// SPDX-License-Identifier: Apache-2.0
#pragma once

// Configurations from text and files, and what is wrong with them.

#include <string>

#include "sockdiag/configuration/configuration_file.hpp"

namespace sockdiag::test {

inline Configuration checked(const LoadedConfiguration& loaded) {
  check_contradictions(loaded);
  return loaded.configuration;
}

inline Configuration parse(const std::string& text) { return checked(load_text(text, "f.yml")); }

inline Configuration load_configuration(const std::string& path) {
  return checked(load_file(path));
}

inline std::string problem_of(const std::string& text) {
  try {
    parse(text);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no problem";
}

}  // namespace sockdiag::test
