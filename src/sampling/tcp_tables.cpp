// SPDX-License-Identifier: Apache-2.0
#include "tcp_tables.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace sockdiag {
namespace {

using Clock = std::chrono::steady_clock;
using Total = std::optional<std::uint64_t>;

// Around the limit, one line for all its ups and downs.
constexpr unsigned kSamplesUntilFollowed = 10;

// One more walk of the kernel's table each time: for a pile, and seldom.
constexpr std::uint32_t kPile = 10;
constexpr std::chrono::seconds kServedFor{30};

bool has_pile(const DirectionCounts& counts) {
  constexpr std::size_t kNotClosed = index_of(CloseWaitCause::not_closed);
  constexpr std::size_t kCloseWait = passing_index_of(TcpState::close_wait);
  const auto is_pile = [](const PortCounts& port) {
    return port.close_wait_causes[kNotClosed] >= kPile && port.stays[kCloseWait].lingering >= kPile;
  };
  return is_pile(counts.other) || std::any_of(counts.ports.begin(), counts.ports.end(), is_pile);
}

// How far `counted` is outside of the totals read before and after it.
std::optional<std::int64_t> unaccounted(Total before, Total after, std::uint64_t counted) {
  if (!before || !after) return std::nullopt;
  const auto [low, high] = std::minmax(*before, *after);
  return static_cast<std::int64_t>(std::clamp(counted, low, high) - counted);
}

}  // namespace

TcpTables::TcpTables(Kernel kernel, std::shared_ptr<KernelFiles> files,
                     std::shared_ptr<TallyScratch> scratch, NetworkKind kind)
    : kind_(kind),
      listen_drops_(std::move(kernel.listen_drops)),
      release_(std::move(kernel.release)),
      files_(std::move(files)),
      traits_(kernel_traits(release_)),
      dumper_(std::move(kernel.open_channel)),
      tally_(std::move(scratch), {}, kind) {}

SampleResult TcpTables::sample(const TcpPolicy& policy, Duration peak_window) {
  if (policy != tally_.policy()) tally_.set_policy(policy);
  log_kernel_once();
  files_->begin_dump();
  if (!dated_) date_close_waits();
  look_for_served();
  const Total before = files_->total_sockets();
  TcpSnapshot snapshot = dump_all();
  const Total after = files_->total_sockets();
  snapshot.unique_cookies = traits_.unique_cookies;
  if (traits_.time_waits_by_namespace) {
    snapshot.unaccounted_sockets =
        unaccounted(before, after, snapshot.sockets - snapshot.request_sockets);
  }
  watch_.record_seen(snapshot.of(Direction::inbound), tally_.listening_ports(), Clock::now());
  log_method_once();
  if (traits_.unique_cookies) log_unfollowed(snapshot.unfollowed_sockets);
  auto sockets = std::make_shared<const TcpSnapshot>(std::move(snapshot));
  if (listeners_ != nullptr) report_listeners(peak_window);
  sockets_ = std::move(sockets);  // last: a sample that throws changes nothing
  return {};
}

void TcpTables::date_close_waits() {
  dumper_.dump_close_waits(
      [this](const SocketRecord& record) { tally_.date(record, Clock::now()); });
  dated_ = true;
}

// Half-closed connections that still take an answer look like leaked ones, but for the peer's
// acknowledgements.
void TcpTables::look_for_served() {
  if (sockets_ == nullptr || !traits_.unique_cookies) return;
  const auto& directions = sockets_->directions;
  if (std::none_of(directions.begin(), directions.end(), has_pile)) {
    tally_.forget_served();
    served_at_ = {};
    return;
  }
  if (served_at_ != Clock::time_point{} && Clock::now() - served_at_ < kServedFor) return;
  tally_.forget_served();
  dumper_.dump_close_waits([this](const SocketRecord& record) { tally_.add_served(record); });
  served_at_ = Clock::now();
}

EphemeralPorts TcpTables::ephemeral_ports() {
  const auto range = files_->ephemeral_range();
  const auto reserved = files_->reserved_ports();
  if (!range) return {last_range_, std::nullopt};
  last_range_ = *range;
  return {*range, reserved};
}

TcpSnapshot TcpTables::dump_all() {
  dump_to_tally();
  if (!std::exchange(knows_services_, true) && tally_.learn_services()) dump_to_tally();
  return tally_.finish(Clock::now());
}

void TcpTables::dump_to_tally() {
  const auto length = files_->time_wait_length().value_or(TimeWaitStarts::kLength);
  tally_.begin(ephemeral_ports(), Clock::now(), length);
  dumper_.dump_all([this](const SocketRecord& record) { tally_.add(record); });
}

SampleResult TcpTables::poll_listeners(Duration peak_window) {
  if (sockets_ == nullptr) return {.attempted = false};
  if (!poll_once()) static_cast<void>(poll_once());
  report_listeners(peak_window);
  return {true, listen_drops_problem_};
}

// Listeners are polled often and rarely change: values that stay keep their text.
void TcpTables::report_listeners(Duration peak_window) {
  ListenerSnapshot snapshot = watch_.report(Clock::now(), peak_window);
  if (listeners_ != nullptr && *listeners_ == snapshot) return;
  listeners_ = std::make_shared<const ListenerSnapshot>(std::move(snapshot));
}

bool TcpTables::poll_once() {
  const auto now = Clock::now();
  const auto read = [this] { return read_listen_drops(); };
  watch_.begin(now, read);
  dumper_.dump_listeners([&](const SocketRecord& record) {
    watch_.add(record);
    tally_.add_polled(record, now);
  });
  return watch_.finish(Clock::now(), read);
}

ListenerWatch::ListenDrops TcpTables::read_listen_drops() {
  if (!traits_.listener_drops) return std::nullopt;
  try {
    listen_drops_problem_.clear();
    return listen_drops_();
  } catch (const std::runtime_error& error) {
    listen_drops_problem_ = error.what();
    return std::nullopt;
  }
}

void TcpTables::log_kernel_once() {
  if (kind_ != NetworkKind::own || std::exchange(kernel_logged_, true)) return;
  const std::string missing = what_is_missing_on(release_);
  if (!missing.empty()) spdlog::warn("on Linux {}: {}", release_, missing);
}

void TcpTables::log_method_once() {
  if (kind_ != NetworkKind::own || std::exchange(method_logged_, true)) return;
  spdlog::info(dumper_.method() == TcpDumper::Method::one_walk
                   ? "dumping TCP sockets of both families in one walk (TCPDIAG_GETSOCK)"
                   : "dumping TCP sockets in a walk per family (SOCK_DIAG_BY_FAMILY)");
}

void TcpTables::log_unfollowed(std::uint64_t unfollowed) {
  if (kind_ != NetworkKind::own) return;
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

}  // namespace sockdiag
