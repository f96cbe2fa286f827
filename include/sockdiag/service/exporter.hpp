// SPDX-License-Identifier: Apache-2.0
#pragma once

// The exporter as a whole: sampler, server, reloads, and the service manager's messages.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sockdiag/configuration/configuration.hpp"
#include "sockdiag/http/listen_address.hpp"

namespace sockdiag {

// Resolves web.listen_addresses. Throws ListenAddressError.
[[nodiscard]] std::vector<ListenAddress> resolve_listen_addresses(
    const Configuration& configuration);

class Exporter {
 public:
  // Starts sampling and listens on `addresses`. `load` returns the configuration for a reload and
  // may throw ConfigError. Throws ServeError if the exporter cannot listen or start its threads.
  Exporter(const Configuration& configuration, std::vector<ListenAddress> addresses,
           std::function<Configuration()> load);
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  // Waits for the requests, the sample and the reload in flight.
  ~Exporter();

  // Returns at once. Another thread reads the file and logs the result. Safe from any thread.
  void request_reload();

 private:
  class Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sockdiag
