// SPDX-License-Identifier: Apache-2.0
#pragma once

// Numbers as people read them. Pure functions; they throw std::bad_alloc.

#include <chrono>
#include <cstdint>
#include <string>

#include "sockdiag/diagnosis/text.hpp"

namespace sockdiag {

using Seconds = std::chrono::duration<double>;

// "1 234 567", with narrow spaces that do not break.
[[nodiscard]] std::string count_text(std::uint64_t count);

// "37 %", "<1 %". `share` is a ratio.
[[nodiscard]] std::string percent_text(double share);

// "1.5 GiB", three digits.
[[nodiscard]] std::string bytes_text(double bytes);

// "250 ms", "42 s", "12 min", "3 h 5 min", "2 d 4 h".
[[nodiscard]] std::string duration_text(Seconds duration, Language language);

// "2023-11-14T22:13:20Z" (RFC 3339), and "2023-11-14 22:13:20 UTC".
[[nodiscard]] std::string timestamp(std::chrono::system_clock::time_point time);
[[nodiscard]] std::string clock_text(std::chrono::system_clock::time_point time);

}  // namespace sockdiag
