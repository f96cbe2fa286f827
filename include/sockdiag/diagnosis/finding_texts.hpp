// SPDX-License-Identifier: Apache-2.0
#pragma once

// What each finding means and what to do about it, and what each TCP state means: tables that the
// page, the JSON, the command line and the documentation read. Plain constants of static lifetime.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sockdiag/core/finding.hpp"
#include "sockdiag/core/tcp_state.hpp"
#include "sockdiag/diagnosis/text.hpp"

namespace sockdiag {

// A command that shows exactly the sockets of a finding. `{filter}` stands for the port's filter.
struct Confirmation {
  Text what;
  std::string_view command;
};

// Advice that is often given and wrong.
struct WrongAdvice {
  Text advice;
  Text fact;
  std::string_view source;
};

// What a finding is easily taken for.
struct LookAlike {
  std::optional<FindingId> other;  // nothing if it is no fault
  Text how_to_tell;
};

struct FindingText {
  FindingId id;
  Text title;
  Text seen;  // `{name}` stands for the measure of that name; seen_text() says more
  Text meaning;
  std::span<const Text> steps;  // what to do, in order
  std::span<const WrongAdvice* const> avoid;
  std::span<const Confirmation> confirm;
  std::span<const LookAlike> unlike;
  std::string_view runbook;  // the heading's anchor in deploy/prometheus/runbook.md
  std::string_view source;   // RFC, kernel document or measurement
};

[[nodiscard]] const FindingText& text_of(FindingId id) noexcept;

struct StateText {
  TcpState state;
  std::string_view name;  // as RFC 9293 and ss write it: CLOSE_WAIT
  Text gloss;             // in a few words
  Text meaning;
  Text http_server;  // at the server of an HTTP connection
  Text http_client;
  Text normal;
  Text problem;
  Text who_acts;
  std::string_view source;
};

[[nodiscard]] const StateText& text_of(TcpState state) noexcept;

// In the order in which a connection passes through them.
[[nodiscard]] std::span<const StateText> state_texts() noexcept;

[[nodiscard]] Text label_of(Severity severity) noexcept;
[[nodiscard]] Text label_of(Direction direction) noexcept;

// Returns the sentence of what was seen, with the port, the direction and the numbers of `finding`.
// Leaves out what stands in double brackets if a measure in it is missing; `{?name}` prints nothing
// and counts as missing if the measure is missing or 0, `{!name}` if it is neither. Prints "?" for
// any other missing measure.
[[nodiscard]] std::string seen_text(const Finding& finding, Language language);

// Returns "in pod shop/cart-7d9, container app", "in unit nginx.service" and the like; nothing
// without labels.
[[nodiscard]] std::string owner_text(const OwnerLabels& owner, Language language);

// Returns the command with the filter for the finding's port, ready to be pasted into a shell. For
// another network namespace, PID stands for one of its processes.
[[nodiscard]] std::string command_text(const Confirmation& confirmation, const Finding& finding);

// Returns the address of the section on the finding in the published runbook.
[[nodiscard]] std::string runbook_url(FindingId id);

}  // namespace sockdiag
