// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/exporter/log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <memory>

namespace sockdiag {
namespace {

constexpr char kLogfmt[] = "ts=%Y-%m-%dT%H:%M:%S.%eZ level=%l msg=%*";
constexpr char kJson[] = R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","msg":%*})";

class QuotedText final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& line) override {
    const std::string text = quoted({message.payload.data(), message.payload.size()});
    line.append(text.data(), text.data() + text.size());
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<QuotedText>();
  }
};

// Bytes of the UTF-8 sequence that `text` starts with (RFC 3629, section 4), 0 where it is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
  const unsigned first = byte(0);
  const unsigned second = byte(1);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool overlong = first == 0xe0 && second < 0xa0;
    const bool surrogate = first == 0xed && second > 0x9f;
    return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool overlong = first == 0xf0 && second < 0x90;
    const bool too_large = first == 0xf4 && second > 0x8f;
    return continues(1) && continues(2) && continues(3) && !overlong && !too_large ? 4 : 0;
  }
  return 0;
}

std::string escaped_control(char character) {
  switch (character) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      break;
  }
  const auto code = static_cast<unsigned char>(character);
  if (code >= 0x20 && code != 0x7f) return {character};
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "\\u%04x", code);
  return text.data();
}

// `also`: characters that get a backslash before them.
std::string escaped(std::string_view text, std::string_view also) {
  std::string result;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      result += "\\ufffd";
    } else if (length > 1) {
      result += text.substr(0, length);
    } else {
      if (also.find(text[0]) != std::string_view::npos) result += '\\';
      result += escaped_control(text[0]);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return result;
}

// Bytes of the first character; one that is not UTF-8 is a single byte.
std::size_t character_length(std::string_view text) {
  return std::max<std::size_t>(utf8_length(text), 1);
}

std::size_t count_characters(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(character_length(text));
  return count;
}

std::string_view first_characters(std::string_view text, std::size_t characters) {
  std::size_t length = 0;
  for (; characters > 0 && length < text.size(); --characters) {
    length += character_length(text.substr(length));
  }
  return text.substr(0, length);
}

std::string excerpt_between(std::string_view mark, std::string_view text, std::size_t characters) {
  const std::string_view first = first_characters(text, characters);
  const bool whole = first.size() == text.size();
  std::string result(mark);
  result.append(first).append(whole ? "" : "...").append(mark);
  if (whole) return result;
  return result + " (the first " + std::to_string(characters) + " of " +
         std::to_string(count_characters(text)) + " characters)";
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

std::string quoted(std::string_view text) { return '"' + escaped(text, "\"\\") + '"'; }

std::string one_line(std::string_view text) { return escaped(text, ""); }

std::string excerpt(std::string_view text, std::size_t characters) {
  return excerpt_between("", text, characters);
}

std::string quoted_excerpt(std::string_view text) { return excerpt_between("\"", text, 80); }

void set_up_logging(const Configuration::Log& log) {
  auto formatter =
      std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc, "\n");
  formatter->add_flag<QuotedText>('*').set_pattern(log.format == LogFormat::json ? kJson : kLogfmt);
  auto logger = std::make_shared<spdlog::logger>("sockdiag_exporter",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(std::move(formatter));
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
  set_log_level(log.level);
}

void set_log_level(LogLevel level) { spdlog::set_level(spdlog_level(level)); }

}  // namespace sockdiag
