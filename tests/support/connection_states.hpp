// SPDX-License-Identifier: Apache-2.0
//
// Makes every TCP state for real, on loopback, in whatever network namespace the calling thread is
// in (use NetworkNamespace). States are made, not waited for: each recipe leads the two ends where
// only one state is possible and returns when the kernel says so. Everything throws
// std::system_error or, when a condition does not come true in half a minute, std::runtime_error.
//
// How long they last: TIME_WAIT and the FIN_WAIT2 mini socket 60 s, SYN_RECV and SYN_SENT about
// as long or longer, the others as long as the returned descriptors.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/proc_net_tcp.hpp"
#include "support/subprocess.hpp"

namespace sockdiag::test {

// ---- sockets ----

struct ListenOptions {
  int backlog = 16;
  bool v6only = false;
  bool reuse_port = false;
  int defer_accept_seconds = 0;  // TCP_DEFER_ACCEPT: no child before the first byte
  bool small_windows = false;    // its children take a few kilobytes and no more
};

struct ConnectOptions {
  std::optional<SocketAddress> from{};  // bind to it first
  bool wait = true;                     // until established; otherwise return with the SYN sent
  bool small_windows = false;
};

// The address says the family: one with a colon makes an AF_INET6 socket, "::ffff:127.0.0.1" too.
[[nodiscard]] FileDescriptor listen_on(const SocketAddress& local,
                                       const ListenOptions& options = {});
[[nodiscard]] FileDescriptor connect_to(const SocketAddress& remote,
                                        const ConnectOptions& options = {});
// Bound, neither listening nor connected.
[[nodiscard]] FileDescriptor bind_only(const SocketAddress& local);
[[nodiscard]] FileDescriptor accept_from(const FileDescriptor& listener);

struct Connection {
  FileDescriptor client;
  FileDescriptor server;
};

// Connects, accepts, and waits until both ends are established.
[[nodiscard]] Connection connect_pair(const FileDescriptor& listener, const SocketAddress& remote,
                                      const ConnectOptions& options = {});

void send_bytes(const FileDescriptor& socket, std::size_t count);
// Sends more than a peer with small windows can take: some stays in the send queue for good.
void fill_window(const FileDescriptor& socket);
void end_sending(const FileDescriptor& socket);

[[nodiscard]] std::uint16_t local_port(const FileDescriptor& socket);
[[nodiscard]] TcpState state_of(const FileDescriptor& socket);
[[nodiscard]] std::uint32_t accept_queue_length(const FileDescriptor& listener);
[[nodiscard]] std::uint64_t receive_queue_bytes(const FileDescriptor& socket);

// ---- waiting, always for a condition ----

void wait_until(const std::string& what, const std::function<bool()>& condition);
void wait_for_state(const FileDescriptor& socket, TcpState state);
void wait_for_accept_queue(const FileDescriptor& listener, std::uint32_t length);
void wait_for_receive_queue(const FileDescriptor& socket, std::uint64_t bytes);
// For a socket without a descriptor: until /proc shows this state between the two ports.
void wait_for_row(TcpState state, std::uint16_t from, std::uint16_t to);
// Until /proc shows no socket between the two ports in this order.
void wait_for_no_row(std::uint16_t from, std::uint16_t to);

// ---- states ----

enum class Situation : std::uint8_t {
  listen,
  syn_sent,
  syn_recv,
  established,
  fin_wait1,
  fin_wait2,       // half closed: a full socket
  fin_wait2_mini,  // closed: a mini socket
  time_wait,
  close_wait,
  last_ack,
  closing
};

enum class AddressKind : std::uint8_t {
  ipv4,
  ipv6,
  ipv4_mapped,  // both ends are AF_INET6 sockets and talk IPv4
  dual_stack    // an AF_INET client of an AF_INET6 listener
};

enum class Side : std::uint8_t { client, server };

struct Recipe {
  Situation situation;
  AddressKind kind;
  Side side;  // which end is in the state
};

// A socket in the state, its peer, its listener, and whatever fills the accept queue.
struct MadeSocket {
  Recipe recipe;
  std::uint16_t port = 0;  // the listener's
  std::vector<FileDescriptor> descriptors;
};

[[nodiscard]] TcpState state_of(Situation situation);
[[nodiscard]] std::string to_string(const Recipe& recipe);

// Every state on every side that can have it, in every kind of address.
[[nodiscard]] std::vector<Recipe> all_recipes();

// The listener takes `port`, which must be free in this namespace.
[[nodiscard]] MadeSocket make(const Recipe& recipe, std::uint16_t port);
// All recipes, on consecutive ports.
[[nodiscard]] std::vector<MadeSocket> make_all(std::uint16_t first_port);

}  // namespace sockdiag::test
