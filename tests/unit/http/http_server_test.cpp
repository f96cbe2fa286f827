// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/http/http_server.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>

#include "sockdiag/pages/pages.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

const ListenAddress kAnyLoopbackPort{ListenAddress::Host::ipv4, "127.0.0.1", 0};

HttpServer::Options small_server() {
  return {{kAnyLoopbackPort}, 4, std::chrono::milliseconds(1000), std::chrono::hours(1)};
}

// A client's connection, in the small language of the tests.
class Client {
 public:
  // Connects from 127.0.0.`number`.
  explicit Client(const HttpServer& server, unsigned number = 1)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + number);
    REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(server.addresses().at(0).port);
    REQUIRE(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { ::close(socket_); }

  void send(const std::string& text) const {
    REQUIRE(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size()));
  }

  // What comes first, at most 4096 bytes.
  [[nodiscard]] std::string read_once() const {
    char buffer[4096];
    const ssize_t got = ::recv(socket_, buffer, sizeof buffer, 0);
    return {buffer, got > 0 ? static_cast<std::size_t>(got) : 0};
  }

  // What comes until it ends with `text`, or the server closes.
  [[nodiscard]] std::string read_until(const std::string& text) const {
    std::string answer;
    char buffer[4096];
    while (text.empty() || !answer.ends_with(text)) {
      const ssize_t got = ::recv(socket_, buffer, sizeof buffer, 0);
      if (got <= 0) break;
      answer.append(buffer, static_cast<std::size_t>(got));
    }
    return answer;
  }
  [[nodiscard]] std::string read_to_end() const { return read_until(""); }

 private:
  int socket_;
};

// Sends bytes to the server and reads until it closes.
std::string talk(const HttpServer& server, const std::string& request) {
  const Client client(server);
  client.send(request);
  return client.read_to_end();
}

std::string get(const HttpServer& server, const std::string& path) {
  return talk(server, "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
}

constexpr char kKeptRequest[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

// What becomes of one more connection.
std::string fate_of_another(const HttpServer& server) {
  const Client client(server);
  client.send(kKeptRequest);
  const auto answer = client.read_until("nothing");
  return answer.find("keep-alive") != std::string::npos ? "keep-alive" : "close";
}

HttpResponse echo(const HttpRequest& request) {
  return text_response(200, request.method + " " + request.path + " " +
                                request.header("Accept-Encoding").value_or("nothing"));
}

}  // namespace

TEST_CASE("The handler sees method, path and headers, and its answer goes out") {
  const HttpServer server(small_server(), echo);
  CHECK(server.addresses().at(0).port != 0);
  const auto answer = talk(
      server,
      "PATCH /a/b?c=d HTTP/1.0\r\nHost: x\r\nAccept-Encoding: br\r\naccept-encoding: gzip\r\n\r\n");
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK_THAT(answer, contains_text("\r\nContent-Length: 19\r\n"));
  CHECK_THAT(answer, contains_text("\r\nConnection: close\r\n"));
  CHECK(answer.ends_with("\r\n\r\nPATCH /a/b br, gzip"));
}

TEST_CASE("HEAD gets the headers of GET and no body") {
  const HttpServer server(small_server(),
                          [](const HttpRequest&) { return text_response(200, "hello"); });
  const auto answer = talk(server, "HEAD / HTTP/1.0\r\nHost: x\r\n\r\n");
  CHECK_THAT(answer, contains_text("Content-Length: 5\r\n"));
  CHECK(answer.ends_with("\r\n\r\n"));
}

TEST_CASE("Every answer is dated, also those that the handler does not give") {
  const HttpServer server(small_server(), [](const HttpRequest& request) {
    return request.method == "OPTIONS" ? HttpResponse{204, {}, {{"Allow", request.path}}, {}}
                                       : text_response(404, "no");
  });
  for (const char* request : {"GET / HTTP/1.0\r\nHost: x\r\n\r\n", "OPTIONS * HTTP/1.1\r\n\r\n",
                              "OPTIONS /x HTTP/1.0\r\n\r\n", "nonsense\r\n\r\n"}) {
    CAPTURE(request);
    CHECK_THAT(talk(server, request),
               Catch::Matchers::Matches(
                   "HTTP/1.1 [0-9]+ [A-Z].*\r\nDate: "
                   "[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} 2[0-9]{3} [0-9:]{8} GMT\r\n[\\s\\S]*"));
  }
}

TEST_CASE("An answer without content says nothing of its length") {
  const HttpServer server(small_server(), [](const HttpRequest& request) {
    return HttpResponse{204, {}, {{"Allow", request.path}}, {}};
  });
  const auto answer = talk(server, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(answer.starts_with("HTTP/1.1 204 No Content\r\n"));
  CHECK_THAT(answer, contains_text("\r\nAllow: *\r\n"));
  CHECK_THAT(answer, !contains_text("\r\nContent-"));
}

TEST_CASE("What cannot be parsed is refused once") {
  const HttpServer server(small_server(), echo);
  for (const char* request : {"OPTIONS * HTTP/1.1\r\n no header\r\n:\r\n\r\n",
                              "OPTIONS * HTTP/2.0\r\n\r\n", "BREW / HTTP/1.1\r\n\r\n"}) {
    CAPTURE(request);
    const auto answer = talk(server, request);
    CHECK(answer.rfind("HTTP/1.1 ") == 0);
  }
}

TEST_CASE("A connection is kept where the client wants it and all its bytes are known") {
  const auto keeps = [](const std::string& request) {
    const HttpServer server(small_server(), echo);
    const Client client(server);
    client.send(request);
    const auto answer = client.read_until("nothing");
    const bool kept = answer.find("\r\nConnection: keep-alive\r\n") != std::string::npos;
    if (kept) {
      client.send("HEAD /again HTTP/1.0\r\nHost: x\r\n\r\n");
      CHECK(client.read_to_end().starts_with("HTTP/1.1 200 "));
    } else {
      CHECK_THAT(answer, contains_text("\r\nConnection: close\r\n"));
      CHECK(client.read_to_end().empty());
    }
    return kept;
  };
  const std::map<std::string, bool> requests = {
      {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", true},
      {"GET /?a=b HTTP/1.1\r\nhost:x\r\n\r\n", true},
      {"GET / HTTP/1.1\r\nConnection: Keep-Alive\r\n\r\n", true},
      {"GET / HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n", true},
      {"GET / HTTP/1.0\r\nHost: x\r\n\r\n", false},
      {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false},
      {"GET / HTTP/1.1\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", false},
      {"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", false},
      {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", false},
      {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n", false},
      {"GET / HTTP/1.1\r\nX: folded\r\n line\r\nContent-Length: 1\r\n\r\nx", false},
      {"GET / HTTP/1.1\nHost: x\n\n", false},
      {"GET / HTTP/1.1\r\n\r\n", false},
      {"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", false},
  };
  for (const auto& [request, expected] : requests) {
    CAPTURE(request);
    CHECK(keeps(request) == expected);
  }
}

TEST_CASE("Errors close the connection") {
  const HttpServer server(small_server(),
                          [](const HttpRequest&) { return text_response(404, "no"); });
  CHECK_THAT(talk(server, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
             contains_text("\r\nConnection: close\r\n"));
}

TEST_CASE("A kept connection waits long for a request, and a request is to come at once") {
  const HttpServer server(small_server(), echo);
  const Client client(server);
  client.send(kKeptRequest);
  CHECK_THAT(client.read_until("nothing"), contains_text("keep-alive"));
  client.send("GET /again HT");
  CHECK(client.read_to_end().starts_with("HTTP/1.1 400 "));
}

TEST_CASE("A kept connection without requests is closed at last") {
  auto options = small_server();
  options.idle_timeout = std::chrono::milliseconds(20);
  const HttpServer server(options, echo);
  CHECK_THAT(talk(server, kKeptRequest), contains_text("keep-alive"));
}

TEST_CASE("A quarter of the workers is kept at most, and a seat is free again after its client") {
  auto options = small_server();
  options.workers = 8;
  const HttpServer server(options, echo);
  const auto connect = [&](const char* expected) {
    auto client = std::make_unique<Client>(server);
    client->send(kKeptRequest);
    CHECK_THAT(client->read_until("nothing"), contains_text(expected));
    return client;
  };
  auto first = connect("keep-alive");
  const auto second = connect("keep-alive");
  static_cast<void>(connect("close"));
  first.reset();
  while (fate_of_another(server) != "keep-alive") {
  }
}

TEST_CASE("Where workers run short the connection that has been idle longest goes") {
  std::latch others_may_end(1);
  const HttpServer server(small_server(), [&](const HttpRequest& request) {
    if (request.path == "/other") others_may_end.wait();
    return echo(request);
  });
  const Client kept(server);
  kept.send(kKeptRequest);
  CHECK_THAT(kept.read_until("nothing"), contains_text("keep-alive"));
  const Client others[] = {Client(server, 2), Client(server, 3), Client(server, 4)};
  for (const Client& other : others) other.send("GET /other HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(kept.read_to_end().empty());
  others_may_end.count_down();
}

TEST_CASE("Silent clients keep no worker, and each is closed in its time") {
  const HttpServer server(small_server(), echo);
  const Client silent[] = {Client(server), Client(server), Client(server), Client(server)};
  for (const Client& each : silent) each.send("GET / HT");
  CHECK_THAT(get(server, "/"), contains_text("200 OK"));
  for (const Client& each : silent) CHECK(each.read_to_end().empty());
}

TEST_CASE("A client at its limit loses its silent connection, others lose none") {
  auto options = small_server();
  options.max_connections_per_client = 2;
  options.request_timeout = std::chrono::minutes(1);
  std::atomic<int> refused = 0;
  options.on_refused = [&](Refused why) { refused += why == Refused::client ? 1 : 100; };
  const HttpServer server(options, echo);
  const Client other(server, 2);
  const Client first(server);
  const Client second(server);
  CHECK_THAT(get(server, "/"), contains_text("200 OK"));
  CHECK(first.read_to_end().empty());
  other.send(kKeptRequest);
  CHECK_THAT(other.read_until("nothing"), contains_text("200 OK"));
  CHECK(refused == 1);
}

TEST_CASE("A client of a network that is not allowed is closed at once") {
  auto options = small_server();
  options.request_timeout = std::chrono::minutes(1);
  options.allowed = {parse_network("127.0.0.2/31").value()};
  std::atomic<int> refused = 0;
  options.on_refused = [&](Refused why) { refused += why == Refused::network ? 1 : 100; };
  const HttpServer server(options, echo);
  const Client stranger(server);
  CHECK(stranger.read_to_end().empty());
  const Client friendly(server, 3);
  friendly.send(kKeptRequest);
  CHECK_THAT(friendly.read_until("nothing"), contains_text("200 OK"));
  CHECK(refused == 1);
}

TEST_CASE("A reader that takes nothing is cut off at the deadline") {
  auto options = small_server();
  options.request_timeout = std::chrono::milliseconds(200);
  const std::string large(std::size_t{32} << 20U, 'x');
  const HttpServer server(options, [&](const HttpRequest&) { return text_response(200, large); });
  for (unsigned number = 1; number < 10; ++number) {  // more than workers
    const Client slow(server, number);
    slow.send(kKeptRequest);
    CHECK(slow.read_once().starts_with("HTTP/1.1 200"));
  }
  CHECK_THAT(talk(server, "HEAD / HTTP/1.0\r\nHost: x\r\n\r\n"), contains_text("200 OK"));
}

TEST_CASE("No client sees what another one sent") {
  const HttpServer server(small_server(), echo);
  constexpr char kSecret[] = "hunter2hunter2";
  const auto secret = std::string("GET /") + kSecret + " HTTP/1.1\r\nX: " + kSecret +
                      "\r\nConnection: close\r\n\r\n";
  for (const std::string nosy : {"\r\n\r\n", "\n\n", "\r\n\r\n\r\n\r\n", " \r\n\r\n"}) {
    // What a worker would find behind those bytes, if it looked beyond them.
    const auto planted = std::string(nosy.size(), '\1') + secret;
    for (int i = 0; i < 40; ++i) {  // so that each worker had it
      CHECK_THAT(talk(server, secret), contains_text(kSecret));
      CHECK(talk(server, planted).starts_with("HTTP/1.1 400 "));
    }
    for (int i = 0; i < 40; ++i) {
      const auto answer = talk(server, nosy);
      CHECK(answer.find(kSecret) == std::string::npos);
      CHECK(answer.starts_with("HTTP/1.1 400 "));
    }
  }
}

TEST_CASE("An error does not repeat what the client sent") {
  const HttpServer server(small_server(), echo);
  for (const char* request :
       {"GET / HTTP/9.9hunter2\r\nHost: x\r\n\r\n", "hunter2\r\n\r\n", "hunter2 / HTTP/1.1\r\n\r\n",
        "GET hunter2 HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: hunter2\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: hunter2\r\n\r\n"}) {
    CAPTURE(request);
    CHECK(talk(server, request).find("hunter2") == std::string::npos);
  }
}

TEST_CASE("Where workers run short while a kept connection is answered, it does not wait") {
  std::latch kept_is_busy(1);
  std::latch others_are_busy(3);
  std::latch others_may_end(1);
  const HttpServer server(small_server(), [&](const HttpRequest& request) {
    if (request.path == "/kept") {
      kept_is_busy.count_down();
      others_are_busy.wait();
    } else if (request.path == "/other") {
      others_are_busy.count_down();
      others_may_end.wait();
    }
    return echo(request);
  });
  const Client kept(server);
  kept.send(kKeptRequest);
  CHECK_THAT(kept.read_until("nothing"), contains_text("keep-alive"));
  kept.send("GET /kept HTTP/1.1\r\nHost: x\r\n\r\n");
  kept_is_busy.wait();
  const Client others[] = {Client(server, 2), Client(server, 3), Client(server, 4)};
  for (const Client& other : others) other.send("GET /other HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK_THAT(kept.read_to_end(), contains_text("GET /kept"));
  others_may_end.count_down();
}

TEST_CASE("A server with kept connections ends at once") {
  std::optional<HttpServer> server(std::in_place, small_server(), echo);
  const Client client(*server);
  client.send(kKeptRequest);
  CHECK_THAT(client.read_until("nothing"), contains_text("keep-alive"));
  server.reset();
  CHECK(client.read_to_end().empty());
}

TEST_CASE("A handler that throws gets a 500, and the next request is served") {
  int requests = 0;
  const HttpServer server(small_server(), [&](const HttpRequest& request) {
    ++requests;
    if (request.path == "/exception") throw std::runtime_error("broken");
    if (request.path == "/anything") throw 7;
    return text_response(200, "fine");
  });
  CHECK(get(server, "/exception").starts_with("HTTP/1.1 500 "));
  CHECK(get(server, "/anything").starts_with("HTTP/1.1 500 "));
  CHECK(get(server, "/").ends_with("fine"));
  CHECK(requests == 3);
}

TEST_CASE("A collector that throws gets a 500, and the process lives") {
  Board board;
  bool broken = true;
  Pages::Options options;
  options.exporter_text = [&](const SampleStatuses&, const Findings&) -> std::string {
    if (broken) throw std::runtime_error("broken collector");
    return "own 1\n";
  };
  Pages pages(board, options);
  const HttpServer server(small_server(),
                          [&](const HttpRequest& request) { return pages.answer(request); });
  const auto answer = get(server, "/metrics");
  CHECK(answer.starts_with("HTTP/1.1 500 "));
  CHECK(answer.find("broken") == std::string::npos);
  broken = false;
  CHECK(get(server, "/metrics").starts_with("HTTP/1.1 200 "));
}

TEST_CASE("A large body in many parts arrives whole") {
  const auto part = std::make_shared<const std::string>(1'000'000, 'x');
  const HttpServer server(small_server(), [&](const HttpRequest&) {
    return HttpResponse{200, "text/plain", {}, {part, part, part}};
  });
  const auto answer = get(server, "/");
  CHECK(answer.size() - answer.find("\r\n\r\n") - 4 == 3'000'000);
}

std::string problem_of(const std::vector<ListenAddress>& addresses) {
  auto options = small_server();
  options.addresses = addresses;
  try {
    const HttpServer server(options, echo);
  } catch (const ServeError& error) {
    return error.what();
  }
  return "it started";
}

TEST_CASE("An address that cannot be had is named once, with the reason") {
  const HttpServer first(small_server(), echo);
  const ListenAddress taken = first.addresses()[0];
  const std::string port = std::to_string(taken.port);
  CHECK(problem_of({taken}) == "cannot listen on 127.0.0.1:" + port + ": Address already in use");
  CHECK(problem_of({kAnyLoopbackPort, {ListenAddress::Host::any, "", taken.port}}) ==
        "cannot listen on :" + port + ": Address already in use");
  CHECK(problem_of({{ListenAddress::Host::ipv4, "192.0.2.1", 80}}) ==
        "cannot listen on 192.0.2.1:80: Cannot assign requested address");
}

TEST_CASE("An address that is given twice is in use") {
  ListenAddress address = kAnyLoopbackPort;
  address.port = HttpServer(small_server(), echo).addresses()[0].port;
  CHECK(problem_of({address, address}) ==
        "cannot listen on " + to_string(address) + ": Address already in use");
}

TEST_CASE("Several addresses are listened on, each with its port") {
  auto options = small_server();
  options.addresses = {kAnyLoopbackPort, {ListenAddress::Host::ipv4, "127.0.0.2", 0}};
  const HttpServer server(options, echo);
  CHECK(server.addresses().at(0).host == "127.0.0.1");
  CHECK(server.addresses().at(1).host == "127.0.0.2");
  CHECK(server.addresses()[0].port != server.addresses()[1].port);
}

}  // namespace sockdiag::test
