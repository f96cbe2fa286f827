// SPDX-License-Identifier: Apache-2.0
#include "terminal.hpp"

#include <sys/ioctl.h>
#include <unictype.h>
#include <unilbrk.h>
#include <unistd.h>
#include <unistr.h>
#include <uniwidth.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace sockdiag {
namespace {

constexpr char kEncoding[] = "UTF-8";
constexpr std::size_t kNarrowest = 40;
constexpr std::size_t kWidest = 100;
constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

const std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

bool has_color(ColorChoice choice) {
  if (choice != ColorChoice::automatic) return choice == ColorChoice::always;
  return ::isatty(STDOUT_FILENO) != 0 && environment("NO_COLOR").empty() &&
         environment("TERM") != "dumb";
}

bool is_hidden(ucs4_t character) {
  constexpr std::uint32_t kHidden = UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Cf |
                                    UC_CATEGORY_MASK_Cs | UC_CATEGORY_MASK_Zl | UC_CATEGORY_MASK_Zp;
  return uc_is_general_category_withtable(character, kHidden);
}

std::string without_spaces_at_end(std::string_view text) {
  return std::string(text.substr(0, text.find_last_not_of(' ') + 1));
}

// Returns the length of the command's first words that fit, or of the first word.
std::size_t fitting_length(std::string_view command, std::size_t columns) {
  char quotation = '\0';
  std::size_t fitting = command.size();
  for (std::size_t i = 0; i < command.size(); ++i) {
    const char each = command[i];
    if (quotation != '\0') {
      if (each == quotation) quotation = '\0';
    } else if (each == '\'' || each == '"') {
      quotation = each;
    } else if (each == ' ') {
      if (width_of(command.substr(0, i)) > columns && fitting < command.size()) return fitting;
      fitting = i;
    }
  }
  return fitting;
}

}  // namespace

Language language_of(const ReportOptions& options) {
  if (options.language) return *options.language;
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const std::string_view locale = environment(name);
    if (!locale.empty()) return language_of_tag(locale).value_or(Language::english);
  }
  return Language::english;
}

Style style_of(const ReportOptions& options) {
  Style style{.language = language_of(options), .color = has_color(options.color)};
  winsize size{};
  if (::isatty(STDOUT_FILENO) != 0 && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
      size.ws_col > 0) {
    style.columns = std::clamp<std::size_t>(size.ws_col, kNarrowest, kWidest);
  }
  return style;
}

std::string printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    ucs4_t character = 0;
    const int length = ::u8_mbtoucr(&character, bytes_of(text), text.size());
    const std::size_t taken = length > 0 ? static_cast<std::size_t>(length) : 1;
    if (length > 0 && !is_hidden(character)) {
      result += text.substr(0, taken);
    } else {
      const bool space = text[0] == '\n' || text[0] == '\r' || text[0] == '\t';
      result += space ? std::string_view(" ") : kReplacement;
    }
    text.remove_prefix(taken);
  }
  return result;
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::max(::u8_width(bytes_of(text), text.size(), kEncoding), 0));
}

std::string padded(std::string_view text, std::size_t columns) {
  const std::size_t width = width_of(text);
  return std::string(text).append(columns > width ? columns - width : 0, ' ');
}

std::string right_aligned(std::string_view text, std::size_t columns) {
  const std::size_t width = width_of(text);
  return std::string(columns > width ? columns - width : 0, ' ').append(text);
}

std::vector<std::string> wrapped(std::string_view text, std::size_t columns) {
  std::string breaks(text.size(), '\0');
  ::u8_width_linebreaks(bytes_of(text), text.size(), static_cast<int>(columns), 0, 0, nullptr,
                        kEncoding, breaks.data());
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (breaks[i] != UC_BREAK_POSSIBLE && breaks[i] != UC_BREAK_MANDATORY) continue;
    lines.push_back(without_spaces_at_end(text.substr(begin, i - begin)));
    begin = i;
  }
  lines.push_back(without_spaces_at_end(text.substr(begin)));
  return lines;
}

std::vector<std::string> wrapped_command(std::string_view command, std::size_t columns) {
  constexpr std::string_view kContinued = " \\";
  std::vector<std::string> lines;
  while (width_of(command) > columns) {
    const std::size_t length = fitting_length(command, columns - kContinued.size());
    if (length == command.size()) break;
    lines.push_back(std::string(command.substr(0, length)).append(kContinued));
    command.remove_prefix(length + 1);
  }
  lines.emplace_back(command);
  return lines;
}

std::string inked(std::string_view text, Ink ink, const Style& style) {
  constexpr auto kCodes = std::to_array<std::string_view>({"1", "2", "1;31", "1;33", "36"});
  if (!style.color || text.empty()) return std::string(text);
  const std::string end = text.back() == '\n' ? "\n" : "";
  std::string result = "\x1b[";
  result.append(kCodes[static_cast<std::size_t>(ink)]).append("m");
  result.append(text.substr(0, text.size() - end.size())).append("\x1b[0m");
  return result + end;
}

}  // namespace sockdiag
