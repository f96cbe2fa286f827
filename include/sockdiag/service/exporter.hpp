// SPDX-License-Identifier: Apache-2.0
#pragma once

// The whole exporter: sampler, server and what ties them together.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sockdiag/configuration/configuration.hpp"
#include "sockdiag/http/listen_address.hpp"

namespace sockdiag {

// The addresses that web.listen_addresses means here and now. Throws ListenAddressError.
[[nodiscard]] std::vector<ListenAddress> resolve_listen_addresses(
    const Configuration& configuration);

class Exporter {
 public:
  // Runs when it returns, listening on `addresses`. `load` gives the configuration anew for a
  // reload and throws ConfigError. Throws ServeError.
  Exporter(const Configuration& configuration, std::vector<ListenAddress> addresses,
           std::function<Configuration()> load);
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  // Ends the requests, the sample and the reload in flight first.
  ~Exporter();

  // Returns at once; the file is read on a thread of the exporter's own, which logs what came of
  // it. Safe from any thread.
  void request_reload();

 private:
  class Parts;
  std::unique_ptr<Parts> parts_;
};

// One sample of each source, as /metrics would show it; nothing where that of the sockets failed.
// Failures have been logged. Without `process` it has only what is true of the host: neither the
// families of this process nor what is counted since its start.
[[nodiscard]] std::optional<std::string> sample_once(Configuration configuration, bool process);

}  // namespace sockdiag
