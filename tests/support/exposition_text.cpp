// SPDX-License-Identifier: Apache-2.0
#include "support/exposition_text.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace sockdiag::test {
namespace {

constexpr std::string_view kNameCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:";

[[noreturn]] void refuse(const std::string& line, const std::string& why) {
  throw std::runtime_error("exposition: " + why + ": " + line);
}

// Takes one sample line apart from left to right.
class SampleLine {
 public:
  explicit SampleLine(const std::string& line) : line_(line) {}

  Series parse() {
    Series series{.name = take_name(), .labels = {}, .value = 0};
    if (peek() == '{') series.labels = take_labels();
    expect(' ');
    series.value = take_value();
    return series;
  }

 private:
  [[nodiscard]] char peek() const { return position_ < line_.size() ? line_[position_] : '\0'; }

  void expect(char character) {
    if (peek() != character) refuse(line_, std::string("expected '") + character + "'");
    ++position_;
  }

  std::string take_name() {
    const std::size_t end =
        std::min(line_.find_first_not_of(kNameCharacters, position_), line_.size());
    if (end == position_) refuse(line_, "a name is missing");
    std::string name = line_.substr(position_, end - position_);
    position_ = end;
    return name;
  }

  Labels take_labels() {
    Labels labels;
    expect('{');
    while (peek() != '}') {
      std::string name = take_name();
      expect('=');
      if (!labels.emplace(std::move(name), take_quoted()).second) refuse(line_, "label twice");
      if (peek() != '}') expect(',');
    }
    expect('}');
    return labels;
  }

  std::string take_quoted() {
    std::string text;
    expect('"');
    while (peek() != '"') {
      if (position_ >= line_.size()) refuse(line_, "a quote is not closed");
      text += peek() == '\\' ? take_escape() : line_[position_++];
    }
    expect('"');
    return text;
  }

  char take_escape() {
    expect('\\');
    const char character = peek();
    ++position_;
    if (character == 'n') return '\n';
    if (character != '\\' && character != '"') refuse(line_, "unknown escape");
    return character;
  }

  // Without a timestamp: the exporter gives none.
  double take_value() {
    const std::string text = line_.substr(position_);
    std::size_t used = 0;
    try {
      const double value = std::stod(text, &used);
      if (used == text.size()) return value;
    } catch (const std::logic_error&) {
      refuse(line_, "not a number");
    }
    refuse(line_, "text after the number");
  }

  const std::string& line_;
  std::size_t position_ = 0;
};

bool includes(const Labels& all, const Labels& some) {
  return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

}  // namespace

Exposition Exposition::parse(std::string_view text) {
  if (!text.empty() && text.back() != '\n') refuse("", "the last line is not complete");
  Exposition exposition;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) exposition.add_line(line);
  return exposition;
}

void Exposition::add_line(const std::string& line) {
  if (line.empty()) return;
  if (line.front() == '#') return add_comment(line);
  Series series = SampleLine(line).parse();
  if (!help_.contains(series.name)) refuse(line, "a sample without HELP");
  if (!types_.contains(series.name)) refuse(line, "a sample without TYPE");
  if (value(series.name, series.labels)) refuse(line, "a series given twice");
  series_.push_back(std::move(series));
}

void Exposition::add_comment(const std::string& line) {
  std::istringstream stream(line);
  std::string hash, keyword, name, rest;
  stream >> hash >> keyword >> name;
  if (keyword != "HELP" && keyword != "TYPE") return;
  std::getline(stream >> std::ws, rest);
  if (rest.empty()) refuse(line, "nothing after the name");
  auto& comments = keyword == "HELP" ? help_ : types_;
  if (!comments.emplace(name, rest).second) refuse(line, "a family given twice");
}

std::optional<double> Exposition::value(const std::string& name, const Labels& labels) const {
  for (const Series& series : series_) {
    if (series.name == name && series.labels == labels) return series.value;
  }
  return std::nullopt;
}

std::vector<Series> Exposition::matching(const std::string& name, const Labels& labels) const {
  std::vector<Series> found;
  std::copy_if(series_.begin(), series_.end(), std::back_inserter(found),
               [&](const Series& one) { return one.name == name && includes(one.labels, labels); });
  return found;
}

double Exposition::sum(const std::string& name, const Labels& labels) const {
  double total = 0;
  for (const Series& series : matching(name, labels)) total += series.value;
  return total;
}

}  // namespace sockdiag::test
