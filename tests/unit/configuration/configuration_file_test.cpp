// SPDX-License-Identifier: Apache-2.0

// Files and their YAML, whatever the keys are.

#include "sockdiag/configuration/configuration_file.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "parsed.hpp"
#include "support/catch.hpp"
#include "support/subprocess.hpp"

namespace sockdiag::test {

TEST_CASE("A tab that indents is named and shown") {
  for (const char* text :
       {"log:\n\tlevel: info\n", "log:\n\t- info\n", "log:\n\t level: info\n", "\n\tlog:\n"}) {
    CAPTURE(text);
    CHECK(problem_of(text) == "f.yml:2:1: not YAML: a tab indents this line; expected blanks");
  }
  CHECK(problem_of("log:\n  level: info\n\tformat: json\n") ==
        "f.yml:3:1: not YAML: a tab indents this line; expected blanks");
  CHECK(problem_of("log:\n  \tlevel: info\n") ==
        "f.yml:2:3: not YAML: a tab indents this line; expected blanks");
  // JSON may have them, as may the space behind a colon.
  CHECK(problem_of("{\n\t\"log\": {\n\t\t\"level\":\t\"info\"\n\t}\n}") == "no problem");
  CHECK_THAT(problem_of("{\n\t\"log\": ]}"), contains_text("f.yml:2:9: not YAML: unexpected ]"));
}

TEST_CASE("A quote that is not closed is named where it opens") {
  const std::string unclosed = "not YAML: the quote that opens here is not closed";
  CHECK(problem_of("log: {level: \"info}\n") == "f.yml:1:14: " + unclosed);
  CHECK(problem_of("log: {level: \"info") == "f.yml:1:14: " + unclosed);
  CHECK(problem_of("log:\n  level: 'info\n  format: json\n") == "f.yml:2:10: " + unclosed);
  CHECK(problem_of("log:\n  level: 'it''s\n") == "f.yml:2:10: " + unclosed);
  CHECK(problem_of("log:\n  level: \"a\\\"\n") == "f.yml:2:10: " + unclosed);
  CHECK(problem_of("\ufefflog: {level: \"info}\n") == "f.yml:1:14: " + unclosed);
  CHECK_THAT(problem_of("log:\n  level: \"info\n  format: \"json\"\n"),
             contains_text("f.yml:2:10: not YAML: the quote that opens here is closed on another"));
  CHECK_THAT(problem_of("log: {level: \"info\n---\n"), contains_text("quote is not closed"));
  CHECK(problem_of("log: {level: \"info\", format: 'json'}") == "no problem");
}

TEST_CASE("A control character is named where it stands") {
  const std::string nul("log: {level: in\0fo}", 20);
  CHECK(problem_of(nul) == "f.yml:1:16: expected UTF-8 text, got a NUL byte");
  CHECK(problem_of("log:\n  level: \x1b[31m\n") ==
        "f.yml:2:10: expected text, got the control character 0x1b");
  CHECK(problem_of("# \x04") == "f.yml:1:3: expected text, got the control character 0x04");
  CHECK(problem_of("log: {}\x7f") == "f.yml:1:8: expected text, got the control character 0x7f");
  CHECK(problem_of("log: {}\r\n") == "no problem");
}

TEST_CASE("What is not one YAML document is refused where it stops being one") {
  struct Row {
    const char* text;
    const char* place;
  };
  const auto row = GENERATE(values<Row>({
      {",", "f.yml:1:1: "},
      {",,,", "f.yml:1:1: "},
      {"# first\n  ,", "f.yml:2:3: "},
      {"[],", "f.yml:1:3: "},
      {"{},\n", "f.yml:1:3: "},
      {"{\"log\": {\"level\": \"info\"}},\n", "f.yml:1:27: "},
      {"{a: b}, {c: d}", "f.yml:1:7: "},
      {"log: {},\nweb: {}\n", "f.yml:1:8: "},
      {"--- ,", "f.yml:1:5: "},
      {"!!str ,", "f.yml:1:7: "},
      {"&a ,", "f.yml:1:4: "},
      {"log: {}\n...\n,", "f.yml:3:1: "},
      {"log: {}\n--- ,", "f.yml:2:1: "},
      {"log: {}\n---\nlog: {}\n", "f.yml:2:1: "},
      {"{} {}", "f.yml:1:4: "},
      {"[] []", "f.yml:1:4: "},
      {"\"a\" \"b\"", "f.yml:1:5: "},
      {"log:,\n", "f.yml:1:1: "},
      {"log: ,\n", "f.yml:1:6: "},
      {"- ,", "f.yml:1:3: "},
      {"? ,", "f.yml:1:3: "},
      {": ,", "f.yml:1:3: "},
      {"]", "f.yml:1:1: "},
      {"}", "f.yml:1:1: "},
      {"{]", "f.yml:1:2: "},
  }));
  CAPTURE(row.text);
  CHECK_THAT(problem_of(row.text), Catch::Matchers::StartsWith(row.place));
}

TEST_CASE("What a file has too much of is refused where it becomes too much") {
  const std::string fits = "ports: {inbound: [80]}\n" + std::string((64 << 10) - 23, '#');
  CHECK(parse(fits).ports.inbound == PortList{80});
  CHECK(problem_of(fits + "#") == "f.yml:2:65514: expected at most 64 KiB");
  CHECK(problem_of(std::string(1 << 20, '\n')) == "f.yml:65537:1: expected at most 64 KiB");
  CHECK(problem_of(std::string(1 << 20, ' ')) == "f.yml:1:65537: expected at most 64 KiB");

  const std::string deep = ": expected at most 8 levels of lists and mappings";
  CHECK(problem_of("- - - - - - - - - 1") == "f.yml:1:17" + deep);
  CHECK(problem_of("[[[[[[[[[1]]]]]]]]]") == "f.yml:1:9" + deep);
  CHECK(problem_of("[[[[[[[[1]]]]]]]]") == "f.yml:1:1: expected a mapping of sections");
  CHECK_THAT(problem_of(std::string(60'000, '[')), contains_text(deep));
  CHECK_THAT(problem_of(std::string(60'000, '{')), contains_text(deep));

  std::string list = "ports: {inbound: [";
  for (int i = 0; i < 25'000; ++i) list += "1,";
  CHECK(problem_of(list + "]}") == "f.yml:1:50009: expected at most 25000 keys and values");

  std::string aliases = "ports: {inbound: [&a 80";
  for (int i = 0; i < 100; ++i) aliases += ",*a";
  CHECK(parse(aliases + "]}").ports.inbound.ranges().size() == 101);
  CHECK(problem_of(aliases + ",*a]}") == "f.yml:1:325: expected at most 100 aliases");
}

TEST_CASE("An alias is what it names, and never itself") {
  const auto ports = parse("ports: {inbound: &a [80, 81], outbound: *a}").ports;
  CHECK(ports.inbound == PortList{80, 81});
  CHECK(ports.outbound == ports.inbound);
  const std::string problem = ": an alias stands inside of what it names";
  CHECK(problem_of("log: &a {level: *a}") == "f.yml:1:17" + problem);
  CHECK(problem_of("&a [*a]") == "f.yml:1:5" + problem);
  // Each alias is read where it stands, once: it cannot multiply.
  CHECK_THAT(problem_of("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n"),
             Catch::Matchers::StartsWith("f.yml:1:1: unknown key \"a\""));
}

TEST_CASE("At most 80 characters of what is wrong are repeated") {
  const std::string cut =
      "..."
      "\" (the first 80 of 5000 characters)";
  const std::string first(80, 'x');
  const std::string word(5000, 'x');
  CHECK_THAT(problem_of("log: {level: " + word + "}"), contains_text("got \"" + first + cut));
  CHECK_THAT(problem_of("log: {" + word.substr(0, 900) + ": 1}"),
             contains_text("unknown key \"" + first + "...\" (the first 80 of 900 characters)"));
  CHECK_THAT(problem_of("? " + word + "\n: 1\n"), contains_text("unknown key \"" + first + cut));
  CHECK(problem_of("log: *" + word).size() < 200);
  std::string accents;
  for (int i = 0; i < 81; ++i) accents += "\u00e9";
  std::string cut_accents = "\"";
  cut_accents.append(accents, 2).append("...\" (the first 80 of 81 characters)");
  CHECK_THAT(problem_of("log: {level: " + accents + "}"), contains_text(cut_accents));
}

TEST_CASE("Whatever becomes of a file, it is read or refused") {
  std::ifstream file(SOCKDIAG_SOURCE_DIR "/config/sockdiag_exporter.yml");
  const std::string whole{std::istreambuf_iterator<char>(file), {}};
  const std::vector<std::string> pieces = {",",   "[",   "]", "{",  "}",     ": ",    "- ",   "? ",
                                           "&a ", "*a",  "!", "\n", "---\n", "...\n", "\t",   "\"",
                                           "'",   "|\n", "#", "\r", "\xff",  "\x04",  "%A\n", "  "};
  std::mt19937 random(12);  // the same files every time
  const auto below = [&](std::size_t limit) { return random() % limit; };
  for (int i = 0; i < 500; ++i) {
    std::string text = i % 2 == 0 ? whole : "log: {level: info}\nports: {inbound: [80]}\n";
    for (std::size_t changes = 1 + below(4); changes > 0; --changes) {
      const std::size_t at = below(text.size());
      if (below(3) == 0) {
        text.erase(at, below(20));
      } else {
        text.insert(at, pieces.at(below(pieces.size())));
      }
    }
    CAPTURE(text);
    const std::string problem = problem_of(text);
    CHECK((problem == "no problem" || problem.starts_with("f.yml:")));
  }
}

TEST_CASE("A file that cannot be read is told by its name and the reason") {
  CHECK_THROWS_WITH(load_configuration("/nowhere.yml"),
                    contains_text("/nowhere.yml: cannot be read: No such file or directory"));
  CHECK_THROWS_WITH(load_configuration("/"), contains_text("/: cannot be read: Is a directory"));
  CHECK_THROWS_WITH(load_configuration("/dev/zero"), contains_text("not a regular file"));
}

TEST_CASE("A pipe that nobody writes to is refused at once") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK_THROWS_WITH(load_configuration(path), contains_text("not a regular file"));
}

TEST_CASE("A file is found behind links, as Kubernetes mounts it") {
  const TemporaryDirectory directory;
  const std::filesystem::path root(directory.path());
  std::filesystem::create_directory(root / "..2026");
  std::ofstream(root / "..2026" / "f.yml") << "log: {level: debug}\n";
  std::filesystem::create_directory_symlink("..2026", root / "..data");
  std::filesystem::create_symlink("..data/f.yml", root / "f.yml");
  CHECK(load_configuration(root / "f.yml").log.level == LogLevel::debug);
}

}  // namespace sockdiag::test
