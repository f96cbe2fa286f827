// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/http/http_client.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using namespace std::chrono_literals;

// Accepts one connection on loopback, reads a request, and does what `answer` does.
class OneAnswer {
 public:
  using Answer = std::function<void(int connection)>;

  explicit OneAnswer(Answer answer, bool ipv6 = false)
      : listener_(::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in6 address{};  // all zeros but the family: port 0
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    auto& ipv4 = reinterpret_cast<sockaddr_in&>(address);
    if (!ipv6) {
      ipv4 = {};
      ipv4.sin_family = AF_INET;
      ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
    socklen_t length = ipv6 ? sizeof address : sizeof ipv4;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(listener_, any, length) == 0);
    REQUIRE(::listen(listener_, 1) == 0);
    REQUIRE(::getsockname(listener_, any, &length) == 0);
    url = {ipv6 ? "::1" : "127.0.0.1", std::to_string(ntohs(ipv4.sin_port)), ""};
    thread_ = std::thread([this, answer = std::move(answer)] { serve(answer); });
  }
  explicit OneAnswer(const std::string& text, bool ipv6 = false)
      : OneAnswer([text](int connection) { send(connection, text); }, ipv6) {}
  OneAnswer(const OneAnswer&) = delete;
  OneAnswer& operator=(const OneAnswer&) = delete;
  ~OneAnswer() {
    thread_.join();
    ::close(listener_);
  }

  // Returns false if the client has closed.
  static bool send(int connection, const std::string& text) {
    return ::send(connection, text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }
  static void wait_until_closed(int connection) {
    char byte = 0;
    while (::recv(connection, &byte, 1, 0) > 0) {
    }
  }

  HttpUrl url;
  std::string request;  // complete once the answer is there

 private:
  void serve(const Answer& answer) {
    const int connection = ::accept(listener_, nullptr, nullptr);
    char byte = 0;
    while (!request.ends_with("\r\n\r\n") && ::recv(connection, &byte, 1, 0) == 1) request += byte;
    answer(connection);
    ::close(connection);
  }

  int listener_;
  std::thread thread_;
};

constexpr GetLimits kLimits = {std::chrono::minutes(1), 1000};

std::string problem_with(OneAnswer::Answer answer, const GetLimits& limits = kLimits) {
  const OneAnswer server(std::move(answer));
  try {
    return "status " + std::to_string(get(server.url, "/", limits).status);
  } catch (const RequestError& error) {
    const std::string text = error.what();
    const std::string name = authority_of(server.url) + ": ";
    CHECK(text.starts_with(name));
    return text.substr(name.size());
  }
}

std::string problem_with(const std::string& answer) {
  return problem_with([&](int connection) { OneAnswer::send(connection, answer); });
}

}  // namespace

TEST_CASE("A client asks below the path of the URL, and takes the answer to its end") {
  OneAnswer server("HTTP/1.0 200 OK\r\nX: y\r\n\r\nbody");
  server.url.path = "/prefix";
  const HttpAnswer answer = get(server.url, "/api?lang=en", kLimits);
  CHECK(answer.status == 200);
  CHECK(answer.body == "body");
  CHECK(server.request == "GET /prefix/api?lang=en HTTP/1.0\r\nHost: 127.0.0.1:" + server.url.port +
                              "\r\nConnection: close\r\n\r\n");
}

TEST_CASE("A client speaks IPv6") {
  OneAnswer server("HTTP/1.1 404 Not Found\r\n\r\n", true);
  CHECK(get(server.url, "/", kLimits).status == 404);
  CHECK(server.request.find("Host: [::1]:" + server.url.port) != std::string::npos);
}

TEST_CASE("A client does not wait for a server that keeps the connection after the last byte") {
  for (const std::string field :
       {"Content-Length: 4", "content-length:4", "A: b\r\nCONTENT-LENGTH:  4"}) {
    const OneAnswer server([&](int connection) {
      OneAnswer::send(connection, "HTTP/1.1 200 OK\r\n" + field + "\r\n\r\nbody");
      OneAnswer::wait_until_closed(connection);
    });
    CHECK(get(server.url, "/", kLimits).body == "body");
  }
}

TEST_CASE("An answer that is none is refused") {
  CHECK(problem_with("") == "no HTTP answer; it may expect TLS");
  CHECK(problem_with("SSH-2.0-OpenSSH_9.2\r\n") == "no HTTP answer");
  CHECK(problem_with("HTTP/1.1 abc\r\n\r\n") == "no HTTP answer");
  CHECK(problem_with("HTTP/1.1 2\r\n\r\n") == "no HTTP answer");
  CHECK(problem_with("HTTP/1.1 -20 OK\r\n\r\n") == "no HTTP answer");
  CHECK(problem_with("HTTP/2\r\n\r\n") == "no HTTP answer");
  CHECK(problem_with("HTTP/1.1 200 OK\r\nA: " + std::string(70'000, 'a')) == "no HTTP answer");
  CHECK(problem_with("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbody") ==
        "the answer ended early");
}

TEST_CASE("An answer that is too long is refused, whether it says so or not") {
  CHECK(problem_with("HTTP/1.1 200 OK\r\n\r\n" + std::string(1000, 'a')) == "status 200");
  CHECK(problem_with("HTTP/1.1 200 OK\r\n\r\n" + std::string(1001, 'a')) ==
        "an answer of more than 1000 bytes");
  CHECK(problem_with([](int connection) {
          OneAnswer::send(connection, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n");
          while (OneAnswer::send(connection, std::string(4096, 'a'))) {
          }
        }) == "an answer of more than 1000 bytes");
}

TEST_CASE("A server that is silent, or sends byte by byte for ever, is left in time") {
  const GetLimits limits = {100ms, 1'000'000};
  CHECK(problem_with(OneAnswer::wait_until_closed, limits) == "no answer: Connection timed out");
  for (const char* begin : {"HTTP/1.1 200 OK\r\nA: ", "HTTP/1.1 200 OK\r\n\r\n"}) {
    CHECK(problem_with(
              [&](int connection) {
                OneAnswer::send(connection, begin);
                pollfd hung_up{.fd = connection, .events = 0};
                while (::poll(&hung_up, 1, 5) == 0 && OneAnswer::send(connection, "a")) {
                }
              },
              limits) == "no answer: Connection timed out");
  }
}

TEST_CASE("A server that does not listen, or has no address, is told apart") {
  HttpUrl url;
  {
    const OneAnswer server("");
    url = server.url;
    CHECK_THROWS_AS(get(url, "/", kLimits), RequestError);
  }
  CHECK_THROWS_WITH(get(url, "/", kLimits),
                    authority_of(url) + ": cannot connect: Connection refused");
  CHECK_THROWS_WITH(get({"no.such.name.invalid", "1", ""}, "/", kLimits),
                    contains_text("no.such.name.invalid:1: the name has no address"));
}

TEST_CASE("URLs are read strictly") {
  struct Row {
    const char* text;
    const char* host;
    const char* port;
    const char* path;
  };
  const auto row =
      GENERATE(values<Row>({{"http://web-1", "web-1", "80", ""},
                            {"http://web-1:10293", "web-1", "10293", ""},
                            {"http://127.0.0.1:1/", "127.0.0.1", "1", ""},
                            {"http://[::1]:10293", "::1", "10293", ""},
                            {"http://[fe80::1%eth0]/a/b//", "fe80::1%eth0", "80", "/a/b"},
                            {"http://h/x", "h", "80", "/x"}}));
  CAPTURE(row.text);
  const HttpUrl url = parse_http_url(row.text);
  CHECK(url.host == row.host);
  CHECK(url.port == row.port);
  CHECK(url.path == row.path);
}

TEST_CASE("What is no URL of an exporter is refused with what was expected") {
  for (const std::string text :
       {"", "web-1:10293", "ftp://web-1", "http://", "http://:80", "http://h:", "http://h:0",
        "http://h:65536", "http://h:1x", "http://[::1", "http://[::1]1", "http://user@h",
        "http://h/?a=b", "http://h/a b", "http://h/a\r\nX: y", "http://h\n", "http://h#a"}) {
    CAPTURE(text);
    CHECK_THROWS_WITH(parse_http_url(text), text + ": expected http://HOST[:PORT]");
  }
  CHECK_THROWS_WITH(parse_http_url("https://h"),
                    "https://h: https is not supported; expected http://HOST[:PORT]");
}

}  // namespace sockdiag::test
