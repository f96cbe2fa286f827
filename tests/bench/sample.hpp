// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "exporter_process.hpp"

namespace sockdiag::bench {

// What /metrics says of the exporter's last good sample of all sockets (source "tcp"). Seconds.
struct Sample {
  double timestamp = 0;
  double duration = 0;
  double cpu_seconds_total = 0;
  double sockets = 0;
};

[[nodiscard]] Sample read_sample(const ExporterProcess& exporter);

// Polls /metrics until a sample newer than `previous` is there; throws after a minute. Where
// samples are further apart than the polls (50 ms), the difference to `previous` is one sample's.
[[nodiscard]] Sample await_sample_after(const ExporterProcess& exporter, const Sample& previous);

// A sample during which none of our connections to the exporter was open, so that what it counted
// is the load, its listeners and the exporter's own listener. `interval_seconds` is the exporter's.
[[nodiscard]] Sample await_undisturbed_sample(const ExporterProcess& exporter,
                                              double interval_seconds);

}  // namespace sockdiag::bench
