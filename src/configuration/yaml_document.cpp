// SPDX-License-Identifier: Apache-2.0
#include "yaml_document.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <sstream>
#include <string_view>

#include "sockdiag/core/quoted.hpp"

namespace sockdiag {
namespace {

using Kind = YamlNode::Kind;

YamlPlace place_at(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto column = before.size() - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
  return {static_cast<int>(line), static_cast<int>(column)};
}

// Returns npos if the quoted value that begins at `open` does not end.
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

// How far yaml-cpp came before it noticed a mistake.
struct Progress {
  std::size_t last_scalar = 0;            // where the last value begins in the text
  std::optional<YamlPlace> open_bracket;  // of the innermost list or mapping that has not ended
  std::optional<YamlPlace> long_quote;    // of the last quoted value that spans lines
};

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
                                          const Progress& progress) {
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

// Returns an error at the cause of the mistake, if that can be found, or at `noticed`. yaml-cpp
// often notices a mistake far behind its cause, and names it, as `problem`, in words of its
// grammar.
YamlError explain_mistake(std::string_view problem, YamlPlace noticed, std::string_view text,
                          const Progress& progress) {
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

YamlPlace place_of(const YAML::Mark& mark) {
  return mark.is_null() ? YamlPlace{} : YamlPlace{mark.line + 1, mark.column + 1};
}

[[noreturn]] void too_many(const YAML::Mark& mark, std::size_t most, std::string_view what) {
  throw YamlError(place_of(mark),
                  "expected at most " + std::to_string(most) + " " + std::string(what));
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::string_view text) : text_(text) {}

  [[nodiscard]] Progress progress() const {
    const auto bracket = open_.empty() ? std::nullopt : std::optional(open_.back()->place);
    return {last_scalar_, bracket, long_quote_};
  }
  [[nodiscard]] std::shared_ptr<const YamlNode> root() const { return root_; }

  // Refuses whatever follows the document. yaml-cpp takes a comma outside of all brackets for an
  // empty document and never goes beyond it.
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 1) return;
    throw YamlError(place_of(mark),
                    "expected one YAML document, got more: a second document, or a comma outside "
                    "of [] and {}");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(Kind::null, mark, anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                const std::string& value) override {
    check_quotes(mark);
    add(Kind::scalar, mark, anchor)->scalar = value;
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Kind::list, mark, anchor);
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Kind::mapping, mark, anchor);
  }
  void OnMapEnd() override { open_.pop_back(); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (++aliases_ > kMaxYamlAliases) too_many(mark, kMaxYamlAliases, "aliases");
    const auto& node = anchors_.at(anchor);
    if (std::find(open_.begin(), open_.end(), node) != open_.end()) {
      throw YamlError(place_of(mark), "an alias stands inside of what it names");
    }
    attach(node, mark);
  }

 private:
  using Node = std::shared_ptr<YamlNode>;

  // Throws if a quoted value is not closed: yaml-cpp mostly takes the end of the file for its end.
  void check_quotes(const YAML::Mark& mark) {
    const auto at = static_cast<std::size_t>(std::max(mark.pos, 0));
    last_scalar_ = at;
    if (at >= text_.size() || (text_[at] != '"' && text_[at] != '\'')) return;
    const std::size_t end = end_of_quoted(text_, at);
    if (end == std::string_view::npos) throw unclosed_quote(place_of(mark));
    if (text_.substr(at, end - at).find('\n') != std::string_view::npos) {
      long_quote_ = place_of(mark);
    }
  }

  Node add(Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    auto node = std::make_shared<YamlNode>(YamlNode{kind, place_of(mark), {}});
    if (anchor != YAML::NullAnchor) anchors_[anchor] = node;
    attach(node, mark);
    return node;
  }

  void open(Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (open_.size() == kMaxYamlDepth)
      too_many(mark, kMaxYamlDepth, "levels of lists and mappings");
    open_.push_back(add(kind, mark, anchor));
  }

  void attach(const Node& node, const YAML::Mark& mark) {
    if (++values_ > kMaxYamlValues) too_many(mark, kMaxYamlValues, "keys and values");
    if (open_.empty()) {
      root_ = node;
    } else {
      open_.back()->children.push_back(node);
    }
  }

  std::string_view text_;
  std::size_t last_scalar_ = 0;
  std::optional<YamlPlace> long_quote_;
  Node root_;
  std::vector<Node> open_;  // the lists and mappings that have not ended, the innermost last
  std::map<YAML::anchor_t, Node> anchors_;
  std::size_t documents_ = 0;
  std::size_t values_ = 0;
  std::size_t aliases_ = 0;
};

void check_length(std::string_view text) {
  if (text.size() <= kMaxYamlBytes) return;
  throw YamlError(place_at(text, kMaxYamlBytes), "expected at most 64 KiB");
}

// Refuses control characters: yaml-cpp drops some of them and takes others for the end of the text.
void check_characters(std::string_view text) {
  const auto wrong = std::find_if(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7f;
  });
  if (wrong == text.end()) return;
  const YamlPlace place = place_at(text, static_cast<std::size_t>(wrong - text.begin()));
  if (*wrong == '\0') throw YamlError(place, "expected UTF-8 text, got a NUL byte");
  constexpr std::string_view kHexadecimal = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(*wrong);
  std::string code = "0x";
  for (const unsigned digit : {byte / 16U, byte % 16U}) code += kHexadecimal[digit];
  throw YamlError(place, "expected text, got the control character " + code);
}

// yaml-cpp's positions do not count the byte order mark.
std::string_view without_mark(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return text;
}

}  // namespace

std::shared_ptr<const YamlNode> parse_yaml(const std::string& text) {
  check_length(text);
  check_characters(text);
  std::istringstream stream(text);
  const std::string_view counted = without_mark(text);
  TreeBuilder tree(counted);
  try {
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(tree)) return nullptr;
    parser.HandleNextDocument(tree);  // throws if there is another
    return tree.root();
  } catch (const YAML::ParserException& error) {
    throw explain_mistake(error.msg, place_of(error.mark), counted, tree.progress());
  } catch (const YAML::Exception& error) {
    throw YamlError(place_of(error.mark), "not YAML: " + excerpt(error.msg));
  }
}

}  // namespace sockdiag
