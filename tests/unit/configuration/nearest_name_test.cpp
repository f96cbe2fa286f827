// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/configuration/nearest_name.hpp"

#include <array>

#include "support/catch.hpp"

namespace sockdiag::test {

using namespace std::string_view_literals;

TEST_CASE("A name is suggested only where it is near") {
  static constexpr std::array kKnown = {"once"sv,         "health"sv,
                                        "log.level"sv,    "log.format"sv,
                                        "config.file"sv,  "web.listen-address"sv,
                                        "accept_queue"sv, "sockdiag_samples_total"sv,
                                        "max_requests"sv, "max_ports"sv};
  struct Row {
    std::string_view word;
    std::optional<std::string_view> nearest;
  };
  const auto row = GENERATE(values<Row>({
      {"once", "once"},
      {"onec", "once"},
      {"one", "once"},
      {"onces", "once"},
      {"healthy", "health"},
      {"loglevel", "log.level"},
      {"log.levle", "log.level"},
      {"max_request", "max_requests"},
      {"web.listen-adress", "web.listen-address"},
      {"web.listen_addresses", "web.listen-address"},
      {"web", "web.listen-address"},
      {"sockdiag_samples", "sockdiag_samples_total"},
      {"", std::nullopt},
      {"o", std::nullopt},
      {"foo", std::nullopt},
      {"on", std::nullopt},
      {"log", std::nullopt},
      {"max_", std::nullopt},
      {"zzzzzzzzz", std::nullopt},
      {"help me", std::nullopt},
      {"sockdiag_tcp_sockets", std::nullopt},
  }));
  CAPTURE(row.word);
  CHECK(nearest_name(row.word, kKnown) == row.nearest);
}

TEST_CASE("Of no names none is near") { CHECK(nearest_name("once", {}) == std::nullopt); }

}  // namespace sockdiag::test
