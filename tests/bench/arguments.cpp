// SPDX-License-Identifier: Apache-2.0
#include "arguments.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <stdexcept>

namespace sockdiag::bench {
namespace {

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::size_t to_number(const std::string& text) {
  std::size_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc() && stop == end && number > 0) return number;
  throw std::invalid_argument("not a positive number: " + text);
}

}  // namespace

Arguments::Arguments(int argc, char** argv, const std::vector<std::string>& names,
                     const std::vector<std::string>& flags) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (contains(flags, words[i])) {
      values_[words[i]] = "";
    } else if (contains(names, words[i]) && i + 1 < words.size()) {
      values_[words[i]] = words[i + 1];
      ++i;
    } else {
      throw std::invalid_argument("unknown argument, or no value for it: " + words[i]);
    }
  }
}

std::string Arguments::text(const std::string& name, const std::string& fallback) const {
  const auto found = values_.find(name);
  return found == values_.end() ? fallback : found->second;
}

std::size_t Arguments::number(const std::string& name, std::size_t fallback) const {
  return to_number(text(name, std::to_string(fallback)));
}

std::vector<std::size_t> Arguments::numbers(const std::string& name,
                                            const std::string& fallback) const {
  std::istringstream in(text(name, fallback));
  std::vector<std::size_t> result;
  for (std::string word; std::getline(in, word, ',');) result.push_back(to_number(word));
  return result;
}

}  // namespace sockdiag::bench
