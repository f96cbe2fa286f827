// SPDX-License-Identifier: Apache-2.0
#pragma once

// How texts become answers. Pure functions, safe from any thread; they throw std::bad_alloc.

#include <memory>
#include <string_view>
#include <vector>

#include "document_cache.hpp"
#include "sockdiag/diagnosis/text.hpp"
#include "sockdiag/http/http_message.hpp"

namespace sockdiag {

// Sets the body to the texts one after the other, compressed if the request accepts gzip. The
// answer has to say that it varies with Accept-Encoding.
void set_body(HttpResponse& response, const HttpRequest& request,
              const std::vector<std::shared_ptr<const TextPart>>& parts);

// Returns the document, or 304 if the client has it already (RFC 9110, section 13.1.2).
[[nodiscard]] HttpResponse document_response(const HttpRequest& request, const Document& document,
                                             std::string_view content_type);

// Returns the language that the parameter `lang` asks for, or that Accept-Language prefers. Another
// language than ours in `lang` is no error: whoever asks needs an answer.
[[nodiscard]] Language language_of(const HttpRequest& request);

}  // namespace sockdiag
