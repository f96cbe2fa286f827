-- SPDX-License-Identifier: Apache-2.0
-- One line of JSON that the scrape benchmark reads; times in microseconds.
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
      '{"requests": %d, "duration": %d, "p50": %d, "p90": %d, "p99": %d, "max": %d, ' ..
      '"socket_errors": %d, "not_200": %d}\n',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(90),
      latency:percentile(99), latency.max,
      errors.connect + errors.read + errors.write + errors.timeout, errors.status))
end
