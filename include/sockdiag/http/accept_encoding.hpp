// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace sockdiag {

// Whether an Accept-Encoding field (RFC 9110, section 12.5.3) allows gzip: named, or covered by
// `*`, with a quality above 0. A quality that makes no sense allows nothing.
[[nodiscard]] bool accepts_gzip(std::string_view accept_encoding);

}  // namespace sockdiag
