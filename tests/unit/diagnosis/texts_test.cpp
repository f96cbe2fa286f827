// SPDX-License-Identifier: Apache-2.0

// The tables are complete, and say the same in both languages.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "diagnosis/wrong_advice.hpp"
#include "sockdiag/diagnosis/finding_texts.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using Words = std::multiset<std::string>;

constexpr Language kEn = Language::english;
constexpr Language kZh = Language::chinese;

// The measures of a finding: those that it always has, and those that it may have.
struct Measures {
  FindingId id;
  std::vector<std::string> always;
  std::vector<std::string> sometimes;
};

const std::vector<Measures>& measures() {
  static const std::vector<std::string> kCloseWait = {"sockets", "lingering", "threshold_seconds",
                                                      "oldest_seconds"};
  static const std::vector<std::string> kPassing = {"lingering", "threshold_seconds",
                                                    "oldest_seconds"};
  static const std::vector<Measures> kMeasures = {
      {FindingId::cw_in_not_closed, kCloseWait, {"before"}},
      {FindingId::cw_in_unread, kCloseWait, {}},
      {FindingId::cw_in_not_accepted, kCloseWait, {}},
      {FindingId::cw_out_unread_eof, kCloseWait, {}},
      {FindingId::cw_out_leak, kCloseWait, {"before"}},
      {FindingId::close_unacked,
       {"fin_wait1", "last_ack", "closing", "threshold_seconds", "opens_per_second"},
       {}},
      {FindingId::acceptq_full,
       {"length", "limit", "utilization_ratio"},
       {"drops_per_second", "stuck"}},
      {FindingId::acceptq_bursts, {"peak", "limit"}, {"drops_per_second"}},
      {FindingId::syn_flood,
       {"queue_full_per_second", "cookies_per_second", "passive_opens_per_second"},
       {"retransmitting"}},
      {FindingId::syn_backlog_short, {"cookies_per_second", "passive_opens_per_second"}, {}},
      {FindingId::syn_unanswered,
       {"lingering", "threshold_seconds", "prefixes", "passive_opens_per_second"},
       {}},
      {FindingId::listener_lost, {}, {"lost_seconds"}},
      {FindingId::syn_sent_unanswered, kPassing, {}},
      {FindingId::connect_refused, {"failures_per_second", "active_opens_per_second"}, {}},
      {FindingId::ports_short, {"used", "available", "used_ratio"}, {"time_wait", "scope_all"}},
      {FindingId::tw_server, {"starts_per_second", "passive_opens_per_second"}, {"time_wait"}},
      {FindingId::tw_client, {"starts_per_second"}, {"time_wait"}},
      {FindingId::tw_limit, {"sockets", "limit", "used_ratio"}, {"overflows_per_second"}},
      {FindingId::fin_wait2_held, kPassing, {}},
      {FindingId::receive_queue_stuck, {"bytes"}, {}},
      {FindingId::send_queue_stuck, {"bytes", "sockets"}, {}},
      {FindingId::orphans, {"orphans", "limit", "used_ratio"}, {}},
      {FindingId::tcp_memory, {"bytes", "limit_bytes", "used_ratio"}, {"aborts_per_second"}},
      {FindingId::sockets_hidden, {"hidden", "growth"}, {}},
      {FindingId::blind,
       {},
       {"failing_sources", "failing_tcp", "failing_listeners", "failing_kernel",
        "failing_namespaces", "stale_sources", "stale_tcp", "stale_listeners", "stale_kernel",
        "stale_namespaces", "unfollowed", "folded", "folded_ports"}},
  };
  return kMeasures;
}

std::vector<FindingId> all_findings() {
  std::vector<FindingId> all;
  for (std::size_t i = 0; i < kFindingCount; ++i) all.push_back(static_cast<FindingId>(i));
  return all;
}

// A finding with every measure that it may have, or with those alone that it always has.
Finding full_finding(const Measures& of, bool sometimes = true) {
  Finding finding{of.id, Severity::warning, Direction::inbound, 8080, {}, {}};
  for (const std::string& name : of.always) finding.seen.push_back({name, 1234.5});
  for (const std::string& name : of.sometimes) {
    if (sometimes) finding.seen.push_back({name, 1234.5});
  }
  return finding;
}

// A text that is shown, as it is shown.
struct Shown {
  std::string place;
  std::string english;
  std::string chinese;
};

class AllTexts {
 public:
  static std::vector<Shown> collect() {
    AllTexts all;
    for (const Measures& each : measures()) {
      all.add_seen(full_finding(each));
      all.add_seen(full_finding(each, false));
    }
    for (const FindingId id : all_findings()) all.add_finding(text_of(id));
    for (const StateText& state : state_texts()) all.add_state(state);
    for (const WrongAdvice& each : kWrongAdvice) all.add("advice", {each.advice, each.fact});
    for (int i = 0; i < 3; ++i) all.add("severity", {label_of(static_cast<Severity>(i))});
    for (const Direction each : kDirections) all.add("direction", {label_of(each)});
    return std::move(all.shown_);
  }

 private:
  void add(std::string_view place, std::initializer_list<Text> texts) {
    for (const Text& text : texts) {
      shown_.push_back({std::string(place), std::string(text.in(kEn)), std::string(text.in(kZh))});
    }
  }
  void add_seen(const Finding& finding) {
    shown_.push_back({std::string(name_of(finding.id)) + " as seen", seen_text(finding, kEn),
                      seen_text(finding, kZh)});
  }
  void add_finding(const FindingText& text) {
    const std::string_view name = name_of(text.id);
    add(name, {text.title, text.meaning});
    for (const Text& step : text.steps) add(name, {step});
    for (const Confirmation& each : text.confirm) add(name, {each.what});
    for (const LookAlike& each : text.unlike) add(name, {each.how_to_tell});
  }
  void add_state(const StateText& state) {
    add(state.name, {state.gloss, state.meaning, state.http_server, state.http_client, state.normal,
                     state.problem, state.who_acts});
  }

  std::vector<Shown> shown_;
};

// Returns the longest runs of characters that `belongs` takes.
template <typename Belongs>
Words runs(const std::string& text, Belongs belongs) {
  Words words;
  for (auto at = text.begin(); at != text.end();) {
    const auto first = std::find_if(at, text.end(), belongs);
    at = std::find_if_not(first, text.end(), belongs);
    if (first != at) words.emplace(first, at);
  }
  return words;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }
bool is_letter(char c) { return is_capital(c) || (c >= 'a' && c <= 'z'); }

std::string lower_case(std::string text) {
  for (char& c : text) c = is_capital(c) ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

Words numbers(const std::string& text) { return runs(text, is_digit); }

std::set<std::string> placeholders(std::string_view text) {
  std::set<std::string> names;
  for (auto at = text.find('{'); at != std::string_view::npos; at = text.find('{', at + 1)) {
    const std::string_view name = text.substr(at + 1, text.find('}', at) - at - 1);
    names.emplace(name.substr(name.find_first_not_of("?!")));
  }
  return names;
}

std::string without_optional_parts(std::string text) {
  for (auto at = text.find("[["); at != std::string::npos; at = text.find("[[")) {
    text.erase(at, text.find("]]", at) + 2 - at);
  }
  return text;
}

// Names of functions, settings, states, commands and protocols: CLOSE_WAIT, close(), tcp_mem, SYNs.
std::set<std::string> technical_words(const std::string& text) {
  std::set<std::string> words;
  const auto belongs = [](char c) {
    return is_letter(c) || is_digit(c) || std::string_view("_./()").find(c) != std::string::npos;
  };
  for (std::string word : runs(text, belongs)) {
    const bool calls = word.find("()") != std::string::npos;
    while (!word.empty() && std::string_view("./()").find(word.back()) != std::string::npos) {
      word.pop_back();
    }
    word.erase(0, std::min(word.find_first_not_of("()./"), word.size()));
    const auto capitals = std::count_if(word.begin(), word.end(), is_capital);
    if (capitals >= 2 && word.ends_with('s')) word.pop_back();
    if (calls) word += "()";
    if (capitals >= 2 || word.find_first_of("_.(") != std::string::npos) words.insert(word);
  }
  return words;
}

// Chinese has them where English has a word: HTTP 长连接 (keep-alive), TCP 保活 (keepalive), 流结束
// （EOF）, 未 accept() (not accepted).
const std::set<std::string> kOnlyInChinese = {"HTTP", "TCP", "EOF", "SYN", "accept()", "close()"};

// 半连接队列 and 全连接队列 are words.
std::string without_queue_names(std::string english) {
  for (auto at = english.find("SYN queue"); at != std::string::npos;
       at = english.find("SYN queue")) {
    english.erase(at, 3);
  }
  return english;
}

std::u32string characters(const std::string& utf8) {
  std::u32string text;
  for (const char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text.push_back(byte);
    } else if (byte >= 0xC0) {
      text.push_back(byte & (byte >= 0xE0 ? 0x0FU : 0x1FU));
    } else {
      text.back() = (text.back() << 6U) | (byte & 0x3FU);
    }
  }
  return text;
}

bool is_chinese(char32_t c) { return c >= 0x4E00 && c <= 0x9FFF; }
bool is_wide_mark(char32_t c) {
  return c != 0 && std::u32string_view(U"，。；：（）？、！").find(c) != std::u32string_view::npos;
}
bool is_mark(char32_t c) {
  return c < 0x80 &&
         std::string_view(",;:!?.()\"").find(static_cast<char>(c)) != std::string_view::npos;
}
bool is_word(char32_t c) {
  return c < 0x80 && (is_letter(static_cast<char>(c)) || is_digit(static_cast<char>(c)));
}

// Chinese text has Chinese marks, and one space between a Chinese character and a word of ours.
std::string fault_of_chinese(const std::string& utf8) {
  const std::u32string text = characters(utf8);
  if (std::none_of(text.begin(), text.end(), is_chinese)) return "no Chinese character";
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    const auto pair = [&](auto one, auto other) {
      return (one(text[i]) && other(text[i + 1])) || (other(text[i]) && one(text[i + 1]));
    };
    const auto is_blank = [](char32_t c) { return c == ' '; };
    if (pair(is_chinese, is_mark)) return "a half-width mark beside a Chinese character";
    if (pair(is_chinese, is_word)) return "no space between Chinese and other characters";
    if (pair(is_wide_mark, is_blank)) return "a space beside a full-width mark";
    if (pair(is_blank, is_blank)) return "two spaces";
    const bool blank_within =
        i + 2 < text.size() && is_chinese(text[i]) && text[i + 1] == ' ' && is_chinese(text[i + 2]);
    if (blank_within) return "a space between Chinese characters";
  }
  for (const char* const mark : {", ", "; "}) {
    if (utf8.find(mark) != std::string::npos) return "a half-width mark in a sentence";
  }
  return "";
}

std::string text_of_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Reads the string literals that follow each other at the beginning of `code`, and removes them.
std::string take_literals(std::string_view& code) {
  std::string text;
  for (;;) {
    code.remove_prefix(std::min(code.find_first_not_of(" \n"), code.size()));
    if (!code.starts_with('"')) return text;
    std::size_t at = 1;
    for (; code.at(at) != '"'; ++at) {
      if (code[at] == '\\') ++at;
      text += code.at(at);
    }
    code.remove_prefix(at + 1);
  }
}

// Returns the constants of class Text in a source file, but for those that are mere marks.
std::vector<Shown> texts_in(const std::filesystem::path& path) {
  constexpr std::string_view kBegin = " Text k";
  const std::string source = text_of_file(path);
  std::vector<Shown> texts;
  std::string_view code = source;
  for (auto at = code.find(kBegin); at != std::string_view::npos; at = code.find(kBegin)) {
    code.remove_prefix(std::min(code.find('(', at) + 1, code.size()));
    const std::string english = take_literals(code);
    if (english.empty()) continue;
    REQUIRE(code.starts_with(','));
    code.remove_prefix(1);
    const std::string chinese = take_literals(code);
    const std::u32string marks = characters(chinese);
    if (std::any_of(marks.begin(), marks.end(), is_chinese) ||
        std::any_of(english.begin(), english.end(), is_capital)) {
      texts.push_back({path.filename().string(), english, chinese});
    }
  }
  return texts;
}

// The texts of the tables, and the labels of the page and of the commands.
std::vector<Shown> texts_and_labels() {
  std::vector<Shown> all = AllTexts::collect();
  for (const char* const room : {"cli", "pages"}) {
    const auto directory = std::filesystem::path(SOCKDIAG_SOURCE_DIR "/src") / room;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      const std::vector<Shown> texts = texts_in(entry.path());
      all.insert(all.end(), texts.begin(), texts.end());
    }
  }
  return all;
}

std::string runbook_text() {
  return text_of_file(SOCKDIAG_SOURCE_DIR "/deploy/prometheus/runbook.md");
}

std::string runbook_headings() {
  std::istringstream lines(runbook_text());
  std::string headings;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("## ")) headings += line.substr(3) + "\n";
  }
  std::transform(headings.begin(), headings.end(), headings.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return "\n" + headings;
}

}  // namespace

TEST_CASE("Each finding has texts of its own, in every part") {
  for (const FindingId id : all_findings()) {
    CAPTURE(name_of(id));
    const FindingText& text = text_of(id);
    CHECK(text.id == id);
    CHECK(text.steps.size() >= 2);
    CHECK(!text.avoid.empty());
    CHECK(!text.confirm.empty());
    CHECK(!text.unlike.empty());
    CHECK(!text.source.empty());
    CHECK(std::none_of(text.unlike.begin(), text.unlike.end(),
                       [id](const LookAlike& each) { return each.other == id; }));
  }
}

TEST_CASE("Each state has texts of its own, under the name that ss uses") {
  std::set<std::string_view> names;
  for (std::uint8_t number = 1; number <= kTcpStateCount; ++number) {
    const TcpState state = tcp_state_from_number(number).value();
    CHECK(text_of(state).state == state);
    CHECK(!text_of(state).source.empty());
    names.insert(text_of(state).name);
    CHECK(lower_case(std::string(text_of(state).name)) == name_of(state));
  }
  CHECK(names.size() == kTcpStateCount);
  CHECK(state_texts().size() == kTcpStateCount);
  CHECK(state_texts().front().state == TcpState::listen);
}

TEST_CASE("Each wrong advice is warned of somewhere, with a source") {
  std::set<const WrongAdvice*> warned;
  for (const FindingId id : all_findings()) {
    const auto& avoid = text_of(id).avoid;
    warned.insert(avoid.begin(), avoid.end());
  }
  CHECK(warned.size() == kWrongAdvice.size());
  for (const WrongAdvice& each : kWrongAdvice) CHECK(!each.source.empty());
}

TEST_CASE("A sentence asks for the measures of its finding, and for no others") {
  for (const Measures& each : measures()) {
    for (const Language language : kLanguages) {
      CAPTURE(name_of(each.id), tag_of(language));
      const std::string seen(text_of(each.id).seen.in(language));
      std::set<std::string> known(each.always.begin(), each.always.end());
      CHECK(placeholders(without_optional_parts(seen)) == known);
      known.insert(each.sometimes.begin(), each.sometimes.end());
      CHECK(placeholders(seen) == known);
    }
  }
  CHECK(measures().size() == kFindingCount);
}

TEST_CASE("No bracket and no placeholder is left in what is shown") {
  for (const Shown& each : AllTexts::collect()) {
    CAPTURE(each.place);
    CHECK(each.english.find_first_of("{}[]") == std::string::npos);
    CHECK(each.chinese.find_first_of("{}[]") == std::string::npos);
  }
}

TEST_CASE("The labels of the page and of the commands are found in their sources") {
  const std::vector<Shown> all = texts_and_labels();
  for (const char* const place : {"labels.hpp", "report.cpp", "explain.cpp", "diagnose.cpp"}) {
    CAPTURE(place);
    CHECK(std::any_of(all.begin(), all.end(),
                      [place](const Shown& each) { return each.place == place; }));
  }
}

TEST_CASE("Numbers are the same in both languages") {
  for (const Shown& each : texts_and_labels()) {
    CAPTURE(each.place, each.english, each.chinese);
    CHECK(numbers(each.english) == numbers(each.chinese));
  }
}

TEST_CASE("States, settings and commands are the same in both languages") {
  for (const Shown& each : AllTexts::collect()) {
    CAPTURE(each.place, each.english, each.chinese);
    const std::set<std::string> english = technical_words(without_queue_names(each.english));
    std::set<std::string> chinese = technical_words(each.chinese);
    for (const std::string& word : kOnlyInChinese) {
      if (english.count(word) == 0) chinese.erase(word);
    }
    CHECK(english == chinese);
  }
}

TEST_CASE("Chinese texts are set as Chinese is") {
  CHECK(fault_of_chinese("关闭, 打开").find("half-width") != std::string::npos);
  CHECK(fault_of_chinese("关闭TCP").find("space") != std::string::npos);
  CHECK(fault_of_chinese("关闭 打开").find("space") != std::string::npos);
  CHECK(fault_of_chinese("关闭 close()，打开（EOF）。").empty());
  for (const Shown& each : texts_and_labels()) {
    CAPTURE(each.place, each.chinese);
    CHECK(fault_of_chinese(each.chinese).empty());
  }
}

TEST_CASE("A sentence ends as one in both languages") {
  for (const Shown& each : texts_and_labels()) {
    CAPTURE(each.place, each.english, each.chinese);
    CHECK(each.english.ends_with('.') == each.chinese.ends_with("。"));
    CHECK(each.english.ends_with('?') == each.chinese.ends_with("？"));
  }
}

TEST_CASE("English texts are ASCII, but for the ellipsis") {
  for (const Shown& each : texts_and_labels()) {
    CAPTURE(each.place, each.english);
    const std::u32string text = characters(each.english);
    CHECK(std::all_of(text.begin(), text.end(), [](char32_t c) { return c < 0x80 || c == U'…'; }));
  }
}

TEST_CASE("Half-open and half-closed are not taken for each other") {
  for (const Shown& each : AllTexts::collect()) {
    CAPTURE(each.place, each.english, each.chinese);
    const auto both = [&each](const char* english, const char* chinese) {
      return lower_case(each.english).find(english) == std::string::npos ||
             each.chinese.find(chinese) != std::string::npos;
    };
    CHECK(both("half-closed", "半关闭"));
    CHECK(both("half-open", "半连接"));
    CHECK(both("accept queue", "全连接队列"));
    CHECK(both("syn queue", "半连接队列"));
    CHECK(both(" orphan", "孤儿连接"));
    CHECK(both("zero window", "零窗口"));
    CHECK(both("lossy path", "链路丢包"));
    CHECK(both("reflection", "反射攻击"));
  }
}

TEST_CASE("Each finding has a section in the runbook, the first that its table names") {
  const std::string headings = runbook_headings();
  const std::string runbook = runbook_text();
  for (const FindingId id : all_findings()) {
    CAPTURE(name_of(id));
    const std::string anchor(text_of(id).runbook);
    CHECK(headings.find("\n" + anchor + "\n") != std::string::npos);
    const auto row = runbook.find("\n| `" + std::string(name_of(id)) + "` | [");
    REQUIRE(row != std::string::npos);
    const auto link = runbook.find("](#", row);
    CHECK(runbook.substr(link + 3, anchor.size() + 1) == anchor + ")");
  }
}

}  // namespace sockdiag::test
