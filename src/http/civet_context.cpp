// SPDX-License-Identifier: Apache-2.0
#include "civet_context.hpp"

#include "civet_sockets.hpp"

namespace sockdiag {

CivetContext::CivetContext(const mg_callbacks& callbacks, void* user, const Settings& settings,
                           std::size_t listeners, int descriptors_end)
    : descriptors_end_(descriptors_end), ports_(listeners) {
  std::vector<const char*> flat;
  for (const auto& [name, value] : settings) flat.insert(flat.end(), {name, value.c_str()});
  flat.push_back(nullptr);
  context_ = ::mg_start(&callbacks, user, flat.data());
  if (context_ == nullptr) return;
  ::mg_get_server_ports(context_, static_cast<int>(listeners), ports_.data());
}

CivetContext::~CivetContext() {
  for (const mg_server_port& port : ports_) stop_listening(port.port, descriptors_end_);
  ::mg_stop(context_);
}

}  // namespace sockdiag
