// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/service/signals.hpp"

#include <semaphore.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <initializer_list>

namespace sockdiag {
namespace {

sem_t arrived;
std::atomic<int> ending = 0;  // the signal that ends the process
std::atomic<int> status_at_end = EXIT_SUCCESS;
static_assert(std::atomic<int>::is_always_lock_free, "signal handlers use it");

sigset_t set_of(std::initializer_list<int> numbers) noexcept {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int each : numbers) sigaddset(&signals, each);
  return signals;
}

void leave(int /*signal*/) { ::_exit(status_at_end.load()); }

// A dump, a read or a write that hangs cannot be interrupted, and supervisors do not wait. Nothing
// is lost by leaving it.
void leave_within_two_seconds() noexcept {
  const itimerval timer{.it_interval = {}, .it_value = {.tv_sec = 1, .tv_usec = 800'000}};
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

// A second signal does not restart the two seconds.
void on_end(int signal) {
  const int error = errno;
  int none = 0;
  if (ending.compare_exchange_strong(none, signal)) leave_within_two_seconds();
  ::sem_post(&arrived);
  errno = error;
}

void on_reload(int /*signal*/) {
  const int error = errno;
  ::sem_post(&arrived);
  errno = error;
}

// Interrupted system calls are restarted.
void set_handler(int signal, void (*handler)(int)) noexcept {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

HeldSignals::HeldSignals() noexcept {
  const sigset_t signals = set_of({SIGHUP, SIGINT, SIGTERM});
  ::pthread_sigmask(SIG_BLOCK, &signals, &before_);
}

void HeldSignals::release() noexcept { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

void handle_signals() noexcept {
  ::sem_init(&arrived, 0, 0);
  set_handler(SIGPIPE, SIG_IGN);
  set_handler(SIGALRM, leave);
  set_handler(SIGHUP, on_reload);
  for (const int each : {SIGINT, SIGTERM}) set_handler(each, on_end);
  // The parent process may have blocked them.
  const sigset_t signals = set_of({SIGALRM, SIGHUP, SIGINT, SIGTERM});
  ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

void end_within_two_seconds(int status) noexcept {
  status_at_end = status;
  leave_within_two_seconds();
}

int wait_for_signal() noexcept {
  while (::sem_wait(&arrived) != 0) {  // interrupted by the signal itself
  }
  const int signal = ending.load();
  return signal != 0 ? signal : SIGHUP;
}

}  // namespace sockdiag
