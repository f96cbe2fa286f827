// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/core/version.hpp"

namespace sockdiag {

BuildInfo build_info() noexcept { return {SOCKDIAG_VERSION, SOCKDIAG_REVISION, SOCKDIAG_COMPILER}; }

}  // namespace sockdiag
