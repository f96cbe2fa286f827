// SPDX-License-Identifier: Apache-2.0
#pragma once

// Whose the sockets of a finding are.

#include <vector>

#include "sockdiag/core/finding.hpp"
#include "sockdiag/core/owner_snapshot.hpp"

namespace sockdiag {

// Sets the owner of each finding that has a port: the one that has more than half of the sockets in
// question, of inbound TIME_WAIT and SYN_RECV the one of the listeners. An owner that a finding had
// in `before` keeps it while it has at least a quarter of them, so that names do not alternate.
// `owners` is null where they are not known; then each finding keeps its owner.
void name_owners(std::vector<Finding>& found, const Findings* before, const OwnerSnapshot* owners);

}  // namespace sockdiag
