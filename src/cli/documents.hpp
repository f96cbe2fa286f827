// SPDX-License-Identifier: Apache-2.0
#pragma once

// The JSON documents of findings and samples, version 1 (deploy/api), as values. An exporter
// elsewhere may have written them: nothing in them is trusted. All text in the values is printable.
// Pure functions.

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "sockdiag/core/finding.hpp"
#include "sockdiag/core/owner.hpp"
#include "sockdiag/core/tcp_snapshot.hpp"
#include "sockdiag/core/tcp_state.hpp"

namespace sockdiag {

// Thrown if a text is no such document. The text is one line that says why.
class DocumentError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct ShownFinding {
  struct Pair {
    std::string first;
    std::string second;
    std::string source{};  // of what `second` says; may be empty
  };

  std::string finding;  // its name
  Severity severity{};
  std::string direction;  // empty for the whole host, as is the port
  std::string port;
  OwnerLabels owner{};           // empty if it is not known
  bool other_namespace = false;  // found in another network namespace
  std::string port_name{};       // may be empty
  std::string title;
  std::string text;
  std::vector<std::string> held_by;  // the processes that hold the sockets, and notes on them
  std::string meaning;
  std::vector<std::string> steps;
  std::vector<Pair> avoid;    // advice, fact
  std::vector<Pair> confirm;  // text, command
  std::vector<Pair> unlike;   // name or nothing, how to tell
  std::string runbook;
  std::string source;
};

struct FindingsDocument {
  bool complete = false;
  std::vector<ShownFinding> findings;  // the worst first
  std::vector<std::string> unchecked;

  [[nodiscard]] bool has_warning() const noexcept;
};

struct ShownPort {
  std::string direction;
  std::string port;
  StateCounts states{};
  std::string name{};  // what the operator calls the port; may be empty

  // Sockets in states that a healthy connection only passes through.
  [[nodiscard]] std::uint64_t troubled() const noexcept;
  [[nodiscard]] std::uint64_t sockets() const noexcept;
};

struct SamplesDocument {
  std::optional<double> timestamp;  // Unix seconds, of the last good sample
  std::optional<StateCounts> totals;
  std::vector<ShownPort> ports;
  std::vector<std::string> failed;  // sources whose last sample failed
};

// Throw DocumentError or std::bad_alloc.
[[nodiscard]] FindingsDocument read_findings(std::string_view json);
[[nodiscard]] SamplesDocument read_samples(std::string_view json);

// Both documents of one time, as text.
struct Documents {
  std::string findings;
  std::string samples;
};

struct Look {
  FindingsDocument findings;
  SamplesDocument samples;
};

// Reads both. Throws DocumentError that begins with `who`, if that is not empty.
[[nodiscard]] Look read_documents(const Documents& documents, const std::string& who);

// Sorts by what matters: ports with findings first, in the order of the findings, then those with
// the most troubled sockets, then the busiest. Leaves out ports without sockets.
void sort_ports(std::vector<ShownPort>& ports, const FindingsDocument& findings);

}  // namespace sockdiag
