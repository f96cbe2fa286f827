// SPDX-License-Identifier: Apache-2.0

// Prints each command that confirms a finding, once with each kind of port that a finding may have:
// FINDING, DIRECTION, PORT and COMMAND, with tabs between them. tests/deploy/test_ss_commands.py
// runs them.

#include <iostream>

#include "sockdiag/diagnosis/finding_texts.hpp"

namespace {

using sockdiag::Direction;

constexpr std::uint16_t kOther = 0;

void print(const sockdiag::FindingText& text, Direction direction, std::uint16_t port) {
  sockdiag::Finding finding;
  finding.id = text.id;
  finding.direction = direction;
  finding.port = port;
  for (const sockdiag::Confirmation& each : text.confirm) {
    std::cout << name_of(text.id) << '\t' << name_of(direction) << '\t' << port << '\t'
              << command_text(each, finding) << '\n';
  }
}

}  // namespace

int main() {
  for (std::size_t i = 0; i < sockdiag::kFindingCount; ++i) {
    const sockdiag::FindingText& text = sockdiag::text_of(static_cast<sockdiag::FindingId>(i));
    print(text, Direction::inbound, 8080);
    print(text, Direction::outbound, 5432);
    print(text, Direction::inbound, kOther);
    print(text, Direction::outbound, kOther);
  }
}
