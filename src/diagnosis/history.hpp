// SPDX-License-Identifier: Apache-2.0
#pragma once

// What diagnosis remembers of samples: of each port (see PortHistory), of the kernel (see
// KernelHistory), and of the host as a whole. It remembers the ports of the last sample and no
// others: a port that has gone from there is forgotten. Not thread-safe.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "kernel_history.hpp"
#include "port_history.hpp"
#include "ring.hpp"
#include "sockdiag/core/samples.hpp"

namespace sockdiag {

// Returns the status of a source, or null.
[[nodiscard]] const SampleStatus* status_of(const SampleStatuses& statuses,
                                            std::string_view source) noexcept;

// Sockets that the kernel has allocated and that no dump shows. TIME_WAIT and SYN_RECV are not
// allocated as sockets.
[[nodiscard]] double hidden_sockets(const TcpSnapshot& snapshot, double allocated) noexcept;

// Returns how many sockets of the host are in `state`.
[[nodiscard]] std::uint64_t total_of(const TcpSnapshot& snapshot, TcpState state) noexcept;

class History {
 public:
  using TimePoint = Times::TimePoint;

  // Takes what is new in a publication. Throws std::bad_alloc before it takes anything of sockets:
  // call it again.
  void record(const Samples& samples, TimePoint now);

  // Bytes of the object and of what it has allocated.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

  [[nodiscard]] const Times& times() const noexcept { return times_; }
  // How long sockets have been watched.
  [[nodiscard]] std::chrono::nanoseconds watched_for() const noexcept {
    return tcp_ == nullptr ? std::chrono::nanoseconds{} : times_.now - first_;
  }
  [[nodiscard]] const KernelHistory& kernel() const noexcept { return kernel_; }

  // By ascending port, as in the last snapshot; the last one is that of all other ports, once they
  // have had a socket.
  [[nodiscard]] const std::vector<PortHistory>& ports(Direction direction) const noexcept {
    return ports_[index_of(direction)];
  }

  // The least share of the ephemeral ports that the busiest destination, and all sockets together,
  // used within the window.
  [[nodiscard]] double busiest_ports() const noexcept;
  [[nodiscard]] double local_ports() const noexcept;
  // Whether any handshake was seen to wait for its ACK within the window.
  [[nodiscard]] bool has_seen_syn_recv() const noexcept;

  // Returns by how many the hidden sockets have grown in a quarter of an hour, if they have in each
  // third of it, and have not become fewer from any minute to the next.
  [[nodiscard]] std::optional<double> hidden_growth() const noexcept;

  // Returns whether a source has had no success for more than three intervals or ten seconds, and
  // the time that all sources take.
  [[nodiscard]] bool is_stale(std::size_t source, const SampleStatuses& statuses,
                              TimePoint now) const noexcept;

 private:
  struct HostSlot {
    double busiest_ports = 0;
    double local_ports = 0;
    bool syn_recv = false;
  };
  struct Source {
    std::optional<std::chrono::system_clock::time_point> last_success;
    TimePoint at;
  };

  // Throws std::bad_alloc: call it before anything of the snapshot is recorded.
  void make_room_for(const TcpSnapshot& snapshot, Direction direction);
  void record_ports(const TcpSnapshot& snapshot, Direction direction,
                    const ListenerSnapshot* listeners) noexcept;
  void record_host(const TcpSnapshot& snapshot) noexcept;
  void record_hidden(const TcpSnapshot& snapshot) noexcept;
  void record_sources(const SampleStatuses& statuses, TimePoint now);
  template <typename Member>
  [[nodiscard]] double least(const Member& member) const noexcept;

  std::shared_ptr<const TcpSnapshot> tcp_;  // the last that was taken
  std::shared_ptr<const KernelValues> values_;
  Times times_;
  TimePoint first_;  // sample
  std::array<std::vector<PortHistory>, kDirections.size()> ports_;
  std::array<HostSlot, Times::kSlots> host_{};
  std::array<double, Times::kSteps> hidden_{};  // the least of each step
  std::size_t known_hidden_ = 0;                // of the newest steps
  KernelHistory kernel_;
  std::vector<Source> sources_;  // by status
};

}  // namespace sockdiag
