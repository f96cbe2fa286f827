// SPDX-License-Identifier: Apache-2.0
#include "support/connection_states.hpp"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace sockdiag::test {
namespace {

constexpr std::chrono::seconds kDeadline{30};
constexpr int kSmallReceiveBuffer = 4096;
constexpr int kLargeSendBuffer = 200'000;
constexpr std::size_t kMoreThanSmallWindow = 100'000;
constexpr int kDeferSeconds = 100;

int check(int result, const std::string& what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

// ---- addresses ----

struct RawAddress {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

template <typename Address>
RawAddress to_raw(const Address& address) {
  RawAddress raw;
  std::memcpy(&raw.storage, &address, sizeof(address));
  raw.length = sizeof(address);
  return raw;
}

RawAddress to_raw(const SocketAddress& address) {
  if (address.address.find(':') == std::string::npos) {
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(address.port);
    check(::inet_pton(AF_INET, address.address.c_str(), &ipv4.sin_addr) - 1, address.address);
    return to_raw(ipv4);
  }
  sockaddr_in6 ipv6{};
  ipv6.sin6_family = AF_INET6;
  ipv6.sin6_port = htons(address.port);
  check(::inet_pton(AF_INET6, address.address.c_str(), &ipv6.sin6_addr) - 1, address.address);
  return to_raw(ipv6);
}

// ---- sockets ----

FileDescriptor open_socket(const RawAddress& address) {
  return FileDescriptor(
      check(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
}

void set_option(const FileDescriptor& socket, int level, int option, int value) {
  check(::setsockopt(socket.get(), level, option, &value, sizeof(value)), "setsockopt");
}

// A window is agreed on in the handshake, so buffers are set before it.
void use_small_windows(const FileDescriptor& socket) {
  set_option(socket, SOL_SOCKET, SO_RCVBUF, kSmallReceiveBuffer);
  set_option(socket, SOL_SOCKET, SO_SNDBUF, kLargeSendBuffer);
}

void set_blocking(const FileDescriptor& socket, bool blocking) {
  int non_blocking = blocking ? 0 : 1;
  check(::ioctl(socket.get(), FIONBIO, &non_blocking), "FIONBIO");
}

void bind_to(const FileDescriptor& socket, const SocketAddress& local) {
  const RawAddress address = to_raw(local);
  set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1);
  check(::bind(socket.get(), address.get(), address.length), "bind to " + local.address);
}

void start_connecting(const FileDescriptor& socket, const RawAddress& address) {
  set_blocking(socket, false);
  if (::connect(socket.get(), address.get(), address.length) < 0 && errno != EINPROGRESS) {
    check(-1, "connect");
  }
  set_blocking(socket, true);
}

void wait_readable(const FileDescriptor& socket, const std::string& what) {
  pollfd waiting{socket.get(), POLLIN, 0};
  const auto deadline = std::chrono::milliseconds(kDeadline).count();
  if (::poll(&waiting, 1, static_cast<int>(deadline)) != 1) {
    throw std::runtime_error("nothing came: " + what);
  }
}

tcp_info read_tcp_info(const FileDescriptor& socket) {
  tcp_info info{};
  socklen_t length = sizeof(info);
  check(::getsockopt(socket.get(), IPPROTO_TCP, TCP_INFO, &info, &length), "TCP_INFO");
  return info;
}

bool row_exists(std::uint16_t from, std::uint16_t to, std::optional<TcpState> state) {
  const std::vector<SocketRow> rows = read_proc_net_tcp();
  return std::any_of(rows.begin(), rows.end(), [&](const SocketRow& row) {
    return row.local.port == from && row.remote.port == to && (!state || row.state == *state);
  });
}

// ---- recipes ----

struct KindAddresses {
  AddressKind kind;
  std::string_view name;
  const char* listener;  // what the listener is bound to
  const char* target;    // what the client connects to
};

constexpr KindAddresses kKindAddresses[] = {
    {AddressKind::ipv4, "IPv4", "127.0.0.1", "127.0.0.1"},
    {AddressKind::ipv6, "IPv6", "::1", "::1"},
    {AddressKind::ipv4_mapped, "IPv4-mapped", "::", "::ffff:127.0.0.1"},
    {AddressKind::dual_stack, "IPv4 on a dual-stack listener", "::", "127.0.0.1"},
};

const KindAddresses& addresses_of(AddressKind kind) {
  return *std::find_if(std::begin(kKindAddresses), std::end(kKindAddresses),
                       [&](const KindAddresses& row) { return row.kind == kind; });
}

// A connection seen from the end that shall get the state.
struct Ends {
  FileDescriptor listener;
  FileDescriptor here;
  FileDescriptor there;
  std::uint16_t here_port = 0;
  std::uint16_t there_port = 0;
};

FileDescriptor listen_for(const Recipe& recipe, std::uint16_t port, const ListenOptions& options) {
  return listen_on({addresses_of(recipe.kind).listener, port}, options);
}

SocketAddress target_of(const Recipe& recipe, std::uint16_t port) {
  return {addresses_of(recipe.kind).target, port};
}

Ends connect_ends(const Recipe& recipe, std::uint16_t port, bool small_windows) {
  Ends ends;
  ends.listener = listen_for(recipe, port, {.small_windows = small_windows});
  Connection connection =
      connect_pair(ends.listener, target_of(recipe, port), {.small_windows = small_windows});
  const bool client = recipe.side == Side::client;
  ends.here = std::move(client ? connection.client : connection.server);
  ends.there = std::move(client ? connection.server : connection.client);
  ends.here_port = local_port(ends.here);
  ends.there_port = local_port(ends.there);
  return ends;
}

std::vector<FileDescriptor> keep(Ends ends) {
  std::vector<FileDescriptor> descriptors;
  descriptors.push_back(std::move(ends.listener));
  descriptors.push_back(std::move(ends.here));
  descriptors.push_back(std::move(ends.there));
  return descriptors;
}

std::vector<FileDescriptor> make_listen(const Recipe& recipe, std::uint16_t port) {
  std::vector<FileDescriptor> descriptors;
  descriptors.push_back(listen_for(recipe, port, {}));
  return descriptors;
}

// A listener whose accept queue is full drops the SYN. With backlog 0 one connection fills it.
std::vector<FileDescriptor> make_syn_sent(const Recipe& recipe, std::uint16_t port) {
  std::vector<FileDescriptor> descriptors;
  descriptors.push_back(listen_for(recipe, port, {.backlog = 0}));
  descriptors.push_back(connect_to(target_of(recipe, port)));
  wait_for_accept_queue(descriptors.front(), 1);
  descriptors.push_back(connect_to(target_of(recipe, port), {.wait = false}));
  wait_for_state(descriptors.back(), TcpState::syn_sent);
  return descriptors;
}

// The client is established; the listener keeps a request socket until the first byte comes.
std::vector<FileDescriptor> make_syn_recv(const Recipe& recipe, std::uint16_t port) {
  std::vector<FileDescriptor> descriptors;
  descriptors.push_back(listen_for(recipe, port, {.defer_accept_seconds = kDeferSeconds}));
  descriptors.push_back(connect_to(target_of(recipe, port)));
  wait_for_row(TcpState::syn_recv, port, local_port(descriptors.back()));
  return descriptors;
}

std::vector<FileDescriptor> make_established(const Recipe& recipe, std::uint16_t port) {
  return keep(connect_ends(recipe, port, false));
}

// The FIN waits behind data that the peer's window never lets out.
Ends reach_fin_wait1(const Recipe& recipe, std::uint16_t port) {
  Ends ends = connect_ends(recipe, port, true);
  fill_window(ends.here);
  end_sending(ends.here);
  wait_for_state(ends.here, TcpState::fin_wait1);
  return ends;
}

std::vector<FileDescriptor> make_fin_wait1(const Recipe& recipe, std::uint16_t port) {
  return keep(reach_fin_wait1(recipe, port));
}

// Our FIN is not acknowledged, because it was never sent; the peer's arrives.
std::vector<FileDescriptor> make_closing(const Recipe& recipe, std::uint16_t port) {
  Ends ends = reach_fin_wait1(recipe, port);
  end_sending(ends.there);
  wait_for_state(ends.here, TcpState::closing);
  wait_for_state(ends.there, TcpState::fin_wait2);
  return keep(std::move(ends));
}

Ends reach_fin_wait2(const Recipe& recipe, std::uint16_t port) {
  Ends ends = connect_ends(recipe, port, false);
  end_sending(ends.here);
  wait_for_state(ends.here, TcpState::fin_wait2);
  wait_for_state(ends.there, TcpState::close_wait);
  return ends;
}

std::vector<FileDescriptor> make_fin_wait2(const Recipe& recipe, std::uint16_t port) {
  return keep(reach_fin_wait2(recipe, port));
}

std::vector<FileDescriptor> make_fin_wait2_mini(const Recipe& recipe, std::uint16_t port) {
  Ends ends = reach_fin_wait2(recipe, port);
  ends.here.close();
  wait_for_row(TcpState::fin_wait2, ends.here_port, ends.there_port);
  return keep(std::move(ends));
}

std::vector<FileDescriptor> make_time_wait(const Recipe& recipe, std::uint16_t port) {
  Ends ends = reach_fin_wait2(recipe, port);
  ends.there.close();
  wait_for_row(TcpState::time_wait, ends.here_port, ends.there_port);
  wait_for_no_row(ends.there_port, ends.here_port);
  ends.here.close();
  return keep(std::move(ends));
}

Ends reach_close_wait(const Recipe& recipe, std::uint16_t port, bool small_windows) {
  Ends ends = connect_ends(recipe, port, small_windows);
  end_sending(ends.there);
  wait_for_state(ends.here, TcpState::close_wait);
  wait_for_state(ends.there, TcpState::fin_wait2);
  return ends;
}

std::vector<FileDescriptor> make_close_wait(const Recipe& recipe, std::uint16_t port) {
  return keep(reach_close_wait(recipe, port, false));
}

// Closed for good, but the FIN waits behind data as in FIN_WAIT1.
std::vector<FileDescriptor> make_last_ack(const Recipe& recipe, std::uint16_t port) {
  Ends ends = reach_close_wait(recipe, port, true);
  fill_window(ends.here);
  ends.here.close();
  wait_for_row(TcpState::last_ack, ends.here_port, ends.there_port);
  return keep(std::move(ends));
}

struct SituationRow {
  Situation situation;
  TcpState state;
  std::string_view name;
  bool on_client;
  bool on_server;
  std::vector<FileDescriptor> (*make)(const Recipe&, std::uint16_t);
};

constexpr SituationRow kSituations[] = {
    {Situation::listen, TcpState::listen, "LISTEN", false, true, make_listen},
    {Situation::syn_sent, TcpState::syn_sent, "SYN_SENT", true, false, make_syn_sent},
    {Situation::syn_recv, TcpState::syn_recv, "SYN_RECV", false, true, make_syn_recv},
    {Situation::established, TcpState::established, "ESTABLISHED", true, true, make_established},
    {Situation::fin_wait1, TcpState::fin_wait1, "FIN_WAIT1", true, true, make_fin_wait1},
    {Situation::fin_wait2, TcpState::fin_wait2, "FIN_WAIT2", true, true, make_fin_wait2},
    {Situation::fin_wait2_mini, TcpState::fin_wait2, "FIN_WAIT2 (closed)", true, true,
     make_fin_wait2_mini},
    {Situation::time_wait, TcpState::time_wait, "TIME_WAIT", true, true, make_time_wait},
    {Situation::close_wait, TcpState::close_wait, "CLOSE_WAIT", true, true, make_close_wait},
    {Situation::last_ack, TcpState::last_ack, "LAST_ACK", true, true, make_last_ack},
    {Situation::closing, TcpState::closing, "CLOSING", true, true, make_closing},
};

const SituationRow& row_of(Situation situation) {
  return *std::find_if(std::begin(kSituations), std::end(kSituations),
                       [&](const SituationRow& row) { return row.situation == situation; });
}

}  // namespace

FileDescriptor listen_on(const SocketAddress& local, const ListenOptions& options) {
  const RawAddress address = to_raw(local);
  FileDescriptor socket = open_socket(address);
  if (address.storage.ss_family == AF_INET6) {
    set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, options.v6only ? 1 : 0);
  }
  if (options.reuse_port) set_option(socket, SOL_SOCKET, SO_REUSEPORT, 1);
  if (options.small_windows) use_small_windows(socket);
  if (options.defer_accept_seconds > 0) {
    set_option(socket, IPPROTO_TCP, TCP_DEFER_ACCEPT, options.defer_accept_seconds);
  }
  bind_to(socket, local);
  check(::listen(socket.get(), options.backlog), "listen");
  return socket;
}

FileDescriptor connect_to(const SocketAddress& remote, const ConnectOptions& options) {
  const RawAddress address = to_raw(remote);
  FileDescriptor socket = open_socket(address);
  if (options.small_windows) use_small_windows(socket);
  if (options.from) bind_to(socket, *options.from);
  start_connecting(socket, address);
  if (options.wait) wait_for_state(socket, TcpState::established);
  return socket;
}

FileDescriptor bind_only(const SocketAddress& local) {
  FileDescriptor socket = open_socket(to_raw(local));
  bind_to(socket, local);
  return socket;
}

FileDescriptor accept_from(const FileDescriptor& listener) {
  wait_readable(listener, "a connection to accept");
  return FileDescriptor(check(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC), "accept"));
}

Connection connect_pair(const FileDescriptor& listener, const SocketAddress& remote,
                        const ConnectOptions& options) {
  Connection connection;
  connection.client = connect_to(remote, options);
  connection.server = accept_from(listener);
  wait_for_state(connection.server, TcpState::established);
  return connection;
}

void send_bytes(const FileDescriptor& socket, std::size_t count) {
  const std::vector<char> bytes(count, 'x');
  const ssize_t sent =
      ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) check(-1, "send");
  if (static_cast<std::size_t>(sent) != count) {
    throw std::runtime_error("the send buffer took only " + std::to_string(sent) + " bytes");
  }
}

void fill_window(const FileDescriptor& socket) { send_bytes(socket, kMoreThanSmallWindow); }

void end_sending(const FileDescriptor& socket) {
  check(::shutdown(socket.get(), SHUT_WR), "shutdown");
}

std::uint16_t local_port(const FileDescriptor& socket) {
  RawAddress address;
  check(::getsockname(socket.get(), address.get(), &address.length), "getsockname");
  sockaddr_in ipv4{};  // the port is in the same place in sockaddr_in6
  std::memcpy(&ipv4, &address.storage, sizeof(ipv4));
  return ntohs(ipv4.sin_port);
}

TcpState state_of(const FileDescriptor& socket) {
  return static_cast<TcpState>(read_tcp_info(socket).tcpi_state);
}

// Of a listener the kernel puts its queue in this field.
std::uint32_t accept_queue_length(const FileDescriptor& listener) {
  return read_tcp_info(listener).tcpi_unacked;
}

std::uint64_t receive_queue_bytes(const FileDescriptor& socket) {
  int bytes = 0;
  check(::ioctl(socket.get(), SIOCINQ, &bytes), "SIOCINQ");
  return static_cast<std::uint64_t>(bytes);
}

void wait_until(const std::string& what, const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("waited in vain for " + what);
    }
    ::poll(nullptr, 0, 1);  // between two looks
  }
}

void wait_for_state(const FileDescriptor& socket, TcpState state) {
  wait_until(name(state), [&] { return state_of(socket) == state; });
}

void wait_for_accept_queue(const FileDescriptor& listener, std::uint32_t length) {
  wait_until("an accept queue of " + std::to_string(length),
             [&] { return accept_queue_length(listener) == length; });
}

void wait_for_receive_queue(const FileDescriptor& socket, std::uint64_t bytes) {
  wait_until("a receive queue of " + std::to_string(bytes),
             [&] { return receive_queue_bytes(socket) == bytes; });
}

void wait_for_row(TcpState state, std::uint16_t from, std::uint16_t to) {
  wait_until(name(state) + " in /proc", [&] { return row_exists(from, to, state); });
}

void wait_for_no_row(std::uint16_t from, std::uint16_t to) {
  wait_until("a socket to go", [&] { return !row_exists(from, to, std::nullopt); });
}

TcpState state_of(Situation situation) { return row_of(situation).state; }

std::string to_string(const Recipe& recipe) {
  return std::string(row_of(recipe.situation).name) + ", " +
         std::string(addresses_of(recipe.kind).name) +
         (recipe.side == Side::client ? ", client" : ", server");
}

std::vector<Recipe> all_recipes() {
  std::vector<Recipe> recipes;
  for (const SituationRow& row : kSituations) {
    for (const KindAddresses& kind : kKindAddresses) {
      if (row.on_client) recipes.push_back({row.situation, kind.kind, Side::client});
      if (row.on_server) recipes.push_back({row.situation, kind.kind, Side::server});
    }
  }
  return recipes;
}

MadeSocket make(const Recipe& recipe, std::uint16_t port) {
  return {recipe, port, row_of(recipe.situation).make(recipe, port)};
}

std::vector<MadeSocket> make_all(std::uint16_t first_port) {
  std::vector<MadeSocket> made;
  std::uint16_t port = first_port;
  for (const Recipe& recipe : all_recipes()) made.push_back(make(recipe, port++));
  return made;
}

}  // namespace sockdiag::test
