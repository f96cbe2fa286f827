// SPDX-License-Identifier: Apache-2.0

// Words that others write: addresses, durations, header values, names, text for a terminal. The
// first byte says which function gets the rest.

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string_view>

#include "cli/terminal.hpp"
#include "generated_input.hpp"
#include "sockdiag/configuration/configuration_keys.hpp"
#include "sockdiag/configuration/duration.hpp"
#include "sockdiag/configuration/nearest_name.hpp"
#include "sockdiag/core/quoted.hpp"
#include "sockdiag/http/http_client.hpp"
#include "sockdiag/http/http_message.hpp"
#include "sockdiag/http/listen_address.hpp"
#include "sockdiag/metrics/metric_families.hpp"
#include "sockdiag/procfs/kernel_release.hpp"

namespace sockdiag::test {
namespace {

void read_duration(const std::string& text) {
  const auto duration = parse_duration(text);
  if (!duration) return;
  require(duration->count() >= 0, "a duration is not negative");
  require(parse_duration(format_duration(*duration)) == duration, "a duration is read again");
}

void read_listen_address(const std::string& text) {
  static_cast<void>(is_listen_address(text));
  const auto address = parse_listen_address(text);
  if (!address) return;
  require(is_listen_address(text), "what is parsed is an address");
  require(parse_listen_address(to_string(*address)) == address, "an address is read again");
  require(to_url(*address, "/").starts_with("http://"), "an address has a URL");
}

void read_url(const std::string& text) {
  try {
    const HttpUrl url = parse_http_url(text);
    require(!url.host.empty() && !url.port.empty(), "a URL has a host and a port");
    static_cast<void>(authority_of(url));
  } catch (const RequestError&) {
  }
}

void read_headers(const std::string& text) {
  static_cast<void>(accepts_gzip(text));
  static_cast<void>(matches_etag(text, "\"0123\""));
  const HttpRequest request{"GET", "/", {{"Accept", text}, {"accept", text}}, text};
  static_cast<void>(request.header("ACCEPT"));
  static_cast<void>(request.parameter("lang"));
}

void write_quoted(const std::string& text) {
  require(nlohmann::json::accept(sockdiag::quoted(text)), "quoted text is a JSON string");
  require(quoted_excerpt(text).size() <= text.size() * 6 + 80, "an excerpt is no longer");
  require(std::ranges::none_of(one_line(text), [](char c) { return c == '\n' || c == '\x1b'; }),
          "one line is one");
}

void write_to_terminal(const std::string& text) {
  const std::string shown = printable(text);
  require(std::ranges::none_of(shown, [](unsigned char c) { return c < ' ' || c == 127; }),
          "nothing that is shown controls the terminal");
  require(printable(shown) == shown, "what is printable stays");
  static_cast<void>(width_of(shown));
  static_cast<void>(padded(shown, 20));
  static_cast<void>(wrapped(shown, 40));
  static_cast<void>(wrapped_command(shown, 40));
}

void read_release(const std::string& text) {
  static_cast<void>(kernel_traits(text));
  static_cast<void>(what_is_missing_on(text));
}

void find_name(const std::string& text) {
  static const auto kNames = family_names();
  static_cast<void>(did_you_mean(text, kNames));
}

void set_key(const std::string& text) {
  const auto keys = configuration_keys();
  const std::size_t index = text.empty() ? 0 : static_cast<unsigned char>(text.front());
  const ConfigurationKey& key = keys[index % keys.size()];
  Configuration configuration;
  try {
    const std::string value = text.empty() ? text : text.substr(1);
    if (key.is_map()) {
      key.add_entry(configuration, value)(value);
    } else {
      key.set(configuration, value);
    }
    static_cast<void>(key.show(configuration));
  } catch (const ConfigError&) {
  }
}

constexpr auto kReaders = std::to_array<void (*)(const std::string&)>(
    {read_duration, read_listen_address, read_url, read_headers, write_quoted, write_to_terminal,
     read_release, find_name, set_key});

}  // namespace
}  // namespace sockdiag::test

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace sockdiag::test;
  GeneratedInput input(bytes, size);
  const std::size_t reader = input.take_below(kReaders.size());
  kReaders[reader](input.take_rest());
  return 0;
}
