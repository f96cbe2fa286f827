// SPDX-License-Identifier: Apache-2.0
#pragma once

// Takes the answer to one request apart (RFC 9112), whatever brings its bytes. Pure functions.

#include <cstddef>
#include <functional>
#include <string>

#include "sockdiag/http/http_client.hpp"

namespace sockdiag {

// Appends some bytes. Returns false at the end of the stream. May throw.
using Receive = std::function<bool(std::string& answer)>;

// Throws RequestError, which begins with `name`, if the answer has a body of more than `most`
// bytes, ends early or is not HTTP; and what `receive` throws.
[[nodiscard]] HttpAnswer read_http_answer(const std::string& name, std::size_t most,
                                          const Receive& receive);

}  // namespace sockdiag
