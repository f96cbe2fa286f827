// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/service/forbidden_calls.hpp"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "sockdiag/core/file_descriptor.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

// Runs `attempts` in a process of its own, and returns its lines: what went wrong.
std::string problems_in_child(const std::function<std::string()>& attempts) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const FileDescriptor read_end(ends[0]);
  FileDescriptor write_end(ends[1]);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const std::string text = attempts() + "end";
    const bool told = ::write(write_end.get(), text.data(), text.size()) > 0;
    ::_exit(told ? 0 : 1);
  }
  write_end = FileDescriptor();
  std::string text;
  char byte = 0;
  while (::read(read_end.get(), &byte, 1) == 1) text += byte;
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return text;
}

// Arguments that no call takes, so that one that is not refused does nothing.
int errno_of(long number) {
  errno = 0;
  return ::syscall(number, -1L, -1L, -1L, -1L, -1L, -1L) == 0 ? 0 : errno;
}

int number_of(std::string_view name) {
  return ::seccomp_syscall_resolve_name(std::string(name).c_str());
}

std::string attempt_all() {
  std::string problems;
  for (const std::string_view name : forbidden_calls()) {
    const int number = number_of(name);
    if (number >= 0 && errno_of(number) != EPERM) problems.append(name).append(" is allowed\n");
  }
  return problems;
}

std::string attempt_to_open(int flags, bool expected) {
  const FileDescriptor opened(::open("/dev/null", flags, 0600));
  return opened.is_open() == expected ? "" : "open " + std::to_string(flags) + "\n";
}

// Sends a descriptor over a Unix socket and takes it, as another process could.
bool passes_descriptors() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) return false;
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  *header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
  std::copy_n(reinterpret_cast<const char*>(ends.data()), sizeof(int),
              reinterpret_cast<char*>(CMSG_DATA(header)));
  return ::sendmsg(ends[0], &message, 0) == 1 && ::recvmsg(ends[1], &message, 0) == 1;
}

}  // namespace

TEST_CASE("What serving never does is refused, in threads too") {
  const std::string seen = problems_in_child([] {
    std::string problems = forbid_calls();
    problems += attempt_all();
    std::thread([&] { problems += attempt_all(); }).join();
    if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) problems += "new privileges\n";
    return problems;
  });
  CHECK(seen == "end");
}

TEST_CASE("Without the filter, most of it would not be refused to root") {
  std::size_t allowed = 0;
  for (const std::string_view name : {"execve", "bpf", "keyctl", "unlink", "setresuid", "setns"}) {
    if (errno_of(number_of(name)) != EPERM) ++allowed;
  }
  CHECK(allowed > 3);
}

TEST_CASE("No file is opened for writing any more, and all are for reading") {
  const std::string seen = problems_in_child([] {
    std::string problems = forbid_calls();
    for (const int flags : {O_WRONLY, O_RDWR, O_RDONLY | O_CREAT, O_RDONLY | O_TRUNC}) {
      problems += attempt_to_open(flags, false);
    }
    return problems + attempt_to_open(O_RDONLY | O_CLOEXEC, true);
  });
  CHECK(seen == "end");
}

TEST_CASE("What serving does is allowed") {
  const std::string seen = problems_in_child([] {
    std::string problems = forbid_calls();
    if (!passes_descriptors()) problems += "descriptors\n";
    const FileDescriptor netlink(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, 4));
    const FileDescriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!netlink.is_open() || !listener.is_open()) problems += "sockets\n";
    if (::listen(listener.get(), 1) != 0) problems += "listen\n";
    return problems;
  });
  CHECK(seen == "end");
}

}  // namespace sockdiag::test
