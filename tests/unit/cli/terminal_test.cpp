// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.hpp"

#include <cstdlib>
#include <map>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using Lines = std::vector<std::string>;

// Sets the variables that choose language and colour, and none else of them.
class Environment {
 public:
  explicit Environment(const std::map<std::string, std::string>& variables) {
    for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG", "NO_COLOR", "TERM"}) {
      const char* value = std::getenv(name);
      if (value != nullptr) before_[name] = value;
      ::unsetenv(name);
    }
    for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() {
    for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG", "NO_COLOR", "TERM"}) ::unsetenv(name);
    for (const auto& [name, value] : before_) ::setenv(name.c_str(), value.c_str(), 1);
  }

 private:
  std::map<std::string, std::string> before_;
};

}  // namespace

TEST_CASE("A Chinese character takes two columns") {
  CHECK(width_of("") == 0);
  CHECK(width_of("CLOSE_WAIT") == 10);
  CHECK(width_of("入站 8080") == 9);
  CHECK(width_of("全角，") == 6);
  CHECK(width_of("e\u0301") == 1);
  CHECK(padded("入站", 6) == "入站  ");
  CHECK(padded("inbound", 6) == "inbound");
  CHECK(right_aligned("状态", 6) == "  状态");
  CHECK(right_aligned("7", 3) == "  7");
}

TEST_CASE("Paragraphs break between words, and between Chinese characters but before punctuation") {
  CHECK(wrapped("", 10) == Lines{""});
  CHECK(wrapped("one two three", 8) == Lines{"one two", "three"});
  CHECK(wrapped("unbreakable word", 5) == Lines{"unbreakable", "word"});
  CHECK(wrapped("等待本端关闭", 6) == Lines{"等待本", "端关闭"});
  CHECK(wrapped("等待本端，关闭", 8) == Lines{"等待本", "端，关闭"});
}

TEST_CASE("A command breaks at spaces outside of quotation marks, so that it can be pasted") {
  CHECK(wrapped_command("ss -Htn", 10) == Lines{"ss -Htn"});
  CHECK(wrapped_command("ss -Htn state close-wait", 16) == Lines{"ss -Htn state \\", "close-wait"});
  CHECK(wrapped_command("ss '( sport = :8080 )' | awk '$1 == 0'", 20) ==
        Lines{"ss \\", "'( sport = :8080 )' \\", "| awk '$1 == 0'"});
  CHECK(wrapped_command("'never broken, as long as it is'", 10) ==
        Lines{"'never broken, as long as it is'"});
}

TEST_CASE("Nothing that a terminal obeys is printable") {
  struct Row {
    const char* text;
    const char* printed;
  };
  const auto row = GENERATE(values<Row>({{"plain, 入站, é", "plain, 入站, é"},
                                         {"a\nb\r\nc\td", "a b  c d"},
                                         {"\x1b[31mred", "\uFFFD[31mred"},
                                         {"bell\a", "bell\uFFFD"},
                                         {"delete\x7f", "delete\uFFFD"},
                                         {"c1 \u009b31m", "c1 \uFFFD31m"},
                                         {"bidi \u202e\u2066", "bidi \uFFFD\uFFFD"},
                                         {"line \u2028", "line \uFFFD"},
                                         {"hidden \u200b\ufeff", "hidden \uFFFD\uFFFD"},
                                         {"\xff\xfe", "\uFFFD\uFFFD"},
                                         {"cut \xe5\x85", "cut \uFFFD\uFFFD"}}));
  CAPTURE(row.text);
  CHECK(printable(row.text) == row.printed);
}

TEST_CASE("Colours are for who asks for them") {
  const Environment environment(std::map<std::string, std::string>{{"TERM", "xterm"}});
  ReportOptions options;
  options.color = ColorChoice::always;
  CHECK(style_of(options).color);
  options.color = ColorChoice::never;
  CHECK_FALSE(style_of(options).color);
  CHECK(inked("text\n", Ink::red, {.color = true}) == "\x1b[1;31mtext\x1b[0m\n");
  CHECK(inked("text\n", Ink::red, {.color = false}) == "text\n");
  CHECK(inked("", Ink::red, {.color = true}).empty());
}

TEST_CASE("The language is the one asked for, or that of the first variable that is set") {
  struct Row {
    std::map<std::string, std::string> variables;
    Language language;
  };
  const auto row = GENERATE(values<Row>(
      {{{}, Language::english},
       {{{"LANG", "zh_CN.UTF-8"}}, Language::chinese},
       {{{"LANG", "de_DE.UTF-8"}}, Language::english},
       {{{"LC_MESSAGES", "en_US.UTF-8"}, {"LANG", "zh_CN.UTF-8"}}, Language::english},
       {{{"LC_ALL", ""}, {"LC_MESSAGES", "zh_CN.UTF-8"}}, Language::chinese},
       {{{"LC_ALL", "C"}, {"LC_MESSAGES", "zh_CN"}, {"LANG", "zh_CN"}}, Language::english}}));
  const Environment environment(row.variables);
  ReportOptions options;
  CHECK(language_of(options) == row.language);
  options.language = Language::chinese;
  CHECK(language_of(options) == Language::chinese);
}

}  // namespace sockdiag::test
