// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/pages/exposition.hpp"

#include <zlib.h>

#include <array>
#include <future>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

// What zlib makes of one gzip member, which must be all of `bytes`.
std::string gunzip(const std::string& bytes) {
  z_stream stream{};
  REQUIRE(::inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK);
  std::string text(1 << 20, '\0');
  std::string input = bytes;
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  const int result = ::inflate(&stream, Z_FINISH);
  CHECK(result == Z_STREAM_END);
  CHECK(stream.avail_in == 0);
  text.resize(stream.total_out);
  ::inflateEnd(&stream);
  return text;
}

std::string member_of(const std::vector<DeflatedPart>& parts) {
  std::string bytes = gzip_header();
  std::vector<const DeflatedPart*> pointers;
  for (const DeflatedPart& part : parts) {
    bytes += part.bytes;
    pointers.push_back(&part);
  }
  return bytes + gzip_trailer(pointers);
}

}  // namespace

TEST_CASE("Parts compressed apart make one gzip member") {
  const std::string large(300'000, 'x');
  CHECK(gunzip(member_of({})).empty());
  CHECK(gunzip(member_of({deflate_part("one")})) == "one");
  CHECK(gunzip(member_of({deflate_part("one "), deflate_part(""), deflate_part("two")})) ==
        "one two");
  CHECK(gunzip(member_of({deflate_part(large), deflate_part("end")})) == large + "end");
}

TEST_CASE("Text that does not compress is whole too") {
  std::string noise;
  std::uint32_t state = 1;
  for (int i = 0; i < 200'000; ++i) {
    state = state * 1664525U + 1013904223U;
    noise += static_cast<char>(state >> 24U);
  }
  CHECK(gunzip(member_of({deflate_part(noise), deflate_part(noise)})) == noise + noise);
}

TEST_CASE("A part is compressed once for all who ask") {
  const TextPart part("a 1\n");
  CHECK(part.text() == "a 1\n");
  CHECK(gunzip(member_of({part.deflated()})) == "a 1\n");
  CHECK(&part.deflated() == &part.deflated());
}

TEST_CASE("Scrapes at the same time share one compressed text") {
  const TextPart part(std::string(100'000, 'x'));
  std::vector<std::future<const DeflatedPart*>> scrapes;
  for (int i = 0; i < 8; ++i) {
    scrapes.push_back(std::async(std::launch::async, [&] { return &part.deflated(); }));
  }
  for (auto& scrape : scrapes) CHECK(scrape.get() == &part.deflated());
}

TEST_CASE("Values are fresh up to their time and not before there are some") {
  const Sampled<TextPart>::TimePoint now{};
  Sampled<TextPart> part;
  part.withdrawn_after = now;
  CHECK_FALSE(part.is_fresh(now));
  part.value = std::make_shared<const TextPart>("a 1\n");
  CHECK(part.is_fresh(now));
  CHECK_FALSE(part.is_fresh(now + std::chrono::nanoseconds(1)));
}

TEST_CASE("A board shows what was published last") {
  Board board;
  CHECK(board.latest() == nullptr);
  const auto first = std::make_shared<const Exposition>();
  board.publish(first);
  CHECK(board.latest() == first);
  board.publish(std::make_shared<const Exposition>());
  CHECK(board.latest() != first);
}

}  // namespace sockdiag::test
