// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/sampling/tcp_source.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "sockdiag/netlink/kernel_channel.hpp"
#include "sockdiag/procfs/kernel_value_reader.hpp"
#include "sockdiag/procfs/listen_drops.hpp"
#include "sockdiag/procfs/sysctl.hpp"

namespace sockdiag {
namespace {

using Clock = std::chrono::steady_clock;
using Total = std::optional<std::uint64_t>;

// One datagram may cost a walk of the whole hash, 0.3 s at a million sockets.
constexpr std::chrono::seconds kReceiveDeadline(5);

// Around the limit, one line for all its ups and downs.
constexpr unsigned kSamplesUntilFollowed = 10;

// How far `counted` is outside of the totals read before and after it.
std::optional<std::int64_t> unaccounted(Total before, Total after, std::uint64_t counted) {
  if (!before || !after) return std::nullopt;
  const auto [low, high] = std::minmax(*before, *after);
  return static_cast<std::int64_t>(std::clamp(counted, low, high) - counted);
}

}  // namespace

TcpSource::TcpSource(Kernel kernel, TcpPolicy policy)
    : kernel_(std::move(kernel)),
      traits_(kernel_traits(kernel_.release)),
      dumper_(kernel_.open_channel),
      tally_(std::make_unique<TcpTally>(std::move(policy))) {}

// What `read` returns; nothing where it throws.
template <typename Read>
auto TcpSource::if_readable(const Read& read) -> decltype(read()) {
  try {
    return read();
  } catch (const std::runtime_error& error) {
    if (std::find(problems_.begin(), problems_.end(), error.what()) == problems_.end()) {
      problems_.emplace_back(error.what());
    }
    return {};
  }
}

TcpSnapshot TcpSource::sample() {
  problems_.clear();
  log_kernel_once();
  if (!dated_) date_close_waits();
  const Total before = if_readable(kernel_.total_sockets);
  TcpSnapshot snapshot = dump_all();
  const Total after = if_readable(kernel_.total_sockets);
  snapshot.unique_cookies = traits_.unique_cookies;
  if (traits_.time_waits_by_namespace) {
    snapshot.unaccounted_sockets =
        unaccounted(before, after, snapshot.sockets - snapshot.request_sockets);
  }
  listeners_.saw(snapshot.of(Direction::inbound), tally_->listening_ports(), Clock::now());
  log_method_once();
  if (traits_.unique_cookies) log_unfollowed(snapshot.unfollowed_sockets);
  return snapshot;
}

void TcpSource::date_close_waits() {
  dumper_.dump_close_waits(
      [this](const SocketRecord& record) { tally_->date(record, Clock::now()); });
  dated_ = true;
}

EphemeralPorts TcpSource::ephemeral_ports() {
  const auto range = if_readable(kernel_.ephemeral_range);
  const auto reserved = if_readable(kernel_.reserved_ports);
  if (!range) return {last_range_, std::nullopt};
  last_range_ = *range;
  return {*range, reserved};
}

TcpSnapshot TcpSource::dump_all() {
  dump_to_tally();
  if (!std::exchange(knows_services_, true) && tally_->learn_services()) dump_to_tally();
  return tally_->finish(Clock::now());
}

void TcpSource::dump_to_tally() {
  const auto length = if_readable(kernel_.time_wait_length).value_or(TimeWaitStarts::kLength);
  tally_->begin(ephemeral_ports(), Clock::now(), length);
  dumper_.dump_all([this](const SocketRecord& record) { tally_->add(record); });
}

ListenerSnapshot TcpSource::poll_listeners(Clock::duration peak_window) {
  if (!poll_once()) static_cast<void>(poll_once());
  return listeners(peak_window);
}

bool TcpSource::poll_once() {
  const auto now = Clock::now();
  const auto read = [this] { return read_listen_drops(); };
  listeners_.begin(now, read);
  dumper_.dump_listeners([&](const SocketRecord& record) {
    listeners_.add(record);
    tally_->add_polled(record, now);
  });
  return listeners_.finish(Clock::now(), read);
}

ListenerWatch::ListenDrops TcpSource::read_listen_drops() {
  if (!traits_.listener_drops) return std::nullopt;
  try {
    listen_drops_problem_.clear();
    return kernel_.listen_drops();
  } catch (const std::runtime_error& error) {
    listen_drops_problem_ = error.what();
    return std::nullopt;
  }
}

ListenerSnapshot TcpSource::listeners(Clock::duration peak_window) {
  ListenerSnapshot snapshot = listeners_.report(Clock::now(), peak_window);
  snapshot.problem = listen_drops_problem_;
  return snapshot;
}

void TcpSource::log_kernel_once() {
  if (kernel_logged_) return;
  kernel_logged_ = true;
  const std::string missing = what_is_missing_on(kernel_.release);
  if (!missing.empty()) spdlog::warn("on Linux {}: {}", kernel_.release, missing);
}

void TcpSource::log_method_once() {
  if (method_logged_) return;
  method_logged_ = true;
  spdlog::info(dumper_.method() == TcpDumper::Method::one_walk
                   ? "dumping TCP sockets of both families in one walk (TCPDIAG_GETSOCK)"
                   : "dumping TCP sockets in a walk per family (SOCK_DIAG_BY_FAMILY)");
}

void TcpSource::log_unfollowed(std::uint64_t unfollowed) {
  if (unfollowed > 0) {
    if (std::exchange(samples_until_followed_, kSamplesUntilFollowed) > 0) return;
    spdlog::warn(
        "lifetimes.max_sockets leaves no room: {} sockets in passing states are not followed, "
        "lingering counts and ages are lower bounds",
        unfollowed);
  } else if (samples_until_followed_ > 0 && --samples_until_followed_ == 0) {
    spdlog::info("all sockets in passing states are followed again (lifetimes.max_sockets)");
  }
}

TcpSource kernel_tcp_source(TcpPolicy policy) {
  return {{.open_channel = [] { return open_kernel_channel(kReceiveDeadline); },
           .ephemeral_range = [] { return read_ephemeral_range(); },
           .reserved_ports = [] { return read_reserved_ports(); },
           .total_sockets = [] { return read_sockstat_sockets(); },
           .listen_drops = [] { return sockdiag::read_listen_drops(); },
           .time_wait_length = [] { return read_time_wait_length(); },
           .release = read_kernel_release()},
          std::move(policy)};
}

}  // namespace sockdiag
