// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/owners/opener_client.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sockdiag/owners/opener_protocol.hpp"
#include "support/catch.hpp"
#include "support/subprocess.hpp"

namespace sockdiag::test {
namespace {

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

// One end of a connection, as the opener has it.
class Connection {
 public:
  explicit Connection(FileDescriptor socket) : socket_(std::move(socket)) {}

  [[nodiscard]] OpenerRequest receive() const {
    OpenerRequest request;
    if (::recv(socket_.get(), &request, sizeof request, 0) != sizeof request) return {};
    return request;
  }

  void answer(const std::string& bytes, std::size_t descriptors = 0) const {
    std::vector<FileDescriptor> files;
    std::vector<int> numbers;
    for (std::size_t i = 0; i < descriptors; ++i) {
      files.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
      numbers.push_back(files.back().get());
    }
    alignas(cmsghdr) std::array<char, CMSG_SPACE(20 * sizeof(int))> control{};
    std::string content = bytes;
    iovec buffer{content.data(), content.size()};
    msghdr message{};
    message.msg_iov = &buffer;
    message.msg_iovlen = 1;
    if (descriptors > 0) {
      message.msg_control = control.data();
      message.msg_controllen = CMSG_SPACE(descriptors * sizeof(int));
      cmsghdr* const part = CMSG_FIRSTHDR(&message);
      part->cmsg_level = SOL_SOCKET;
      part->cmsg_type = SCM_RIGHTS;
      part->cmsg_len = CMSG_LEN(descriptors * sizeof(int));
      std::memcpy(CMSG_DATA(part), numbers.data(), descriptors * sizeof(int));
    }
    static_cast<void>(::sendmsg(socket_.get(), &message, MSG_NOSIGNAL));
  }
  void answer(std::int32_t error, std::size_t descriptors) const {
    std::string bytes(sizeof error, '\0');
    std::memcpy(bytes.data(), &error, sizeof error);
    answer(bytes, descriptors);
  }

 private:
  FileDescriptor socket_;
};

// The socket at which an opener listens.
class Listener {
 public:
  Listener() { listen(); }

  [[nodiscard]] Connection accept() const {
    return Connection(FileDescriptor(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
  }
  void close() { socket_.close(); }
  void listen() {
    std::filesystem::remove(path);
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(&address.sun_path[0], sizeof address.sun_path - 1);
    socket_ = FileDescriptor(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
            0);
    REQUIRE(::listen(socket_.get(), 5) == 0);
  }

 private:
  TemporaryDirectory directory_;

 public:
  const std::string path = directory_.path() + "/opener";

 private:
  FileDescriptor socket_;
};

// Asks once while `opener` answers on a thread of its own. Returns the error's text, or "".
std::string ask(OpenerClient& client, Listener& listener,
                const std::function<void(const Listener&)>& opener) {
  std::thread thread([&] { opener(listener); });
  std::string problem;
  try {
    const FileDescriptor socket = client.open(listener.path, 7, 8);
    if (!socket.is_open()) problem = "nothing is open";
    if ((::fcntl(socket.get(), F_GETFD) & FD_CLOEXEC) == 0) problem = "programs inherit it";
  } catch (const std::runtime_error& error) {
    problem = error.what();
  }
  thread.join();
  return problem;
}

}  // namespace

TEST_CASE("The opener is asked for a process and its inode, over one connection",
          "[namespaces][opener_client]") {
  Listener listener;
  OpenerClient client;
  std::vector<OpenerRequest> requests;
  std::thread opener([&] {
    const Connection connection = listener.accept();
    for (int i = 0; i < 3; ++i) {
      requests.push_back(connection.receive());
      connection.answer(0, 1);
    }
  });
  for (int i = 0; i < 3; ++i) CHECK(client.open(listener.path, 7, 1ULL << 40U).is_open());
  opener.join();
  REQUIRE(requests.size() == 3);
  CHECK(requests[2].pid == 7);
  CHECK(requests[2].inode == 1ULL << 40U);
}

TEST_CASE("What the opener refuses is told, and the connection is kept",
          "[namespaces][opener_client]") {
  Listener listener;
  OpenerClient client;
  std::thread opener([&] {
    const Connection connection = listener.accept();
    static_cast<void>(connection.receive());
    connection.answer(ESTALE, 0);
    static_cast<void>(connection.receive());
    connection.answer(0, 1);
  });
  CHECK_THROWS_AS(client.open(listener.path, 7, 8), OpenerRefused);
  CHECK(client.open(listener.path, 7, 8).is_open());
  opener.join();
}

TEST_CASE("An opener that does not keep to the protocol is an error, and nothing stays open",
          "[namespaces][opener_client]") {
  struct Row {
    std::string name;
    std::function<void(const Connection&)> answer;
    std::string problem;
  };
  const std::vector<Row> rows = {
      {"no descriptor", [](const Connection& c) { c.answer(0, 0); }, "expected 1 descriptors"},
      {"two", [](const Connection& c) { c.answer(0, 2); }, "got 2"},
      {"more than fit", [](const Connection& c) { c.answer(0, 20); }, "expected 1 descriptors"},
      {"one with an error", [](const Connection& c) { c.answer(EPERM, 1); },
       "expected 0 descriptors"},
      {"short", [](const Connection& c) { c.answer("abc", 1); }, "4 bytes"},
      {"long", [](const Connection& c) { c.answer("abcde", 1); }, "4 bytes"},
      {"end", [](const Connection&) {}, "closed the connection"}};
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Listener listener;
    OpenerClient client;
    const std::size_t before = open_descriptors();
    const std::string problem = ask(client, listener, [&](const Listener& at) {
      const Connection connection = at.accept();
      static_cast<void>(connection.receive());
      row.answer(connection);
    });
    CHECK_THAT(problem, contains_text(row.problem));
    CHECK(open_descriptors() == before);
  }
}

TEST_CASE("An opener that has been started again is asked at once", "[namespaces][opener_client]") {
  Listener listener;
  OpenerClient client;
  const auto once = [](const Listener& at) {
    const Connection connection = at.accept();
    static_cast<void>(connection.receive());
    connection.answer(0, 1);
  };
  CHECK(ask(client, listener, once).empty());
  listener.listen();
  CHECK(ask(client, listener, once).empty());
  listener.close();
  CHECK_THROWS_WITH(client.open(listener.path, 7, 8), contains_text("Connection refused"));
  listener.listen();
  CHECK(ask(client, listener, once).empty());
}

TEST_CASE("An opener that hangs is given up after the deadline", "[namespaces][opener_client]") {
  Listener listener;
  OpenerClient client;
  CHECK_THROWS_WITH(client.open(listener.path, 7, 8), contains_text("no answer in time"));
}

TEST_CASE("A path without an opener, or that no socket can have, is an error",
          "[namespaces][opener_client]") {
  OpenerClient client;
  CHECK_THROWS_WITH(client.open("/nowhere", 7, 8),
                    contains_text("asking sockdiag_opener at /nowhere: No such file"));
  CHECK_THROWS_WITH(client.open("", 7, 8), contains_text("a path of 1 to 107"));
  CHECK_THROWS_WITH(client.open(std::string(200, 'x'), 7, 8), contains_text("a path of 1 to 107"));
}

}  // namespace sockdiag::test
