// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where the documents of findings and samples come from: this host's kernel, or an exporter that
// runs elsewhere. Not safe from two threads at a time.

#include <chrono>
#include <memory>
#include <string>

#include "documents.hpp"
#include "sockdiag/configuration/configuration.hpp"
#include "sockdiag/diagnosis/text.hpp"
#include "sockdiag/http/http_client.hpp"
#include "sockdiag/pages/exposition.hpp"
#include "sockdiag/sampling/sampler.hpp"

namespace sockdiag {

// Samples the kernel on the calling thread, within the CPU budget of the configuration. Remembers
// the samples, as the exporter does.
class Watch {
 public:
  explicit Watch(const Configuration& configuration);

  // Samples all sources. Throws std::runtime_error if there has been no sample of the sockets yet.
  void sample();

  // Returns the time from one sample to the next: a second, or more to keep the budget.
  [[nodiscard]] std::chrono::nanoseconds interval() const;

  // Call them after sample().
  [[nodiscard]] std::shared_ptr<const Findings> findings() const;
  [[nodiscard]] Documents documents(Language language) const;

 private:
  [[nodiscard]] std::vector<Source> observed_sources(const HostPaths& paths);

  Policies policies_;
  Board board_;
  Publisher publisher_;
  std::string problem_;  // of the last source that failed
  Sampling sampling_;
};

// Asks an exporter, with a limit of time and of size. Throws RequestError if there is none, or one
// that is too old.
[[nodiscard]] Documents ask_exporter(const HttpUrl& url, Language language);

}  // namespace sockdiag
