// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "kernel_files.hpp"
#include "sockdiag/sampling/source.hpp"
#include "tcp_tables.hpp"

namespace sockdiag {

// The two faces of the tables, and the files, in the order of kernel_sources().
[[nodiscard]] std::vector<Source> sources_of(const std::shared_ptr<TcpTables>& tables,
                                             const std::shared_ptr<KernelFiles>& files);

}  // namespace sockdiag
