// SPDX-License-Identifier: Apache-2.0
#pragma once

// A terminal that shows one picture after another, and the key or signal that ends them. Plain
// escape sequences that all terminals of today know (ECMA-48, xterm). Not thread-safe.

#include <termios.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "sockdiag/core/file_descriptor.hpp"

namespace sockdiag {

class Screen {
 public:
  struct Size {
    std::size_t columns;
    std::size_t rows;
  };
  enum class Event { due, resized, left };

  // Takes over the terminal, and blocks SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGWINCH. Throws
  // std::runtime_error if standard input or output is none.
  Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  ~Screen();  // gives it back as it was

  [[nodiscard]] Size size() const;
  void draw(const std::vector<std::string>& lines) const;

  // Returns at that time, or before it on a change of the size, or on q, Ctrl-C or a signal.
  [[nodiscard]] Event wait_until(std::chrono::steady_clock::time_point time);

  // Returns the signal that ended it, 0 for a key.
  [[nodiscard]] int signal() const noexcept { return signal_; }

 private:
  [[nodiscard]] bool key_leaves() const;
  [[nodiscard]] std::optional<Event> read_signal();

  termios before_{};
  FileDescriptor signals_;
  int signal_ = 0;
};

}  // namespace sockdiag
