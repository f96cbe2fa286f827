// SPDX-License-Identifier: Apache-2.0
#include "screen.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <iostream>
#include <stdexcept>

namespace sockdiag {
namespace {

constexpr char kEnter[] = "\x1b[?1049h\x1b[?25l";  // the alternate screen, without a cursor
constexpr char kLeave[] = "\x1b[?25h\x1b[?1049l";
constexpr char kCtrlC = 3;

sigset_t handled_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int each : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH}) sigaddset(&signals, each);
  return signals;
}

}  // namespace

Screen::Screen() {
  if (::isatty(STDOUT_FILENO) == 0 || ::tcgetattr(STDIN_FILENO, &before_) != 0) {
    throw std::runtime_error("top: expected a terminal; diagnose prints to files and pipes");
  }
  const sigset_t signals = handled_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signals_ = FileDescriptor(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  termios raw = before_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  std::cout << kEnter << std::flush;
}

Screen::~Screen() {
  std::cout << kLeave << std::flush;
  ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
}

Screen::Size Screen::size() const {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {80, 24};
  return {size.ws_col, size.ws_row};
}

void Screen::draw(const std::vector<std::string>& lines) const {
  std::string picture = "\x1b[H";
  const char* separator = "";
  for (const std::string& line : lines) {
    picture.append(separator).append(line).append("\x1b[K");
    separator = "\r\n";
  }
  std::cout << picture << "\x1b[J" << std::flush;
}

bool Screen::key_leaves() const {
  std::array<char, 64> keys{};
  const ssize_t count = ::read(STDIN_FILENO, keys.data(), keys.size());
  if (count <= 0) return true;  // the terminal is gone
  return std::any_of(keys.begin(), keys.begin() + count,
                     [](char key) { return key == 'q' || key == 'Q' || key == kCtrlC; });
}

std::optional<Screen::Event> Screen::read_signal() {
  signalfd_siginfo info{};
  if (::read(signals_.get(), &info, sizeof info) != sizeof info) return std::nullopt;
  if (info.ssi_signo == SIGWINCH) return Event::resized;
  signal_ = static_cast<int>(info.ssi_signo);
  return Event::left;
}

Screen::Event Screen::wait_until(std::chrono::steady_clock::time_point time) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(time - std::chrono::steady_clock::now());
    std::array<pollfd, 2> ready = {
        {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = signals_.get(), .events = POLLIN}}};
    const int timeout = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1'000'000));
    const int count = ::poll(ready.data(), ready.size(), timeout);
    if (count == 0) return Event::due;
    if (ready[1].revents != 0) {
      if (const auto event = read_signal()) return *event;
    }
    if (ready[0].revents != 0 && key_leaves()) return Event::left;
  }
}

}  // namespace sockdiag
