// SPDX-License-Identifier: Apache-2.0
//
// Reads what Prometheus reads: text exposition format 0.0.4. Stricter than Prometheus where the
// exporter has no excuse: a malformed line, a series given twice, or a sample whose family has no
// HELP and TYPE line before it throws std::runtime_error with the line.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sockdiag::test {

using Labels = std::map<std::string, std::string>;

struct Series {
  std::string name;
  Labels labels;
  double value = 0;
};

class Exposition {
 public:
  [[nodiscard]] static Exposition parse(std::string_view text);

  // The one series with exactly these labels.
  [[nodiscard]] std::optional<double> value(const std::string& name,
                                            const Labels& labels = {}) const;
  // Every series of the name that has these labels among its own; empty: all of the name.
  [[nodiscard]] std::vector<Series> matching(const std::string& name,
                                             const Labels& labels = {}) const;
  [[nodiscard]] double sum(const std::string& name, const Labels& labels = {}) const;

  // Family name to its type ("gauge", "counter"); a family may have no series.
  [[nodiscard]] const std::map<std::string, std::string>& families() const { return types_; }
  [[nodiscard]] const std::map<std::string, std::string>& help() const { return help_; }
  [[nodiscard]] const std::vector<Series>& series() const { return series_; }

 private:
  void add_line(const std::string& line);
  void add_comment(const std::string& line);

  std::map<std::string, std::string> help_;
  std::map<std::string, std::string> types_;
  std::vector<Series> series_;
};

}  // namespace sockdiag::test
