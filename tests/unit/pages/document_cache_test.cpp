// SPDX-License-Identifier: Apache-2.0
#include "pages/document_cache.hpp"

#include <atomic>
#include <latch>
#include <new>
#include <thread>
#include <vector>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

// A board whose publication is replaced by each rendering, and renderings that are numbered.
class Site {
 public:
  Site() { publish(); }

  void publish() {
    auto exposition = std::make_shared<Exposition>();
    exposition->samples = std::make_shared<const Samples>();
    board_.publish(std::move(exposition));
  }

  // Returns the text, or that there is none. `meanwhile` is called with the rendering's number.
  std::string get(
      const std::function<void(int)>& meanwhile = [](int) {},
      DocumentKind kind = DocumentKind::samples) {
    const auto render = [&](const Latest&) {
      const int number = ++renderings_;
      meanwhile(number);
      return std::to_string(number);
    };
    try {
      return cache.get(kind, Language::english, board_, render)->part->text();
    } catch (const std::bad_alloc&) {
      return "none";
    }
  }

  // What a crowd gets that asks while the first rendering goes on.
  std::vector<std::string> crowd(const std::function<void(int)>& meanwhile) {
    constexpr unsigned kCrowd = 16;
    std::latch begun(1);
    std::latch may_end(1);
    std::jthread first([&] {
      get([&](int) {
        begun.count_down();
        may_end.wait();
      });
    });
    begun.wait();
    publish();
    std::vector<std::string> texts(kCrowd);
    {
      std::vector<std::jthread> threads;
      for (std::string& text : texts) threads.emplace_back([&] { text = get(meanwhile); });
      while (cache.waiting() < kCrowd) std::this_thread::yield();
      may_end.count_down();
    }
    return texts;
  }

  DocumentCache cache;

 private:
  Board board_;
  std::atomic<int> renderings_ = 0;
};

}  // namespace

TEST_CASE("A document is rendered once for each publication", "[document_cache]") {
  Site site;
  CHECK(site.get() == "1");
  CHECK(site.get() == "1");
  CHECK(site.get([](int) {}, DocumentKind::page) == "2");
  site.publish();
  CHECK(site.get() == "3");
}

TEST_CASE("A crowd waits for one rendering however often there is a new publication",
          "[document_cache]") {
  Site site;
  const auto texts = site.crowd([&](int) { site.publish(); });
  CHECK(texts == std::vector<std::string>(texts.size(), "2"));
  CHECK(site.cache.waiting() == 0);
}

TEST_CASE("A rendering that fails fails for all who wait for it, and the next begins anew",
          "[document_cache]") {
  Site site;
  const auto texts = site.crowd([&](int) {
    site.publish();
    throw std::bad_alloc();
  });
  CHECK(texts == std::vector<std::string>(texts.size(), "none"));
  CHECK(site.get() == "3");
}

TEST_CASE("Documents of publications that are gone are given up", "[document_cache]") {
  Site site;
  std::weak_ptr<const TextPart> text;
  {
    Board board;
    board.publish(std::make_shared<const Exposition>());
    text = site.cache
               .get(DocumentKind::page, Language::chinese, board,
                    [](const Latest&) { return std::string("old"); })
               ->part;
    site.cache.drop_old();
    CHECK_FALSE(text.expired());
  }
  site.cache.drop_old();
  CHECK(text.expired());
}

}  // namespace sockdiag::test
