// SPDX-License-Identifier: Apache-2.0
#include "yaml_mistake.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "sockdiag/core/quoted.hpp"

namespace sockdiag {
namespace {

struct Sentence {
  std::string_view parser;  // how yaml-cpp's text begins; version 0.8 adds the name of an anchor
  std::string_view ours;
};
constexpr auto kSentences = std::to_array<Sentence>({
    {"end of map not found",
     "expected the next key, indented like the ones before; a value that begins with a quote, [ or "
     "{ ends where that is closed"},
    {"end of sequence not found", "expected the next element (- ), indented like the ones before"},
    {"illegal map value",
     "unexpected colon: expected one key and its value on a line, or keys of a section indented "
     "below it; text with a colon and a blank needs quotes"},
    {"illegal map key", "unexpected ?: expected one key and its value on a line"},
    {"illegal block entry", "unexpected -: expected each element of a list on a line of its own"},
    {"illegal flow end", "unexpected ] or }: it closes nothing, or what the other one opened"},
    {"unknown token", "a value that begins with this character needs quotes"},
    {"the referenced anchor is not defined",
     "the alias (*) has no anchor (&) before it; text that begins with * needs quotes"},
    {"alias not found after *", "text that begins with * needs quotes"},
    {"anchor not found after &", "text that begins with & needs quotes"},
    {"unexpected character in block scalar", "text that begins with | or > needs quotes"},
    {"illegal document indicator in scalar", "a quote is not closed before the document ends"},
    {"illegal EOF in scalar", "a quote is not closed"},
    {"illegal tab when looking for indentation", "a tab indents this line; expected blanks"},
});

std::string sentence_for(std::string_view problem) {
  for (const Sentence& sentence : kSentences) {
    if (problem.starts_with(sentence.parser)) return std::string(sentence.ours);
  }
  return excerpt(problem);
}

// Finds a tab in the indentation of a line.
std::optional<YamlPlace> tab_in_indentation(std::string_view text, int line) {
  for (int before = 1; before < line; ++before) {
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  }
  const std::size_t indentation = std::min(text.find_first_not_of(" \t"), text.size());
  const std::size_t tab = text.substr(0, indentation).find('\t');
  if (tab == std::string_view::npos) return std::nullopt;
  return YamlPlace{line, static_cast<int>(tab) + 1};
}

// Returns where the first quote after `offset` opens that is not closed, or npos.
std::size_t find_unclosed_quote(std::string_view text, std::size_t offset) {
  constexpr std::string_view kBeforeValues = " \t\n,[{:";
  for (std::size_t at = offset; at < text.size(); ++at) {
    if (text[at] != '"' && text[at] != '\'') continue;
    const bool begins = at == 0 || kBeforeValues.find(text[at - 1]) != std::string_view::npos;
    if (begins && end_of_quoted(text, at) == std::string_view::npos) return at;
  }
  return std::string_view::npos;
}

// Returns the place of what `problem` leaves open, if that is its cause.
std::optional<YamlError> explain_open_end(std::string_view problem, std::string_view text,
                                          const YamlProgress& progress) {
  if (problem == "illegal EOF in scalar") {
    const std::size_t quote = find_unclosed_quote(text, progress.last_scalar);
    if (quote != std::string_view::npos) return unclosed_quote(place_at(text, quote));
  }
  if (problem.ends_with("flow not found") && progress.open_bracket) {
    return YamlError(
        *progress.open_bracket,
        "not YAML: the bracket that opens here is not closed; expected a comma, ] or }");
  }
  return std::nullopt;
}

}  // namespace

YamlPlace place_at(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto column = before.size() - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
  return {static_cast<int>(line), static_cast<int>(column)};
}

std::size_t end_of_quoted(std::string_view text, std::size_t open) {
  const char quote = text[open];
  for (std::size_t at = open + 1; at < text.size(); ++at) {
    if (quote == '"' && text[at] == '\\') {
      ++at;
    } else if (text[at] == quote) {
      const bool doubled = quote == '\'' && at + 1 < text.size() && text[at + 1] == quote;
      if (!doubled) return at;
      ++at;
    }
  }
  return std::string_view::npos;
}

YamlError unclosed_quote(YamlPlace open) {
  return {open, "not YAML: the quote that opens here is not closed"};
}

YamlError explain_mistake(std::string_view problem, YamlPlace noticed, std::string_view text,
                          const YamlProgress& progress) {
  if (auto error = explain_open_end(problem, text, progress)) return *error;
  const bool in_brackets =
      problem.ends_with("flow not found") || problem == "illegal flow end";  // tabs may stand there
  const auto tab = in_brackets ? std::nullopt : tab_in_indentation(text, noticed.line);
  if (tab) return {*tab, "not YAML: a tab indents this line; expected blanks"};
  if (progress.long_quote) {
    return {*progress.long_quote,
            "not YAML: the quote that opens here is closed on another line, and what follows makes "
            "no sense; expected it to be closed before"};
  }
  return {noticed, "not YAML: " + sentence_for(problem)};
}

}  // namespace sockdiag
