// SPDX-License-Identifier: Apache-2.0
#include "acceptor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <new>
#include <string_view>
#include <system_error>
#include <utility>

#include "accepted_socket.hpp"

namespace sockdiag {
namespace {

using namespace std::chrono_literals;

constexpr int kAcceptsInARow = 64;  // then the others have their turn
constexpr auto kPause = 1s;
constexpr auto kBetweenLines = 1min;

constexpr std::array<std::string_view, kRefusedReasons.size()> kWhy = {
    "beyond the limit of one client", "of networks that are not allowed", "because too many wait",
    "because too few file descriptors are left", "without a request"};

[[noreturn]] void throw_errno(const char* what) {
  throw ServeError(std::string("cannot start the server: ") + what + ": " +
                   std::generic_category().message(errno));
}

OwnedDescriptor opened(int descriptor, const char* what) {
  if (descriptor < 0) throw_errno(what);
  return OwnedDescriptor(descriptor);
}

int open_reserve() noexcept { return ::eventfd(0, EFD_CLOEXEC); }

// Writes a line, unless there is no memory for it.
void log(const auto& write) noexcept {
  try {
    write();
  } catch (const std::exception&) {
    return;
  }
}

bool poll_for(int poll, int operation, int descriptor, std::uint32_t events) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.fd = descriptor;
  return ::epoll_ctl(poll, operation, descriptor, &event) == 0;
}

timespec absolute(std::chrono::steady_clock::time_point time) noexcept {
  const auto since = time.time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
  const std::chrono::nanoseconds rest = since - seconds;
  return {.tv_sec = seconds.count(), .tv_nsec = rest.count()};
}

}  // namespace

Acceptor::Acceptor(Options options)
    : options_(std::move(options)),
      poll_(opened(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      timer_(opened(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd")),
      stopping_(opened(::eventfd(0, EFD_CLOEXEC), "eventfd")),
      reserve_(opened(open_reserve(), "eventfd")),
      table_(options_.limits) {
  if (!poll_for(poll_.get(), EPOLL_CTL_ADD, timer_.get(), EPOLLIN) ||
      !poll_for(poll_.get(), EPOLL_CTL_ADD, stopping_.get(), EPOLLIN)) {
    throw_errno("epoll_ctl");
  }
}

// What CivetWeb has not taken by the time that it has ended.
Acceptor::~Acceptor() {
  stop();
  for (const Listener& listener : listeners_) {
    for (const int descriptor : listener.handed) ::close(descriptor);
  }
}

void Acceptor::take_place_of(const std::vector<int>& bound) {
  listeners_.resize(bound.size());
  for (std::size_t i = 0; i < bound.size(); ++i) {
    Listener& listener = listeners_[i];
    listener.handed.reserve(options_.limits.workers);
    listener.hook =
        std::make_unique<AcceptedElsewhere>(bound[i], [this, i] { return next_for_civetweb(i); });
    listener.socket = opened(::fcntl(bound[i], F_DUPFD_CLOEXEC, 0), "fcntl");
    const OwnedDescriptor signal =
        opened(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE), "eventfd");
    if (::dup3(signal.get(), bound[i], O_CLOEXEC) < 0) throw_errno("dup3");
    listener.signal = bound[i];
  }
}

// Makes the calls that the thread and CivetWeb need. One that is denied shows only later, when
// there is nobody to tell.
void Acceptor::check_calls() const {
  epoll_event event{};
  if (::epoll_wait(poll_.get(), &event, 1, 0) < 0 && errno != EINTR) throw_errno("epoll_wait");
  const itimerspec never{};
  if (::timerfd_settime(timer_.get(), 0, &never, nullptr) != 0) throw_errno("timerfd_settime");
  if (::eventfd_write(stopping_.get(), 0) != 0) throw_errno("write");
  if (::poll(nullptr, 0, 0) != 0 && errno != EINTR) throw_errno("poll");
  constexpr int kNone = -1;
  if (::recvfrom(kNone, nullptr, 0, 0, nullptr, nullptr) != 0 && errno != EBADF) {
    throw_errno("recvfrom");
  }
  if (::accept4(kNone, nullptr, nullptr, 0) < 0 && errno != EBADF) throw_errno("accept4");
}

void Acceptor::start() {
  check_calls();
  for (const Listener& listener : listeners_) {
    if (::fcntl(listener.socket.get(), F_SETFL, O_NONBLOCK) != 0) throw_errno("fcntl");
    if (::listen(listener.socket.get(), SOMAXCONN) != 0) throw_errno("listen");
    if (!poll_for(poll_.get(), EPOLL_CTL_ADD, listener.socket.get(), EPOLLIN)) {
      throw_errno("epoll_ctl");
    }
  }
  thread_ = std::thread([this] { run(); });
}

void Acceptor::stop() noexcept {
  if (thread_.joinable()) {
    static_cast<void>(::eventfd_write(stopping_.get(), 1));
    thread_.join();
  }
  for (Listener& listener : listeners_) listener.socket.close();
  const std::lock_guard lock(mutex_);
  if (std::exchange(stopped_, true)) return;  // CivetWeb may have closed its eventfds
  while (const auto descriptor = table_.make_room()) ::close(*descriptor);
  wake_civetweb();
}

// Its thread that accepts connections looks every two seconds whether it is to end. Now it calls
// accept(), which finds nothing, until then.
void Acceptor::wake_civetweb() noexcept {
  for (const Listener& listener : listeners_) {
    if (listener.signal >= 0) static_cast<void>(::eventfd_write(listener.signal, 1));
  }
}

void Acceptor::enter(int descriptor, Phase phase) noexcept {
  const std::lock_guard lock(mutex_);
  const auto now = TimePoint::clock::now();
  table_.enter(descriptor, phase, now);
  if (phase == Phase::idle) hand_over();
  arm(table_.first_deadline());
}

// A worker is about to close the connection. From here on it is not touched.
void Acceptor::remove(int descriptor) noexcept {
  const std::lock_guard lock(mutex_);
  table_.remove(descriptor);
  hand_over();
}

std::optional<AddressBytes> Acceptor::client_of(int descriptor) const noexcept {
  const std::lock_guard lock(mutex_);
  return table_.client_of(descriptor);
}

// Called by the thread of CivetWeb that accepts connections.
int Acceptor::next_for_civetweb(std::size_t listener) noexcept {
  const std::lock_guard lock(mutex_);
  Listener& from = listeners_[listener];
  eventfd_t one = 0;
  if (from.handed.empty() || ::eventfd_read(from.signal, &one) != 0) return -1;
  const int descriptor = from.handed.front();
  from.handed.erase(from.handed.begin());
  return descriptor;
}

void Acceptor::run() noexcept {
  std::array<epoll_event, kAcceptsInARow> events{};
  while (true) {
    const int ready = ::epoll_wait(poll_.get(), events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      const epoll_event& event = events.at(static_cast<std::size_t>(i));
      if (event.data.fd == stopping_.get()) return;
      handle(event.data.fd);
    }
  }
}

void Acceptor::handle(int descriptor) noexcept {
  if (descriptor == timer_.get()) return on_timer();
  const auto listener = std::ranges::find(listeners_, descriptor,
                                          [](const Listener& each) { return each.socket.get(); });
  if (listener == listeners_.end()) return look(descriptor);
  const auto number = static_cast<std::size_t>(listener - listeners_.begin());
  for (int i = 0; i < kAcceptsInARow && accept_one(number); ++i) continue;
}

// Returns false if there is nothing to accept for the moment.
bool Acceptor::accept_one(std::size_t listener) noexcept {
  AcceptedSocket accepted = accept_from(listeners_[listener].socket.get());
  if (!accepted.socket.is_open()) return recover(accepted.problem, listener);
  admit(std::move(accepted.socket), listener, accepted.client);
  return true;
}

// Returns true if accept() may be called again at once.
bool Acceptor::recover(int problem, std::size_t listener) noexcept {
  if (problem == EAGAIN) return false;
  if (is_of_one_connection(problem)) return true;
  if (is_lack_of_descriptors(problem)) {
    problem = accept_with_reserve(listener);
    if (problem == 0) return true;
    if (problem == EAGAIN) return false;
  }
  pause(problem);
  return false;
}

// Accepts with the descriptor that is kept for this, and closes a connection in exchange, so that
// there is one again. Returns 0 or the errno. accept() fails for want of a descriptor before it
// looks whether there is a connection.
int Acceptor::accept_with_reserve(std::size_t listener) noexcept {
  if (!reserve_.is_open()) reserve_ = OwnedDescriptor(open_reserve());
  if (!reserve_.is_open()) return errno;
  reserve_.close();
  auto [socket, client, problem] = accept_from(listeners_[listener].socket.get());
  if (problem == 0) {
    refuse(Refused::descriptors, client);
    if (!close_one_that_waits()) socket.close();
  }
  reserve_ = OwnedDescriptor(open_reserve());
  if (socket.is_open()) admit(std::move(socket), listener, client);
  return problem;
}

bool Acceptor::close_one_that_waits() noexcept {
  const std::lock_guard lock(mutex_);
  const auto descriptor = table_.make_room();
  if (descriptor) ::close(*descriptor);
  return descriptor.has_value();
}

// Leaves connections in the kernel's queue for a while.
void Acceptor::pause(int problem) noexcept {
  const auto now = TimePoint::clock::now();
  if (now >= next_line_) {
    next_line_ = now + kBetweenLines;
    log([&] {
      spdlog::warn("cannot accept connections, trying again each second: {}",
                   std::generic_category().message(problem));
    });
  }
  poll_listeners_for(0);
  resume_at_ = now + kPause;
  const std::lock_guard lock(mutex_);
  arm(resume_at_);
}

void Acceptor::poll_listeners_for(std::uint32_t events) noexcept {
  for (const Listener& listener : listeners_) {
    static_cast<void>(poll_for(poll_.get(), EPOLL_CTL_MOD, listener.socket.get(), events));
  }
}

void Acceptor::admit(OwnedDescriptor socket, std::size_t listener,
                     const AddressBytes& address) noexcept {
  const auto allows = [&](const Network& network) { return network.contains(address); };
  if (!options_.allowed.empty() && std::ranges::none_of(options_.allowed, allows)) {
    return refuse(Refused::network, address);
  }
  const std::lock_guard lock(mutex_);
  if (!make_place_for(address)) return;
  try {
    const auto now = TimePoint::clock::now();
    table_.add({socket.get(), listener}, sockdiag::client_of(address), now);
    arm(now + options_.limits.timeout);
  } catch (const std::bad_alloc&) {
    return;  // closes it
  }
  const int descriptor = socket.release();
  if (has_arrived(descriptor)) {
    request_has_arrived(descriptor);
  } else if (!poll_for(poll_.get(), EPOLL_CTL_ADD, descriptor, EPOLLIN | EPOLLRDHUP | EPOLLET)) {
    close_silent(descriptor);
  }
}

// Returns false if the client has to be refused.
bool Acceptor::make_place_for(const AddressBytes& address) noexcept {
  const auto before = table_.waiting();
  const auto admission = table_.admit(sockdiag::client_of(address), TimePoint::clock::now());
  if (admission.close) ::close(*admission.close);
  if (admission.release) ::shutdown(*admission.release, SHUT_RD);
  if (admission.admitted && !admission.close) return true;
  refuse(before >= options_.limits.waiting ? Refused::crowd : Refused::client, address);
  return admission.admitted;
}

// Looks whether the request of a connection has arrived, or its client has gone. Asks the kernel
// anew: the event may be of a connection that was closed since, with the same descriptor.
void Acceptor::look(int descriptor) noexcept {
  const std::lock_guard lock(mutex_);
  if (table_.phase_of(descriptor) != Phase::silent) return;
  const bool arrived = has_arrived(descriptor);
  if (!arrived && !has_ended(descriptor)) return;
  const bool something = peeked_ > 0;
  if (!arrived && !something) return close_silent(descriptor);
  static_cast<void>(poll_for(poll_.get(), EPOLL_CTL_DEL, descriptor, 0));
  request_has_arrived(descriptor);
}

bool Acceptor::has_arrived(int descriptor) noexcept {
  peeked_ = ::recvfrom(descriptor, bytes_.data(), bytes_.size(), MSG_PEEK, nullptr, nullptr);
  if (peeked_ <= 0) return false;
  const std::string_view bytes(bytes_.data(), static_cast<std::size_t>(peeked_));
  const bool arrived = options_.tls ? hello_has_arrived(bytes) : head_has_arrived(bytes);
  ::explicit_bzero(bytes_.data(), bytes.size());  // there may be a password in it
  return arrived;
}

void Acceptor::close_silent(int descriptor) noexcept {
  table_.remove(descriptor);
  ::close(descriptor);
}

void Acceptor::request_has_arrived(int descriptor) noexcept {
  table_.enter(descriptor, Phase::ready, TimePoint::clock::now());
  hand_over();
}

// Never hands over more than workers are free, so that CivetWeb takes each at once.
void Acceptor::hand_over() noexcept {
  if (stopped_) return;
  const auto now = TimePoint::clock::now();
  while (const auto connection = table_.hand_over(now)) {
    Listener& listener = listeners_[connection->listener];
    listener.handed.push_back(connection->descriptor);
    static_cast<void>(::eventfd_write(listener.signal, 1));
  }
  if (const auto idle = table_.release_for_ready(now)) ::shutdown(*idle, SHUT_RD);
}

void Acceptor::on_timer() noexcept {
  std::uint64_t expirations = 0;
  // Nothing to read is no error: the timer was set anew since. A cast to void would not do for GCC.
  [[maybe_unused]] const auto read = ::read(timer_.get(), &expirations, sizeof expirations);
  const auto now = TimePoint::clock::now();
  if (resume_at_ <= now) {
    resume_at_ = TimePoint::max();
    poll_listeners_for(EPOLLIN);
  }
  const std::lock_guard lock(mutex_);
  armed_ = TimePoint::max();
  while (const auto overdue = table_.next_overdue(now)) end(*overdue);
  arm(std::min(resume_at_, table_.first_deadline()));
}

// CivetWeb answers what it has read of a request when no more comes. Its workers close the
// descriptors that they have.
void Acceptor::end(const ConnectionTable::Overdue& overdue) noexcept {
  if (overdue.phase == Phase::silent) {
    options_.on_refused(Refused::silence);
    close_silent(overdue.descriptor);
  } else if (overdue.phase == Phase::reading) {
    ::shutdown(overdue.descriptor, SHUT_RD);
  } else {
    close_with_reset(overdue.descriptor);
    ::shutdown(overdue.descriptor, SHUT_RDWR);
  }
}

// Wakes the thread no later than at the deadline.
void Acceptor::arm(TimePoint deadline) noexcept {
  if (deadline >= armed_) return;
  armed_ = deadline;
  itimerspec timer{};
  timer.it_value = absolute(deadline);
  static_cast<void>(::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &timer, nullptr));
}

void Acceptor::refuse(Refused why, const AddressBytes& client) noexcept {
  options_.on_refused(why);
  const auto count = lines_.count(why, TimePoint::clock::now());
  if (!count) return;
  log([&] {
    spdlog::warn("closed connections {}: {}, the last of {}",
                 kWhy.at(static_cast<std::size_t>(why)), *count, to_string(client));
  });
}

}  // namespace sockdiag
