-- SPDX-License-Identifier: Apache-2.0
-- One line that the scrape benchmark reads; times in microseconds.
function done(summary, latency, requests)
  io.write(string.format(
      "report requests=%d duration=%d p50=%d p99=%d max=%d connect=%d read=%d write=%d timeout=%d status=%d\n",
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
      latency.max, summary.errors.connect, summary.errors.read, summary.errors.write,
      summary.errors.timeout, summary.errors.status))
end
