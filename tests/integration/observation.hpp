// SPDX-License-Identifier: Apache-2.0
//
// One look at the sockets of this thread's network namespace through the exporter and through its
// witnesses. The program under test is the real binary, named by $SOCKDIAG_EXPORTER.
#pragma once

#include <string>
#include <vector>

#include "support/exposition_text.hpp"
#include "support/proc_net_tcp.hpp"
#include "support/subprocess.hpp"

namespace sockdiag::test {

struct Observation {
  Exposition exposition;
  std::vector<SocketRow> proc;
  std::vector<SocketRow> ss;
  Sockstat sockstat;
};

struct ExporterOptions {
  std::string configuration{};  // the text of a configuration file; empty: none is given
  bool unprivileged = false;    // uid 65534 without capabilities, from a copy it can reach
};

// Runs the exporter with --once.
[[nodiscard]] Finished run_exporter(const ExporterOptions& options = {});

// Looks until nothing has changed from before the exporter ran until after, so that all of them
// saw the same sockets; throws std::runtime_error if the sockets do not come to rest, or if the
// exporter does not exit with 0.
[[nodiscard]] Observation observe(const ExporterOptions& options = {});

// CHECKs that exporter, /proc, ss and sockstat tell the same: every series by direction and port,
// families, bytes, causes of CLOSE_WAIT, orphans, totals.
void check_agreement(const Observation& observation);

}  // namespace sockdiag::test
