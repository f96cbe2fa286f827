// SPDX-License-Identifier: Apache-2.0
#include "configuration/yaml_reader.hpp"

#include <array>
#include <fstream>

#include "sockdiag/configuration/config_error.hpp"
#include "support/catch.hpp"
#include "support/subprocess.hpp"

namespace sockdiag::test {
namespace {

constexpr std::array<std::string_view, 2> kKnown = {"files", "owner"};

// A format that is not the exporter's: a list of files and the name of their owner.
std::string read(const std::string& text) {
  const YamlReader reader("f.yml");
  std::string result;
  const auto document = reader.parse(text);
  if (document == nullptr) return "nothing";
  reader.for_each_key(*document, [&](const YamlNode& key, const YamlNode& value) {
    if (key.scalar == "owner") {
      reader.check_scalar(value, "owner: expected a name");
      result += "owner " + value.scalar + ";";
    } else if (key.scalar == "files") {
      reader.check_list(value, "files: expected a list of paths");
      for (const auto& file : value.children) result += "file " + file->scalar + ";";
    } else {
      reader.fail_unknown(key, kKnown, key.scalar == "group" ? "\"owner\"" : "");
    }
  });
  return result;
}

std::string problem_of(const std::string& text) {
  try {
    return read(text);
  } catch (const ConfigError& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("A strict reader visits the keys of any format in their order") {
  CHECK(read("owner: root\nfiles: [a, b]\n") == "owner root;file a;file b;");
  CHECK(read("files: [&a x, *a]\nowner: *a\n") == "file x;file x;owner x;");
  CHECK(read("# nothing\n") == "nothing");
  CHECK(read("~") == "nothing");
}

TEST_CASE("A strict reader refuses what its format does not expect, with the place") {
  struct Row {
    const char* text;
    const char* problem;
  };
  const auto row = GENERATE(values<Row>({
      {"ownr: a", "f.yml:1:1: unknown key \"ownr\"; did you mean \"owner\"?"},
      {"x: a", "f.yml:1:1: unknown key \"x\"; expected one of files, owner"},
      {"group: a", "f.yml:1:1: unknown key \"group\"; expected \"owner\""},
      {"owner: a\nowner: b", "f.yml:2:1: duplicate key \"owner\", first at f.yml:1:1"},
      {"owner: a\n<<: {}", "f.yml:2:1: merge keys (<<) are not known; write the keys themselves"},
      {"{[a]: b}", "f.yml:1:2: expected a key that is a plain word"},
      {"owner: {}", "f.yml:1:8: owner: expected a name, got a list or mapping"},
      {"owner: ~", "f.yml:1:8: owner: expected a name, got nothing"},
      {"files: a", "f.yml:1:8: files: expected a list of paths, got no list"},
      {"owner: [",
       "f.yml:1:8: not YAML: the bracket that opens here is not closed; expected a "
       "comma, ] or }"},
  }));
  CAPTURE(row.text);
  CHECK(problem_of(row.text) == row.problem);
}

TEST_CASE("A YAML file that is too long is read far enough to be refused") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/f.yml";
  std::ofstream(path) << std::string(1 << 20, ' ');
  const std::string text = read_yaml_file(path);
  CHECK(text.size() == kMaxYamlBytes + 1);
  CHECK(problem_of(text) == "f.yml:1:65537: expected at most 64 KiB");
  CHECK_THROWS_WITH(read_yaml_file(directory.path() + "/none"),
                    directory.path() + "/none: cannot be read: No such file or directory");
}

}  // namespace sockdiag::test
