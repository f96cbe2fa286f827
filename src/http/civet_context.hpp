// SPDX-License-Identifier: Apache-2.0
#pragma once

// CivetWeb as a library, and one server of it. Both end with the object.

#include <civetweb.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace sockdiag {

// CivetWeb counts how many users it has.
struct CivetLibrary {
  CivetLibrary() noexcept { ::mg_init_library(0); }
  CivetLibrary(const CivetLibrary&) = delete;
  CivetLibrary& operator=(const CivetLibrary&) = delete;
  ~CivetLibrary() { ::mg_exit_library(); }
};

class CivetContext {
 public:
  using Settings = std::vector<std::pair<const char*, std::string>>;

  // Starts a server that listens on `listeners` sockets, all of them among the descriptors below
  // `descriptors_end`. `user` is what mg_get_user_data() returns. Throws std::bad_alloc.
  CivetContext(const mg_callbacks& callbacks, void* user, const Settings& settings,
               std::size_t listeners, int descriptors_end);
  CivetContext(const CivetContext&) = delete;
  CivetContext& operator=(const CivetContext&) = delete;

  // Cuts off what is being sent, and joins all threads. CivetWeb cannot stop without the thread
  // that accepts connections: if that one could not be created, the others stay.
  ~CivetContext();

  [[nodiscard]] bool has_started() const noexcept { return context_ != nullptr; }
  // Returns the port of each listening socket, in the order in which they were configured.
  [[nodiscard]] const std::vector<mg_server_port>& ports() const noexcept { return ports_; }

 private:
  const int descriptors_end_;
  std::vector<mg_server_port> ports_;
  mg_context* context_ = nullptr;
};

}  // namespace sockdiag
