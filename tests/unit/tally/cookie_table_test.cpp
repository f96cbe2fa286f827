// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/cookie_table.hpp"

#include <map>
#include <random>
#include <set>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

struct Note {
  std::uint32_t number = 0;
  bool used = false;
};
using Table = CookieTable<Note>;

// What the table holds, which it tells to erase_if() alone.
std::multiset<std::uint32_t> numbers_in(Table& table) {
  std::multiset<std::uint32_t> numbers;
  table.erase_if([&](const Note& note) {
    numbers.insert(note.number);
    return false;
  });
  return numbers;
}

Table table_of(std::uint32_t cookies) {
  Table table;
  for (std::uint32_t i = 0; i < cookies; ++i) table.insert(i, {.number = i});
  return table;
}

}  // namespace

TEST_CASE("A table of cookies holds whatever cookie there is") {
  Table table;
  for (const std::uint64_t cookie : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
    CAPTURE(cookie);
    CHECK(table.find(cookie) == nullptr);
    table.insert(cookie, {.number = 7});
    REQUIRE(table.find(cookie) != nullptr);
    CHECK(table.find(cookie)->number == 7);
  }
  CHECK(table.size() == 3);
}

TEST_CASE("A cookie that is there keeps its note") {
  Table table;
  table.insert(5, {.number = 1});
  CHECK(table.insert(5, {.number = 2}).number == 1);
  CHECK(table.size() == 1);
}

TEST_CASE("A table of cookies says the same as a map, whatever is put in and erased") {
  std::mt19937 random(20261125);
  const auto pick = [&](std::uint32_t most) {
    return std::uniform_int_distribution<std::uint32_t>(0, most)(random);
  };
  Table table;
  std::map<std::uint64_t, std::uint32_t> model;
  for (int round = 0; round < 300; ++round) {
    for (std::uint32_t i = pick(200); i > 0; --i) {
      const std::uint64_t cookie = pick(400);
      const std::uint32_t number = pick(1'000'000);
      CHECK(table.insert(cookie, {.number = number}).number ==
            model.emplace(cookie, number).first->second);
    }
    const std::uint32_t remainder = pick(9);
    const auto is_gone = [&](std::uint32_t number) { return number % 10 <= remainder; };
    std::size_t asked = 0;
    const std::size_t before = table.size();
    table.erase_if([&](const Note& note) {
      ++asked;
      return is_gone(note.number);
    });
    REQUIRE(asked == before);
    std::erase_if(model, [&](const auto& entry) { return is_gone(entry.second); });
    if (pick(3) == 0) table.give_back_memory();
    REQUIRE(table.size() == model.size());
    for (std::uint64_t cookie = 0; cookie <= 400; ++cookie) {
      const Note* const note = table.find(cookie);
      REQUIRE((note != nullptr) == model.contains(cookie));
      if (note != nullptr) REQUIRE(note->number == model.at(cookie));
    }
  }
}

TEST_CASE("Notes can be changed where they stay") {
  Table table = table_of(100);
  table.erase_if([](Note& note) {
    note.number *= 2;
    return note.number >= 100;
  });
  CHECK(table.size() == 50);
  for (std::uint32_t i = 0; i < 50; ++i) CHECK(table.find(i)->number == 2 * i);
}

TEST_CASE(
    "A table of cookies is never fuller than four fifths, and after growth never emptier "
    "than two") {
  Table table;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    table.insert(i, {});
    REQUIRE(table.size() * 5 <= table.slots() * 4);
    if (i >= 16) REQUIRE(table.size() * 5 >= table.slots() * 2);
  }
}

TEST_CASE("A table that was full gives its memory back") {
  Table table = table_of(100'000);
  const std::size_t full = table.slots();
  table.give_back_memory();
  CHECK(table.slots() == full);
  table.erase_if([](const Note& note) { return note.number >= 10; });
  table.give_back_memory();
  CHECK(table.slots() == 16);
  CHECK(numbers_in(table) == std::multiset<std::uint32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  table.erase_if([](const Note&) { return true; });
  table.give_back_memory();
  CHECK(table.slots() == 1);
  CHECK(table.find(0) == nullptr);
}

TEST_CASE("Cookies that lie a power of two apart are spread over all slots") {
  for (const int apart : {0, 10, 16, 20, 32}) {
    CAPTURE(apart);
    std::set<std::uint64_t> slots;
    for (std::uint64_t i = 0; i < 1024; ++i) slots.insert(CookieHash()(i << apart) % 1024);
    CHECK(slots.size() > 550);  // as random numbers would: 63 %
  }
}

}  // namespace sockdiag::test
