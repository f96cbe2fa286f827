// SPDX-License-Identifier: Apache-2.0

// A sequence of samples of a kernel that answers right and wrong, to the text of each scrape: no
// counter falls, and no text is one that Prometheus would refuse.

#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "generated_input.hpp"
#include "sockdiag/pages/exposition.hpp"
#include "sockdiag/pages/json.hpp"
#include "support/exposition_text.hpp"
#include "unit/sampling/fake_kernel.hpp"

namespace sockdiag::test {
namespace {

constexpr std::size_t kMostSteps = 12;
constexpr std::size_t kMostSockets = 24;

using Counters = std::map<std::pair<std::string, Labels>, double>;

std::string endpoint(GeneratedInput& input) {
  static constexpr const char* kAddresses[] = {
      "127.0.0.1", "10.1.2.3", "[::1]", "[2001:db8::1]", "0.0.0.0", "[::]", "[::ffff:10.1.2.3]"};
  return kAddresses[input.take_below(std::size(kAddresses))];
}

SocketSpec take_socket(GeneratedInput& input) {
  SocketSpec socket;
  const std::string address = endpoint(input);
  // A small number of ports, so that sockets share them.
  const auto port = [&] { return ":" + std::to_string(input.take_below(64) * 1024); };
  socket.state = static_cast<std::uint8_t>(input.take_below(14));
  socket.local = address + port();
  socket.remote = address + port();
  const auto flags = input.take<std::uint8_t>();
  socket.receive_queue = (flags & 1U) != 0 ? input.take<std::uint32_t>() : 0;
  socket.send_queue = (flags & 2U) != 0 ? input.take<std::uint32_t>() : 1;
  socket.inode = (flags & 4U) != 0 ? 0 : 1;
  if ((flags & 8U) != 0) socket.drops = input.take<std::uint16_t>();
  if ((flags & 16U) != 0) socket.last_ack_ms = input.take<std::uint32_t>();
  if ((flags & 32U) != 0) socket.expires_ms = input.take<std::uint16_t>();
  socket.timer = static_cast<std::uint8_t>(flags >> 6U);
  socket.retransmits = socket.timer;
  socket.cookie = input.take<std::uint8_t>();
  return socket;
}

// Most dumps end well.
void end(DumpBuilder& dump, GeneratedInput& input) {
  switch (input.take_below(16)) {
    case 1:
      dump.done(static_cast<int>(input.take<std::uint8_t>()));
      break;
    case 2:
      dump.error(static_cast<int>(input.take<std::uint8_t>()));
      break;
    case 3:
      break;  // cut short
    case 4:
      dump.sequence(2).done();
      break;
    default:
      dump.done();
  }
}

DumpBuilder take_answer(GeneratedInput& input) {
  DumpBuilder dump;
  for (std::size_t left = input.take_below(kMostSockets); left > 0 && !input.is_empty(); --left) {
    dump.socket(take_socket(input));
    if (left % 8 == 0) dump.split();
  }
  end(dump, input);
  return dump;
}

Policies take_policies(GeneratedInput& input) {
  Policies policies;
  const auto flags = input.take<std::uint8_t>();
  policies.tcp.ports.max_ports = 1 + (flags & 7U);
  if ((flags & 8U) != 0) policies.tcp.ports.exclude = {2048};
  if ((flags & 16U) != 0) policies.tcp.ports.inbound = {3072};
  if ((flags & 32U) != 0) policies.tcp.lifetimes.max_sockets = 3;
  policies.tcp.destinations.export_addresses = (flags & 64U) != 0;
  if ((flags & 128U) != 0) policies.tcp.ports.port_retention = {};
  return policies;
}

std::string text_of(const sockdiag::Exposition& exposition) {
  std::string text;
  for (const auto& part : exposition.parts(std::chrono::steady_clock::now())) text += part->text();
  return text;
}

void require_growth(Counters& counters, const std::string& text) {
  const Exposition exposition = Exposition::parse(text);
  for (const Series& series : exposition.series()) {
    if (exposition.families().at(series.name) != "counter") continue;
    double& last = counters[{series.name, series.labels}];
    require(series.value >= last, "no counter falls");
    last = series.value;
  }
}

void sample(GeneratedInput input) {
  FakeKernel kernel;
  Board board;
  Publisher publisher(board, {});
  Sampling sampling(kernel.sources(), [&](std::shared_ptr<const Samples> samples) {
    publisher.publish(std::move(samples));
  });
  Policies policies;
  Counters counters;
  for (std::size_t step = 0; step < kMostSteps && !input.is_empty(); ++step) {
    const auto what = input.take<std::uint8_t>();
    if ((what & 4U) != 0) policies = take_policies(input);
    if ((what & 8U) != 0) kernel.listen_drops = input.take<std::uint16_t>();
    if ((what & 16U) != 0) kernel.listen_drops = std::nullopt;
    if ((what & 32U) != 0) kernel.range = PortRange{1024, 30000};
    kernel.answer = take_answer(input);
    sampling.attempt(what % 3U, policies);
    require_growth(counters, text_of(*board.latest()));
  }
  const auto exposition = board.latest();
  if (exposition == nullptr) return;
  const auto now = std::chrono::steady_clock::now();
  require(nlohmann::json::accept(samples_json(*exposition, now)), "samples are JSON");
  require(nlohmann::json::accept(findings_json(*exposition, now, Language::chinese)),
          "findings are JSON");
}

}  // namespace
}  // namespace sockdiag::test

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  sockdiag::test::be_silent();
  sockdiag::test::sample({bytes, size});
  return 0;
}
