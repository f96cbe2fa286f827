// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/diagnosis/text.hpp"

#include "support/catch.hpp"

namespace sockdiag::test {

TEST_CASE("A tag or a locale means a language") {
  struct Row {
    std::string_view tag;
    std::optional<Language> language;
  };
  const auto row = GENERATE(values<Row>({
      {"en", Language::english},
      {"EN", Language::english},
      {"en-US", Language::english},
      {"en_US.UTF-8", Language::english},
      {"en_GB@euro", Language::english},
      {"zh", Language::chinese},
      {"ZH-cn", Language::chinese},
      {"zh-CN", Language::chinese},
      {"zh-Hans", Language::chinese},
      {"zh-Hans-CN", Language::chinese},
      {"zh_CN.UTF-8", Language::chinese},
      {"zh.UTF-8", Language::chinese},
      {"zhx", std::nullopt},
      {"eng", std::nullopt},
      {"e", std::nullopt},
      {"z", std::nullopt},
      {"de_DE.UTF-8", std::nullopt},
      {"C", std::nullopt},
      {"C.UTF-8", std::nullopt},
      {"POSIX", std::nullopt},
      {"*", std::nullopt},
      {"-en", std::nullopt},
      {" en", std::nullopt},
      {"", std::nullopt},
  }));
  CAPTURE(row.tag);
  CHECK(language_of_tag(row.tag) == row.language);
}

TEST_CASE("Each language has a tag that means it") {
  for (const Language language : kLanguages) CHECK(language_of_tag(tag_of(language)) == language);
}

TEST_CASE("The language that a client likes best is taken, else English") {
  struct Row {
    std::string_view header;
    Language language;
  };
  constexpr Language kEn = Language::english;
  constexpr Language kZh = Language::chinese;
  const auto row = GENERATE_COPY(values<Row>({
      {"", kEn},
      {"zh", kZh},
      {"en", kEn},
      {"fr", kEn},
      {"zh-CN,zh;q=0.9,en;q=0.8", kZh},                          // Chrome in Chinese
      {"zh-CN,zh;q=0.8,zh-TW;q=0.7,en-US;q=0.5,en;q=0.3", kZh},  // Firefox
      {"en-US,en;q=0.9,zh-CN;q=0.8", kEn},
      {"fr-FR,fr;q=0.9,zh;q=0.1", kZh},
      {"en;q=0.1,zh;q=0.2", kZh},
      {"en;q=0.2,zh;q=0.1", kEn},
      {"en;q=0.999,zh;q=1.000", kZh},
      {"ZH;Q=0.9 , en ; q=0.5", kZh},
      {"\tzh\t;\tq=1\t", kZh},
      // Liked equally: the one named first.
      {"zh,en", kZh},
      {"en,zh", kEn},
      {"*,zh", kZh},
      {"*", kEn},
      // Each that is not named.
      {"en;q=0.5,*", kZh},
      {"zh;q=0.5,*", kEn},
      {"en;q=0,*;q=0.1", kZh},
      {"zh,*;q=0.5", kZh},
      // Refused.
      {"zh;q=0", kEn},
      {"zh;q=0.000,en;q=0.1", kEn},
      {"en;q=0", kEn},
      {"zh;q=0,en;q=0", kEn},
      {"zh;q=0,*", kEn},
      {"en;q=0,zh;q=0.001", kZh},
      // What is malformed is left out.
      {"zh;q=2", kEn},
      {"zh;q=1.1", kEn},
      {"zh;q=-1", kEn},
      {"zh;q=0.1234", kEn},
      {"zh;q=.5", kEn},
      {"zh;q=01", kEn},
      {"zh;q=1e0", kEn},
      {"zh;q=0x1", kEn},
      {"zh;q=nan", kEn},
      {"zh;q=", kEn},
      {"zh;q", kEn},
      {"zh;p=1", kEn},
      {"zh;q=1;q=1", kEn},
      {"zhx", kEn},
      {";q=1", kEn},
      {",,;,=,", kEn},
      {"zh;q=abc,en;q=0.1", kEn},
      {", zh", kZh},
      {"zh;", kZh},
  }));
  CAPTURE(row.header);
  CHECK(accepted_language(row.header) == row.language);
}

}  // namespace sockdiag::test
