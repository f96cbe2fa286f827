// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>

namespace sockdiag {

// A configuration file or a flag is wrong. The text says where, what is wrong and what was
// expected.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace sockdiag
