// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace sockdiag {

// Returns true if an Accept-Encoding header (RFC 9110, section 12.5.3) names gzip, or covers it
// with
// `*`, with a quality above 0. A quality that is no number from 0 to 1 counts as 0.
[[nodiscard]] bool accepts_gzip(std::string_view accept_encoding);

}  // namespace sockdiag
