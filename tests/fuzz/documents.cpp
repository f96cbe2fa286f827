// SPDX-License-Identifier: Apache-2.0

// The JSON documents of an exporter elsewhere, and the report that is made of them. A line feed
// stands between the two; the documents of this program have none.

#include "cli/documents.hpp"

#include <algorithm>

#include "cli/report.hpp"
#include "generated_input.hpp"

namespace sockdiag::test {
namespace {

void report(GeneratedInput input) {
  Documents documents;
  documents.findings = input.take_line();
  documents.samples = input.take_rest();
  try {
    Look look = read_documents(documents, "fuzz");
    sort_ports(look.samples.ports, look.findings);
    const Style style{.language = Language::chinese};
    std::string text = report_text("fuzz", look.findings, look.samples, style);
    for (const ShownFinding& each : look.findings.findings) text += advice_text(each, style);
    require(std::ranges::none_of(
                text, [](unsigned char c) { return (c < ' ' && c != '\n') || c == 127; }),
            "no document controls the terminal");
  } catch (const DocumentError& error) {
    require(std::string_view(error.what()).starts_with("fuzz: "), "an error names its server");
  }
}

}  // namespace
}  // namespace sockdiag::test

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  sockdiag::test::report({bytes, size});
  return 0;
}
