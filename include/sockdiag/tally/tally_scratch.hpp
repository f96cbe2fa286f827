// SPDX-License-Identifier: Apache-2.0
#pragma once

// What all tallies of a thread share: the tables of the dump that is being counted, their policies
// with the rules of them, and the sockets that may be followed. So a tally of one more network
// namespace takes a few kilobytes. Not thread-safe.

#include "sockdiag/tally/lifetime_budget.hpp"
#include "sockdiag/tally/port_rules.hpp"
#include "sockdiag/tally/socket_counter.hpp"

namespace sockdiag {

struct TallyScratch {
  SocketCounter counter;
  SharedPortRules rules;
  SharedPolicies policies;
  LifetimeBudget lifetime_budget;
};

}  // namespace sockdiag
