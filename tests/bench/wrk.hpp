// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace sockdiag::bench {

// One run of wrk (2 threads, 50 connections) against /metrics. Seconds; errors are of all kinds
// together, but for responses with another status than 200 (the exporter's 503 beyond
// web.max_requests).
struct WrkResult {
  double requests = 0;
  double duration = 0;
  double p50 = 0;
  double p99 = 0;
  double max = 0;
  double socket_errors = 0;
  double other_status = 0;
};

// `script` is wrk_report.lua; `header` is one further request header ("Name: value") or empty.
[[nodiscard]] WrkResult run_wrk(std::uint16_t port, unsigned seconds, const std::string& script,
                                const std::string& header);

}  // namespace sockdiag::bench
