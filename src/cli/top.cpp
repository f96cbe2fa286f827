// SPDX-License-Identifier: Apache-2.0
#include <stdexcept>

#include "subcommands.hpp"

namespace sockdiag {

int top(const ReportOptions&, const Configuration&) { throw std::runtime_error("top: not yet"); }

}  // namespace sockdiag
