// SPDX-License-Identifier: Apache-2.0
#include "yaml_document.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <string_view>

#include "sockdiag/exporter/log.hpp"

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
  [[nodiscard]] std::shared_ptr<const YamlNode> root() const { return root_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(Kind::null, mark, anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                const std::string& value) override {
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

void check_length(std::string_view text) {
  if (text.size() <= kMaxYamlBytes) return;
  const std::string_view fits = text.substr(0, kMaxYamlBytes);
  const auto line = 1 + std::count(fits.begin(), fits.end(), '\n');
  const auto column = fits.size() - (fits.rfind('\n') + 1) + 1;  // npos + 1 is 0
  throw YamlError({static_cast<int>(line), static_cast<int>(column)}, "expected at most 64 KiB");
}

}  // namespace

std::shared_ptr<const YamlNode> parse_yaml(const std::string& text) {
  check_length(text);
  std::istringstream stream(text);
  try {
    YAML::Parser parser(stream);
    TreeBuilder tree;
    if (!parser.HandleNextDocument(tree)) return nullptr;
    NothingMore nothing_more;
    parser.HandleNextDocument(nothing_more);
    return tree.root();
  } catch (const YAML::Exception& error) {
    throw YamlError(place_of(error.mark), "not YAML: " + excerpt(error.msg));
  }
}

}  // namespace sockdiag
