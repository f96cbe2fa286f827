// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "exporter_process.hpp"

namespace sockdiag::bench {

// CPU seconds of single LISTEN-only polls (source "listeners"), one value per publication that is
// seen; where several polls lie between two publications, their mean. Waits for the polls; empty
// where the exporter makes none. Errors are exceptions.
[[nodiscard]] std::vector<double> measure_listener_polls(const ExporterProcess& exporter,
                                                         std::size_t publications);

}  // namespace sockdiag::bench
