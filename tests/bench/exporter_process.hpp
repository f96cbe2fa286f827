// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "file_descriptor.hpp"

namespace sockdiag::bench {

struct ResidentMemory {
  double now_bytes = 0;   // VmRSS
  double peak_bytes = 0;  // VmHWM
};

// The real binary (environment variable SOCKDIAG_EXPORTER) as a daemon on a free port of 127.0.0.1.
// It ends with this object. Not for threads; errors are exceptions that carry what the exporter
// last said on stderr.
class ExporterProcess {
 public:
  // Returns when it is listening and its first sample is there.
  explicit ExporterProcess(std::string_view configuration);
  ExporterProcess(const ExporterProcess&) = delete;
  ExporterProcess& operator=(const ExporterProcess&) = delete;
  ~ExporterProcess();  // SIGTERM, and SIGKILL after ten seconds

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string scrape() const;  // the text of /metrics
  [[nodiscard]] ResidentMemory resident_memory() const;

  void pause();  // returns when it has stopped
  void resume();

 private:
  void start();
  void await_listening();
  void await_first_sample();
  void require_running() const;
  [[nodiscard]] std::string log() const;

  FileDescriptor configuration_;
  FileDescriptor log_;
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace sockdiag::bench
