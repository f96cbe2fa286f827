// SPDX-License-Identifier: Apache-2.0
#include "yaml_document.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <string_view>

#include "sockdiag/core/quoted.hpp"
#include "yaml_mistake.hpp"

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

class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::string_view text) : text_(text) {}

  [[nodiscard]] YamlProgress progress() const {
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
