// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/types.h>

#include "sockdiag/http/security_settings.hpp"

namespace sockdiag {

// Makes the context decide about certificates of clients as the settings say. Throws
// std::bad_alloc.
void set_certificate_rules(SSL_CTX* context, const TlsSettings& settings);

}  // namespace sockdiag
