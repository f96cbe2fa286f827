// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "file_descriptor.hpp"

namespace sockdiag::bench {

// One HTTP/1.1 request to 127.0.0.1 on a fresh connection, read to its end. The connection is reset
// when done, so that scraping leaves no TIME_WAIT among the sockets that are being counted. Throws
// on any error and after 30 seconds.
struct HttpResponse {
  int status = 0;
  std::string headers;
  std::string body;
};

[[nodiscard]] HttpResponse http_get(std::uint16_t port, std::string_view path,
                                    std::string_view extra_headers = {});

// A connection that sends nothing.
[[nodiscard]] FileDescriptor connect_to_loopback(std::uint16_t port);

// Value of one series, named with its labels as they stand in the text exposition.
[[nodiscard]] std::optional<double> find_metric(std::string_view exposition,
                                                std::string_view series);

// The same; throws where there is none.
[[nodiscard]] double metric_value(std::string_view exposition, std::string_view series);

// Samples whose name starts with `prefix`.
[[nodiscard]] std::size_t count_series(std::string_view exposition, std::string_view prefix);

}  // namespace sockdiag::bench
