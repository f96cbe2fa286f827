// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "sockdiag/core/file_descriptor.hpp"

namespace sockdiag::bench {

// Loads whose sockets come and go, each kept up by the calling process until that is ended. Both
// connect to the given listeners at server_endpoint() and call `report_ready` once. They return
// only by an exception.

// Keeps that many TIME_WAIT sockets, every other one at the client's end. They last for a minute
// each, so they are remade as they expire: at most 3 000 a second, or as many more as a larger
// number takes, so that remaking is spread over the minute. Changes sysctls of the namespace.
void keep_time_wait(const std::vector<FileDescriptor>& servers, std::size_t sockets,
                    const std::function<void()>& report_ready);

// Opens 3 000 connections a second and resets each after a tenth of a second, so that they leave no
// TIME_WAIT and the number of sockets stays the same.
void churn(const std::vector<FileDescriptor>& servers, const std::function<void()>& report_ready);

}  // namespace sockdiag::bench
