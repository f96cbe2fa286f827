// SPDX-License-Identifier: Apache-2.0
#pragma once

// The sockets of one other network namespace, and what is remembered of them between visits. Dumps
// them through descriptors that another process opens there, since the exporter may not. Keeps none
// between visits, since an open one would keep the namespace alive. Not thread-safe.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "sockdiag/core/policy.hpp"
#include "sockdiag/netlink/channel.hpp"
#include "sockdiag/tally/tally_scratch.hpp"
#include "tcp_tables.hpp"

namespace sockdiag {

// The process through which a namespace is visited.
struct NamespaceEntry {
  std::filesystem::path process;  // its folder below /proc
  std::int32_t pid = 0;
  std::uint64_t inode = 0;  // of its net/tcp
};

struct OpenedNamespace {
  std::unique_ptr<Channel> channel;
  std::optional<std::uint64_t> cookie{};  // of the namespace; nothing if the kernel has none
};

// Throws std::runtime_error.
using OpenNamespace = std::function<OpenedNamespace(const NamespaceEntry&)>;

class NamespaceSockets {
 public:
  explicit NamespaceSockets(std::shared_ptr<TallyScratch> scratch)
      : scratch_(std::move(scratch)), tables_(make_tables()) {}
  NamespaceSockets(const NamespaceSockets&) = delete;
  NamespaceSockets& operator=(const NamespaceSockets&) = delete;

  // Dumps all sockets, then the listeners alone. Forgets what it remembers if `entry` turns out to
  // be another namespace than before. Throws what `open` and reading the kernel throw.
  void visit(const NamespaceEntry& entry, const Policies& policies, const OpenNamespace& open);

  // What the last good visit came to; null before the first.
  [[nodiscard]] const std::shared_ptr<const TcpSnapshot>& sockets() const noexcept {
    return tables_->sockets();
  }
  [[nodiscard]] const std::shared_ptr<const ListenerSnapshot>& listeners() const noexcept {
    return tables_->listeners();
  }

 private:
  [[nodiscard]] std::unique_ptr<TcpTables> make_tables();
  [[nodiscard]] std::unique_ptr<Channel> next_channel();

  std::shared_ptr<TallyScratch> scratch_;
  std::optional<std::uint64_t> cookie_;  // of the namespace that `tables_` remembers
  std::unique_ptr<TcpTables> tables_;
  // While a visit is under way.
  const NamespaceEntry* entry_ = nullptr;
  const OpenNamespace* open_ = nullptr;
  OpenedNamespace opened_;  // for the first dump
};

}  // namespace sockdiag
