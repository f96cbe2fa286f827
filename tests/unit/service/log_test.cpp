// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/service/log.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "sockdiag/core/quoted.hpp"
#include "support/catch.hpp"
#include "support/subprocess.hpp"

namespace sockdiag::test {
namespace {

// Standard error is a pipe of one page for as long as the object lives.
class PipedStandardError {
 public:
  PipedStandardError() : before_(::dup(STDERR_FILENO)) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    read_end_ = FileDescriptor(ends[0]);
    const FileDescriptor write_end(ends[1]);
    REQUIRE(::fcntl(write_end.get(), F_SETPIPE_SZ, 4096) > 0);
    REQUIRE(::dup2(write_end.get(), STDERR_FILENO) == STDERR_FILENO);
  }
  PipedStandardError(const PipedStandardError&) = delete;
  PipedStandardError& operator=(const PipedStandardError&) = delete;
  ~PipedStandardError() { restore(); }

  // The lines that were written before and while `operation` ran. Nobody reads until it begins.
  std::vector<std::string> lines_of(const std::function<void()>& operation) {
    std::string text;
    std::thread reader([&] {
      std::array<char, 4096> buffer{};
      for (ssize_t got = 0; (got = ::read(read_end_.get(), buffer.data(), buffer.size())) > 0;) {
        text.append(buffer.data(), static_cast<std::size_t>(got));
      }
    });
    operation();
    restore();
    reader.join();
    return split(text);
  }

 private:
  void restore() const { ::dup2(before_.get(), STDERR_FILENO); }

  static std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = text.find('\n', begin);
      lines.push_back(text.substr(begin, end - begin));
      begin = end == std::string::npos ? text.size() : end + 1;
    }
    return lines;
  }

  FileDescriptor before_;
  FileDescriptor read_end_;
};

// The number before `words`, where the line holds them.
std::optional<unsigned long> number_before(const std::string& line, const std::string& words) {
  const std::size_t end = line.find(" " + words);
  if (end == std::string::npos) return std::nullopt;
  return std::stoul(line.substr(line.find_last_not_of("0123456789", end - 1) + 1));
}

std::optional<unsigned long> line_number(const std::string& line) {
  return number_before(line, "is its number");
}

std::optional<unsigned long> missing(const std::string& line) {
  return number_before(line, "log lines are missing around here");
}

}  // namespace

TEST_CASE("Text is quoted so that a line stays a line, whatever the bytes") {
  CHECK(quoted("") == R"("")");
  CHECK(quoted("plain") == R"("plain")");
  CHECK(quoted("a\"b\\c") == R"("a\"b\\c")");
  CHECK(quoted("a\nb\rc\td") == R"("a\nb\rc\td")");
  CHECK(quoted(std::string_view("\0\x01\x1b\x7f", 4)) == R"("\u0000\u0001\u001b\u007f")");
  CHECK(quoted("Grüße €𝄞") == "\"Grüße €𝄞\"");
}

TEST_CASE("Bytes that are not UTF-8 are replaced one by one") {
  CHECK(quoted("\xff") == R"("\ufffd")");
  CHECK(quoted("a\xc3") == R"("a\ufffd")");
  CHECK(quoted("\xc3(") == R"("\ufffd(")");
  CHECK(quoted("\xc0\xaf") == R"("\ufffd\ufffd")");
  CHECK(quoted("\xed\xa0\x80") == R"("\ufffd\ufffd\ufffd")");
  CHECK(quoted("\xe0\x80\x80") == R"("\ufffd\ufffd\ufffd")");
  CHECK(quoted("\xf4\x90\x80\x80") == R"("\ufffd\ufffd\ufffd\ufffd")");
  CHECK(quoted("\xf0\x9d\x84") == R"("\ufffd\ufffd\ufffd")");
}

TEST_CASE("A line for people stays one line and keeps its quotes") {
  CHECK(one_line("f\n\x1b.yml: \"x\" \\ \xff Grüße") == R"(f\n\u001b.yml: "x" \ \ufffd Grüße)");
}

TEST_CASE("What is long is cut between two characters, and says so") {
  CHECK(excerpt("") == "");
  CHECK(excerpt("short") == "short");
  CHECK(excerpt(std::string(80, 'x')) == std::string(80, 'x'));
  CHECK(excerpt(std::string(81, 'x')) ==
        std::string(80, 'x') + "... (the first 80 of 81 characters)");
  CHECK(excerpt("é€𝄞", 3) == "é€𝄞");
  CHECK(excerpt("é€𝄞x", 3) == "é€𝄞... (the first 3 of 4 characters)");
  CHECK(excerpt("\xff\xe2\x82x", 3) == "\xff\xe2\x82... (the first 3 of 4 characters)");
  CHECK(quoted_excerpt("a\"b") == "\"a\"b\"");
  CHECK(quoted_excerpt(std::string(81, 'x')) ==
        "\"" + std::string(80, 'x') + "...\" (the first 80 of 81 characters)");
}

TEST_CASE("A log in the background keeps all lines and their order where they are read") {
  PipedStandardError standard_error;
  auto log = std::make_unique<BackgroundLog>(Configuration::Log{.level = LogLevel::debug});
  const auto lines = standard_error.lines_of([&] {
    for (unsigned number = 0; number < 300; ++number) spdlog::debug("{} is its number", number);
    log.reset();
  });
  REQUIRE(lines.size() == 300);
  for (std::size_t i = 0; i < lines.size(); ++i) CHECK(line_number(lines[i]) == i);
}

TEST_CASE("Whoever logs waits for nobody, and lines say how many others are missing") {
  PipedStandardError standard_error;
  auto log = std::make_unique<BackgroundLog>(Configuration::Log{.level = LogLevel::debug});
  for (unsigned number = 0; number < 2000; ++number) spdlog::debug("{} is its number", number);
  const auto lines = standard_error.lines_of([&] { log.reset(); });

  std::size_t seen = 0;
  std::size_t lost = 0;
  unsigned long least = 0;
  for (const std::string& line : lines) {
    CAPTURE(line);
    CHECK(line.starts_with("ts="));
    if (const auto lost_here = missing(line)) {
      CHECK_THAT(line, contains_text("level=warning"));
      lost += *lost_here;
    } else {
      const unsigned long number = line_number(line).value();
      CHECK(number >= least);
      least = number + 1;
      ++seen;
    }
  }
  CHECK(lost > 0);
  CHECK(seen + lost == 2000);
}

TEST_CASE("Errors that repeat are limited, hide no others, and a line says how many are missing") {
  PipedStandardError standard_error;
  auto log = std::make_unique<BackgroundLog>(Configuration::Log{});
  const auto lines = standard_error.lines_of([&] {
    for (unsigned number = 0; number < 1000; ++number) {
      spdlog::error("answering failed");
      spdlog::warn("reading failed");
    }
    spdlog::error("another");
    log.reset();
  });
  const auto having = [&](const std::string& text) {
    return std::count_if(lines.begin(), lines.end(), [&](const std::string& line) {
      return line.find(text) != std::string::npos;
    });
  };
  CHECK(having("\"answering failed\"") == 10);
  CHECK(having("\"reading failed\"") == 10);
  CHECK(having("\"another\"") == 1);
  std::size_t lost = 0;
  for (const std::string& line : lines) lost += missing(line).value_or(0);
  CHECK(lost == 1980);
}

TEST_CASE("A line that is logged after the end of a log in the background is lost in silence") {
  PipedStandardError standard_error;
  static_cast<void>(BackgroundLog(Configuration::Log{}));
  CHECK(standard_error.lines_of([] { spdlog::error("late"); }).empty());
}

}  // namespace sockdiag::test
