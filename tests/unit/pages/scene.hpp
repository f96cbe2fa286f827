// SPDX-License-Identifier: Apache-2.0
#pragma once

// A host to show: what sampling and diagnosis would publish, in a few words.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "sockdiag/pages/exposition.hpp"
#include "sockdiag/pages/json.hpp"

namespace sockdiag::test {

using Json = nlohmann::json;

class Scene {
 public:
  static constexpr std::chrono::seconds kSampledAt{1'700'000'000};
  const Diagnosis::TimePoint now{std::chrono::hours(1)};

  Scene();

  PortCounts& inbound(std::uint16_t port) { return port_of(Direction::inbound, port); }
  PortCounts& outbound(std::uint16_t port) { return port_of(Direction::outbound, port); }
  // Sockets of a port, also in the totals.
  Scene& sockets(Direction direction, std::uint16_t port, TcpState state, std::uint32_t count);
  Scene& listens(std::uint16_t port, const AcceptQueue& queue);
  Scene& finds(Finding finding);
  // Two owners of this host's sockets, and a pod and a service in namespaces of their own, of which
  // the last has counters alone.
  Scene& has_owners();

  TcpSnapshot tcp;
  ListenerSnapshot listeners;
  KernelValues kernel;
  std::optional<OwnerSnapshot> owners{};
  std::optional<NamespacesSnapshot> namespaces{};
  PortNames port_names{};
  Findings findings;
  Trend trend;
  bool is_stale = false;

  [[nodiscard]] Exposition exposition() const;
  [[nodiscard]] Json findings_document(Language language = Language::english) const {
    return Json::parse(findings_json(exposition(), now, language));
  }
  [[nodiscard]] Json samples_document() const {
    return Json::parse(samples_json(exposition(), now));
  }

 private:
  PortCounts& port_of(Direction direction, std::uint16_t port);
};

}  // namespace sockdiag::test
