// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/pages/exposition.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

constexpr char kSockets[] = "sockdiag_sample_unknown_state_sockets";

// A source's values as sampling gives them, with a count that the text shows.
Samples with_sockets(std::uint64_t unknown) {
  TcpSnapshot snapshot;
  snapshot.unknown_state_sockets = unknown;
  Samples samples;
  samples.tcp.value = std::make_shared<const TcpSnapshot>(std::move(snapshot));
  return samples;
}

class Site {
 public:
  Board board;
  Publisher publisher{board, {}};

  // The text of all sockets after publishing it.
  std::shared_ptr<const TextPart> publish(const Samples& samples) {
    publisher.publish(std::make_shared<const Samples>(samples));
    return board.latest()->tcp.value;
  }
};

}  // namespace

TEST_CASE("What is published is shown with its values") {
  Site site;
  const Samples samples = with_sockets(3);
  CHECK_THAT(site.publish(samples)->text(),
             contains_text(std::string(kSockets) + "{source=\"tcp\"} 3\n"));
  CHECK(site.board.latest()->samples->tcp.value == samples.tcp.value);
  CHECK(site.board.latest()->listeners.value == nullptr);
}

TEST_CASE("Values that stay keep their text, with another time") {
  Site site;
  Samples samples = with_sockets(3);
  const auto text = site.publish(samples);
  samples.tcp.withdrawn_after += std::chrono::hours(1);
  CHECK(site.publish(samples) == text);
  CHECK(site.board.latest()->tcp.withdrawn_after == samples.tcp.withdrawn_after);
  CHECK(site.publish(with_sockets(3)) != text);
}

TEST_CASE("Families that are excluded meanwhile are left out of values that stay") {
  Site site;
  const Samples samples = with_sockets(3);
  static_cast<void>(site.publish(samples));
  site.publisher.configure({kSockets}, {});
  CHECK(site.publish(samples)->text().find(kSockets) == std::string::npos);
  site.publisher.configure({}, {});
  CHECK_THAT(site.publish(samples)->text(), contains_text(kSockets));
}

}  // namespace sockdiag::test
