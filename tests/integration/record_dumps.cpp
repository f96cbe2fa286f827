// SPDX-License-Identifier: Apache-2.0
//
// Makes the recorded dumps of tests/data again (`integration_tests '[record]'`, hidden otherwise)
// and checks that the ones there are still what ss says of them. tests/data/README.md explains
// the files. The dumps of both families are asked for here, with a request written for this file
// alone; the dumps of one family are asked for by ss.
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <future>
#include <sstream>
#include <system_error>

#include "support/catch.hpp"
#include "support/connection_states.hpp"
#include "support/network_namespace.hpp"

namespace sockdiag::test {
namespace {

constexpr std::uint32_t kAllStates = 0xfff;
constexpr std::array<const char*, 4> kDumps = {"both_families_root", "both_families_nobody",
                                               "ipv4_root", "ipv6_root"};

std::string data_file(const std::string& name) {
  const char* directory = std::getenv("SOCKDIAG_TEST_DATA");
  if (directory == nullptr) throw std::runtime_error("SOCKDIAG_TEST_DATA names no directory");
  return std::string(directory) + "/" + name;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  if (!file) throw std::runtime_error("cannot read " + path);
  return bytes.str();
}

void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes << std::flush;
  if (!file) throw std::runtime_error("cannot write " + path);
}

int check_call(ssize_t result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return static_cast<int>(result);
}

struct DumpRequest {
  nlmsghdr header{};
  inet_diag_req body{};
};

void send_request(const FileDescriptor& socket) {
  DumpRequest request;
  request.header.nlmsg_len = sizeof(request);
  request.header.nlmsg_type = TCPDIAG_GETSOCK;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.header.nlmsg_seq = 1;
  request.body.idiag_states = kAllStates;
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  sockaddr_storage address{};
  std::memcpy(&address, &kernel, sizeof(kernel));
  check_call(::sendto(socket.get(), &request, sizeof(request), 0,
                      reinterpret_cast<const sockaddr*>(&address), sizeof(kernel)),
             "ask for a dump");
}

// DONE comes in a datagram of its own or behind sockets.
bool ends_with_done(const std::string& datagram) {
  nlmsghdr header{};
  for (std::size_t at = 0; at + sizeof(header) <= datagram.size();
       at += NLMSG_ALIGN(header.nlmsg_len)) {
    std::memcpy(&header, datagram.data() + at, sizeof(header));
    if (header.nlmsg_type == NLMSG_DONE) return true;
    if (header.nlmsg_type == NLMSG_ERROR || header.nlmsg_len < sizeof(header)) {
      throw std::runtime_error("the kernel refused the dump");
    }
  }
  return false;
}

std::string dump_both_families() {
  const FileDescriptor socket(check_call(
      ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG), "netlink socket"));
  send_request(socket);
  std::string dump;
  std::array<char, 32768> buffer{};
  while (true) {
    const int length =
        check_call(::recv(socket.get(), buffer.data(), buffer.size(), 0), "receive a dump");
    const std::string datagram(buffer.data(), static_cast<std::size_t>(length));
    dump += datagram;
    if (ends_with_done(datagram)) return dump;
  }
}

// The system call itself changes this thread only (the C library's changes all of them), and with
// the uid all capabilities go.
std::string dump_as_nobody() {
  return std::async(std::launch::async,
                    [] {
                      check_call(::syscall(SYS_setresuid, 65534, 65534, 65534), "become nobody");
                      return dump_both_families();
                    })
      .get();
}

std::string dump_by_ss(const char* family) {
  return run({.arguments = {"ss", family, "-tan", "-D", "-"}}).output;
}

std::string replay(const std::string& dump) {
  const Finished finished =
      run({.arguments = {"ss", "-tanH"}, .environment = {{"TCPDIAG_FILE", dump}}});
  if (finished.exit_status != 0) throw std::runtime_error("ss failed: " + finished.errors);
  return finished.output;
}

void record(const std::string& name, const std::string& dump) {
  write_file(data_file(name + ".tcpdiag"), dump);
  write_file(data_file(name + ".ss"), replay(data_file(name + ".tcpdiag")));
}

void record_all() {
  record("both_families_root", dump_both_families());
  record("both_families_nobody", dump_as_nobody());
  record("ipv4_root", dump_by_ss("-4"));
  record("ipv6_root", dump_by_ss("-6"));
}

TEST_CASE("record the dumps of tests/data", "[.record]") {
  const NetworkNamespace network;
  const std::vector<MadeSocket> all = make_all(2000);
  const FileDescriptor v6only = listen_on({"::", 1998}, {.v6only = true});
  const FileDescriptor service = listen_on({"0.0.0.0", 1999});
  const Connection connection = connect_pair(service, {"127.0.0.1", 1999});
  send_bytes(connection.client, 1234);
  wait_for_receive_queue(connection.server, 1234);
  std::vector<SocketRow> rows;
  wait_until("queues that stay as they are while all dumps are made", [&rows] {
    rows = read_proc_net_tcp();
    record_all();
    return read_proc_net_tcp() == rows;
  });
  CHECK(identities(parse_ss(read_file(data_file("both_families_root.ss")))) == identities(rows));
}

TEST_CASE("the recorded dumps are what ss says of them") {
  const std::string name = GENERATE(from_range(kDumps));
  CAPTURE(name);
  const std::vector<SocketRow> recorded = parse_ss(read_file(data_file(name + ".ss")));
  CHECK(recorded.size() > 50);
  CHECK(parse_ss(replay(data_file(name + ".tcpdiag"))) == recorded);
}

TEST_CASE("the recorded dumps hold every state, and the two users saw the same") {
  const std::vector<SocketRow> root = parse_ss(read_file(data_file("both_families_root.ss")));
  const std::vector<SocketRow> nobody = parse_ss(read_file(data_file("both_families_nobody.ss")));
  CHECK(root == nobody);
  for (const Recipe& recipe : all_recipes()) {
    CAPTURE(to_string(recipe));
    CHECK(std::any_of(root.begin(), root.end(), [&](const SocketRow& row) {
      return row.state == state_of(recipe.situation);
    }));
  }
}

}  // namespace
}  // namespace sockdiag::test
