// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/configuration/configuration_keys.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <sstream>
#include <utility>

#include "duration.hpp"
#include "sockdiag/core/quoted.hpp"
#include "sockdiag/http/listen_address.hpp"

namespace sockdiag {
namespace {

using std::chrono::milliseconds;

// The file's loader adds the place, and what was expected from the table.
[[noreturn]] void bad_value(const std::string& text) {
  throw ConfigError("got " + quoted_excerpt(text));
}

milliseconds duration(const std::string& text, milliseconds least, milliseconds most) {
  const auto value = parse_duration(text);
  if (!value || *value < least || *value > most) bad_value(text);
  return *value;
}

template <typename Number>
Number number(const std::string& text, Number least, Number most) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  // Written so that NaN is refused.
  const bool good =
      parsed.ec == std::errc{} && parsed.ptr == end && value >= least && value <= most;
  if (!good) bad_value(text);
  return value;
}

// "80" or "30000-32767".
PortRange port_range(const std::string& text) {
  const auto port = [&](std::string_view part) {
    std::uint16_t value = 0;
    const auto parsed = std::from_chars(part.data(), part.data() + part.size(), value);
    const bool whole = parsed.ec == std::errc{} && parsed.ptr == part.data() + part.size();
    if (!whole || value == 0) bad_value(text);
    return value;
  };
  const std::string_view all = text;
  const auto dash = all.find('-');
  const PortRange range{port(all.substr(0, dash)),
                        port(dash == all.npos ? all : all.substr(dash + 1))};
  if (range.first > range.last) bad_value(text);
  return range;
}

bool boolean(const std::string& text) {
  if (text != "true" && text != "false") bad_value(text);
  return text == "true";
}

std::string listen_address(const std::string& text) {
  if (!is_listen_address(text)) bad_value(text);
  return text;
}

// Unreserved characters of RFC 3986 only, so that the path is what the client sends.
std::string telemetry_path(const std::string& text) {
  static constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
  const bool good = text.size() > 1 && text[0] == '/' && !text.starts_with("/-/") &&
                    text.find_first_not_of(kAllowed) == std::string::npos &&
                    text.find("//") == std::string::npos && text.find("/.") == std::string::npos;
  if (!good) bad_value(text);
  return text;
}

template <typename Choice, std::size_t Size>
using Choices = std::array<std::pair<std::string_view, Choice>, Size>;

// The first name of a choice is the one that is shown.
constexpr Choices<LogLevel, 5> kLevels = {{{"debug", LogLevel::debug},
                                           {"info", LogLevel::info},
                                           {"warning", LogLevel::warning},
                                           {"warn", LogLevel::warning},
                                           {"error", LogLevel::error}}};
constexpr Choices<LogFormat, 2> kFormats = {
    {{"logfmt", LogFormat::logfmt}, {"json", LogFormat::json}}};

template <typename Choice, std::size_t Size>
Choice choice(const std::string& text, const Choices<Choice, Size>& choices) {
  for (const auto& [name, value] : choices) {
    if (name == text) return value;
  }
  bad_value(text);
}

template <typename Choice, std::size_t Size>
std::string show_choice(Choice chosen, const Choices<Choice, Size>& choices) {
  for (const auto& [name, value] : choices) {
    if (value == chosen) return std::string(name);
  }
  return {};
}

std::string show_number(double value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

std::string show_bool(bool value) { return value ? "true" : "false"; }

std::string show_ports(const PortList& ports) {
  std::string text;
  for (const auto& [first, last] : ports.ranges()) {
    text += (text.empty() ? "" : ", ") + std::to_string(first);
    if (first != last) text += "-" + std::to_string(last);
  }
  return "[" + text + "]";
}

std::string show_strings(const std::vector<std::string>& strings) {
  std::string text;
  for (const std::string& each : strings) text += (text.empty() ? "\"" : ", \"") + each + "\"";
  return "[" + text + "]";
}

using C = Configuration;

constexpr milliseconds kSecond{1000};
constexpr milliseconds kMinute = 60 * kSecond;
constexpr milliseconds kHour = 60 * kMinute;
constexpr milliseconds kDay = 24 * kHour;

template <TcpState State>
constexpr ConfigurationKey lifetime_key(std::string_view name, std::string_view summary) {
  constexpr std::size_t kIndex = passing_index_of(State);
  return {.name = name,
          .expected = "a duration from 100ms to 1d, such as 10s",
          .summary = summary,
          .set =
              [](C& c, const std::string& t) {
                c.lifetimes.thresholds[kIndex] = duration(t, milliseconds(100), kDay);
              },
          .show = [](const C& c) { return format_duration(c.lifetimes.thresholds[kIndex]); }};
}

template <auto Member>
constexpr ConfigurationKey ports_key(std::string_view name, std::string_view summary) {
  return {.name = name,
          .expected = "a list of ports from 1 to 65535, or ranges such as 30000-32767",
          .summary = summary,
          .set = [](C& c, const std::string& t) { (c.ports.*Member).add(port_range(t)); },
          .clear = [](C& c) { (c.ports.*Member).clear(); },
          .show = [](const C& c) { return show_ports(c.ports.*Member); }};
}

constexpr auto kKeys = std::to_array<ConfigurationKey>({
    {.name = "sampling.interval",
     .expected = "a duration from 100ms to 1h, such as 5s",
     .summary = "Time between two dumps of the socket tables.",
     .set =
         [](C& c, const std::string& t) {
           c.sampling.interval = duration(t, milliseconds(100), kHour);
         },
     .show = [](const C& c) { return format_duration(c.sampling.interval); }},
    {.name = "sampling.cpu_budget",
     .expected = "a number from 0.001 to 1",
     .summary = "Share of one CPU that sampling may take; the interval stretches to keep it.",
     .set = [](C& c, const std::string& t) { c.sampling.cpu_budget = number(t, 0.001, 1.0); },
     .show = [](const C& c) { return show_number(c.sampling.cpu_budget); }},
    {.name = "sampling.max_staleness",
     .expected = "a duration from 1s to 1d, such as 60s",
     .summary = "Age at which the last good sample is withdrawn; never under three intervals.",
     .set = [](C& c,
               const std::string& t) { c.sampling.max_staleness = duration(t, kSecond, kDay); },
     .show = [](const C& c) { return format_duration(c.sampling.max_staleness); }},
    ports_key<&PortPolicy::inbound>(
        "ports.inbound", "Local ports that always have series, with or without a listener."),
    ports_key<&PortPolicy::outbound>(
        "ports.outbound", "Remote ports that always have series, also inside the ephemeral range."),
    ports_key<&PortPolicy::exclude>(
        "ports.exclude", "Ports that never have series; in both directions counted as `other`."),
    {.name = "ports.max_ports",
     .expected = "a whole number from 1 to 10000",
     .summary = "Ports with series of their own, per direction; the rest are counted as `other`.",
     .set = [](C& c,
               const std::string& t) { c.ports.max_ports = number<std::size_t>(t, 1, 10000); },
     .show = [](const C& c) { return std::to_string(c.ports.max_ports); }},
    {.name = "ports.port_retention",
     .expected = "a duration from 0s to 1d, such as 10m",
     .summary = "How long a port keeps its direction and its series after its last use.",
     .set =
         [](C& c, const std::string& t) {
           c.ports.port_retention = duration(t, milliseconds(0), kDay);
         },
     .show = [](const C& c) { return format_duration(c.ports.port_retention); }},
    {.name = "listeners.interval",
     .expected = "a duration from 100ms to 1m, such as 1s",
     .summary = "Time between two polls of the listeners alone; a tenth of the CPU budget at most.",
     .set =
         [](C& c, const std::string& t) {
           c.listeners.interval = duration(t, milliseconds(100), kMinute);
         },
     .show = [](const C& c) { return format_duration(c.listeners.interval); }},
    {.name = "listeners.peak_window",
     .expected = "a duration from 1s to 1h, such as 60s",
     .summary = "Trailing window of the accept queues' peaks; take the scrape interval or more.",
     .set = [](C& c,
               const std::string& t) { c.listeners.peak_window = duration(t, kSecond, kHour); },
     .show = [](const C& c) { return format_duration(c.listeners.peak_window); }},
    {.name = "lifetimes.max_sockets",
     .expected = "a whole number from 1000 to 10000000",
     .summary = "Sockets in passing states that are followed at a time, about 35 bytes each.",
     .set =
         [](C& c, const std::string& t) {
           c.lifetimes.max_sockets = number<std::size_t>(t, 1000, 10'000'000);
         },
     .show = [](const C& c) { return std::to_string(c.lifetimes.max_sockets); }},
    lifetime_key<TcpState::syn_sent>(
        "lifetimes.syn_sent", "Age at which SYN_SENT lingers: several SYNs have gone unanswered."),
    lifetime_key<TcpState::syn_recv>(
        "lifetimes.syn_recv", "Age at which SYN_RECV lingers: two SYN-ACKs have gone unanswered."),
    lifetime_key<TcpState::fin_wait1>("lifetimes.fin_wait1",
                                      "Age at which FIN_WAIT1 lingers: the peer has not "
                                      "acknowledged several FINs, or reads nothing."),
    lifetime_key<TcpState::fin_wait2>(
        "lifetimes.fin_wait2",
        "Age at which FIN_WAIT2 lingers: beyond tcp_fin_timeout (60 s) an application holds it."),
    lifetime_key<TcpState::closing>(
        "lifetimes.closing",
        "Age at which CLOSING lingers: the peer has not acknowledged several FINs."),
    lifetime_key<TcpState::close_wait>(
        "lifetimes.close_wait",
        "Age at which CLOSE_WAIT lingers: longer than an application takes to finish its answer."),
    lifetime_key<TcpState::last_ack>(
        "lifetimes.last_ack",
        "Age at which LAST_ACK lingers: the peer has not acknowledged several FINs."),
    {.name = "ephemeral_ports.busiest",
     .expected = "a whole number from 1 to 100",
     .summary = "Destinations that are shown by the ephemeral ports they use.",
     .set =
         [](C& c, const std::string& t) {
           c.ephemeral_ports.busiest = number<std::size_t>(t, 1, 100);
         },
     .show = [](const C& c) { return std::to_string(c.ephemeral_ports.busiest); }},
    {.name = "ephemeral_ports.export_addresses",
     .expected = "true or false",
     .summary = "Whether those destinations are also shown by address and port.",
     .set = [](C& c, const std::string& t) { c.ephemeral_ports.export_addresses = boolean(t); },
     .show = [](const C& c) { return show_bool(c.ephemeral_ports.export_addresses); }},
    {.name = "metrics.exclude",
     .expected = "a list of names of families, or their beginnings and *, such as process_*",
     .summary = "Families of metrics that are left out; nothing else changes.",
     .set = [](C& c, const std::string& t) { c.metrics.exclude.push_back(t); },
     .clear = [](C& c) { c.metrics.exclude.clear(); },
     .show = [](const C& c) { return show_strings(c.metrics.exclude); }},
    {.name = "web.listen_addresses",
     .expected = "a list of addresses such as \":10293\", \"localhost:10293\" or \"[::1]:10293\"",
     .summary =
         "Where to listen; without a host on every address of both families, at a name on each "
         "of its addresses.",
     .needs_restart = true,
     .set = [](C& c, const std::string& t) { c.web.listen_addresses.push_back(listen_address(t)); },
     .clear = [](C& c) { c.web.listen_addresses.clear(); },
     .show = [](const C& c) { return show_strings(c.web.listen_addresses); },
     .one = "an address such as :10293, localhost:10293 or [::1]:10293"},
    {.name = "web.telemetry_path",
     .expected = "a path such as /metrics, of letters, digits and -._~/, not under /-/",
     .summary = "Path of the metrics.",
     .needs_restart = true,
     .set = [](C& c, const std::string& t) { c.web.telemetry_path = telemetry_path(t); },
     .show = [](const C& c) { return c.web.telemetry_path; }},
    {.name = "web.max_requests",
     .expected = "a whole number from 1 to 10000",
     .summary = "Scrapes answered at a time; beyond it they get 503.",
     .needs_restart = true,
     .set = [](C& c, const std::string& t) { c.web.max_requests = number(t, 1U, 10000U); },
     .show = [](const C& c) { return std::to_string(c.web.max_requests); }},
    {.name = "web.enable_lifecycle",
     .expected = "true or false",
     .summary = "Whether POST /-/reload reloads the configuration.",
     .needs_restart = true,
     .set = [](C& c, const std::string& t) { c.web.enable_lifecycle = boolean(t); },
     .show = [](const C& c) { return show_bool(c.web.enable_lifecycle); }},
    {.name = "web.workers",
     .expected = "a whole number from 2 to 1024",
     .summary =
         "Threads that answer requests; each idle connection holds one for a request_timeout.",
     .needs_restart = true,
     .set = [](C& c, const std::string& t) { c.web.workers = number(t, 2U, 1024U); },
     .show = [](const C& c) { return std::to_string(c.web.workers); }},
    {.name = "web.request_timeout",
     .expected = "a duration from 100ms to 1m, such as 1s",
     .summary = "Time a client has to send its request, and again to take the answer.",
     .needs_restart = true,
     .set =
         [](C& c, const std::string& t) {
           c.web.request_timeout = duration(t, milliseconds(100), kMinute);
         },
     .show = [](const C& c) { return format_duration(c.web.request_timeout); }},
    {.name = "log.level",
     .expected = "one of debug, info, warning, error",
     .summary = "The least severe lines that are logged.",
     .set = [](C& c, const std::string& t) { c.log.level = choice(t, kLevels); },
     .show = [](const C& c) { return show_choice(c.log.level, kLevels); }},
    {.name = "log.format",
     .expected = "one of logfmt, json",
     .summary = "How log lines are written.",
     .needs_restart = true,
     .set = [](C& c, const std::string& t) { c.log.format = choice(t, kFormats); },
     .show = [](const C& c) { return show_choice(c.log.format, kFormats); }},
});

}  // namespace

std::span<const ConfigurationKey> configuration_keys() noexcept { return kKeys; }

const ConfigurationKey* find_configuration_key(std::string_view name) noexcept {
  const auto* found = std::find_if(kKeys.begin(), kKeys.end(),
                                   [&](const ConfigurationKey& key) { return key.name == name; });
  return found == kKeys.end() ? nullptr : found;
}

}  // namespace sockdiag
