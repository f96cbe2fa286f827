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

YamlPlace place_of(const YAML::Mark& mark) {
  return mark.is_null() ? YamlPlace{} : YamlPlace{mark.line + 1, mark.column + 1};
}

[[noreturn]] void too_many(const YAML::Mark& mark, std::size_t most, std::string_view what) {
  throw YamlError(place_of(mark),
                  "expected at most " + std::to_string(most) + " " + std::string(what));
}

// What yaml-cpp says, or how it begins (0.8 adds the name of an anchor), and what is meant by it.
struct Sentence {
  std::string_view parser;
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

std::string sentence_for(std::string_view parser) {
  for (const Sentence& sentence : kSentences) {
    if (parser.starts_with(sentence.parser)) return std::string(sentence.ours);
  }
  return excerpt(parser);
}

[[noreturn]] void fail_unclosed_quote(YamlPlace place) {
  throw YamlError(place, "not YAML: the quote that opens here is not closed");
}

// Returns npos where the quoted text that begins at `open` does not end.
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

class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::string_view text) : text_(text) {}

  // The list or mapping in [] or {} that has not ended; nothing where there is none.
  [[nodiscard]] std::optional<YamlPlace> open_bracket() const {
    return open_.empty() ? std::nullopt : std::optional(open_.back()->place);
  }
  // Quoted text that spans lines, the last one that was read: perhaps its quote is missing.
  [[nodiscard]] std::optional<YamlPlace> long_quote() const { return long_quote_; }
  [[nodiscard]] std::size_t last_scalar() const { return last_scalar_; }
  [[nodiscard]] std::shared_ptr<const YamlNode> root() const { return root_; }

  void OnDocumentStart(const YAML::Mark&) override {}
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

  // yaml-cpp mostly takes the end of the file for the closing quote.
  void check_quotes(const YAML::Mark& mark) {
    const auto at = static_cast<std::size_t>(std::max(mark.pos, 0));
    last_scalar_ = at;
    if (at >= text_.size() || (text_[at] != '"' && text_[at] != '\'')) return;
    const std::size_t end = end_of_quoted(text_, at);
    if (end == std::string_view::npos) {
      fail_unclosed_quote(place_of(mark));
    }
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
  std::size_t last_scalar_ = 0;  // where it begins in the text
  std::optional<YamlPlace> long_quote_;
  Node root_;
  std::vector<Node> open_;  // the lists and mappings that have not ended, the innermost last
  std::map<YAML::anchor_t, Node> anchors_;
  std::size_t values_ = 0;
  std::size_t aliases_ = 0;
};

// What follows the document is refused where it begins. yaml-cpp takes a comma that stands outside
// of everything for an empty document, and never goes beyond it: there are as many documents as
// are asked for.
class NothingMore final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    throw YamlError(place_of(mark),
                    "expected one YAML document, got more: a second document, or a comma outside "
                    "of [] and {}");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

YamlPlace place_at(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto column = before.size() - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
  return {static_cast<int>(line), static_cast<int>(column)};
}

void check_length(std::string_view text) {
  if (text.size() <= kMaxYamlBytes) return;
  throw YamlError(place_at(text, kMaxYamlBytes), "expected at most 64 KiB");
}

// yaml-cpp drops some of them, and takes others for the end of the text.
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

// The byte order mark is no part of the text that yaml-cpp counts.
std::string_view without_mark(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return text;
}

// Where a tab stands in the indentation of that line; nothing where none does.
std::optional<YamlPlace> tab_in_indentation(std::string_view text, int line) {
  for (int before = 1; before < line; ++before) {
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  }
  const std::size_t indentation = std::min(text.find_first_not_of(" \t"), text.size());
  const std::size_t tab = text.substr(0, indentation).find('\t');
  if (tab == std::string_view::npos) return std::nullopt;
  return YamlPlace{line, static_cast<int>(tab) + 1};
}

// Where a quote opens, from `offset` on, that is not closed; npos where there is none.
std::size_t unclosed_quote(std::string_view text, std::size_t offset) {
  constexpr std::string_view kBeforeValues = " \t\n,[{:";
  for (std::size_t at = offset; at < text.size(); ++at) {
    if (text[at] != '"' && text[at] != '\'') continue;
    const bool begins = at == 0 || kBeforeValues.find(text[at - 1]) != std::string_view::npos;
    if (begins && end_of_quoted(text, at) == std::string_view::npos) return at;
  }
  return std::string_view::npos;
}

// Adds to what yaml-cpp found where the cause of it stands, as far as that can be known.
[[noreturn]] void fail(const YAML::ParserException& error, std::string_view text,
                       const TreeBuilder& tree) {
  const std::string_view problem = error.msg;
  const YamlPlace place = place_of(error.mark);
  if (problem == "illegal EOF in scalar") {
    const std::size_t quote = unclosed_quote(text, tree.last_scalar());
    if (quote != std::string_view::npos) fail_unclosed_quote(place_at(text, quote));
  }
  const bool in_brackets = problem.ends_with("flow not found");
  if (in_brackets && tree.open_bracket()) {
    throw YamlError(
        *tree.open_bracket(),
        "not YAML: the bracket that opens here is not closed; expected a comma, ] or }");
  }
  const auto tab = tab_in_indentation(text, place.line);
  if (tab && !in_brackets && problem != "illegal flow end") {
    throw YamlError(*tab, "not YAML: a tab indents this line; expected blanks");
  }
  if (tree.long_quote()) {
    throw YamlError(*tree.long_quote(),
                    "not YAML: the quote that opens here is closed on another line, and what "
                    "follows makes no sense; expected it to be closed before");
  }
  throw YamlError(place, "not YAML: " + sentence_for(problem));
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
    NothingMore nothing_more;
    parser.HandleNextDocument(nothing_more);
    return tree.root();
  } catch (const YAML::ParserException& error) {
    fail(error, counted, tree);
  } catch (const YAML::Exception& error) {
    throw YamlError(place_of(error.mark), "not YAML: " + excerpt(error.msg));
  }
}

}  // namespace sockdiag
