// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/http/http_server.hpp"

#include <civetweb.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <latch>
#include <mutex>
#include <new>
#include <string_view>
#include <system_error>
#include <thread>

#include "answer_head.hpp"
#include "bind_check.hpp"
#include "in_flight.hpp"
#include "kept_connections.hpp"
#include "knock.hpp"
#include "sockdiag/http/thread_problem.hpp"

namespace sockdiag {
namespace {

constexpr int kMaxRequestBytes = 8192;
constexpr int kConnectionQueue = 64;
// Beyond CivetWeb's own: a dump, a configuration being read, /proc files, the log.
constexpr rlim_t kOtherDescriptors = 32;
// One accepts connections, and one wakes it at the end.
constexpr std::size_t kOtherThreads = 2;
// Between two pieces of a body the write deadline is looked at: CivetWeb grants a slow client the
// whole timeout anew whenever it takes some. That is a third of the socket's buffer at a time
// (sk_stream_is_writeable() in include/net/sock.h), so smaller pieces would cost sends and bound
// nothing.
constexpr std::size_t kPieceBytes = 16384;
constexpr std::chrono::milliseconds kKnockInterval(10);
// All threads that could be had run long before; the rest never will.
constexpr std::chrono::seconds kThreadsStartWithin(10);

// Writes against a deadline for the whole answer: CivetWeb's own timeout begins anew with every
// byte that the client takes.
class Writer {
 public:
  Writer(mg_connection* connection, std::chrono::milliseconds timeout)
      : connection_(connection), deadline_(std::chrono::steady_clock::now() + timeout) {}

  // Whether all of it went out.
  bool write(std::string_view text) {
    while (!text.empty()) {
      if (std::chrono::steady_clock::now() >= deadline_) return false;
      const std::string_view piece = text.substr(0, kPieceBytes);
      const int written = ::mg_write(connection_, piece.data(), piece.size());
      if (written <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }

 private:
  mg_connection* connection_;
  std::chrono::steady_clock::time_point deadline_;
};

// As CivetWeb writes it: `+` asks for both families.
std::string civet_port(const ListenAddress& address) {
  if (address.kind != ListenAddress::Host::any) return to_string(address);
  std::string port = std::to_string(address.port);
  if (have_ipv6()) port.insert(port.begin(), '+');
  return port;
}

void check_ipv6(const std::vector<ListenAddress>& addresses) {
  for (const ListenAddress& address : addresses) {
    if (address.kind == ListenAddress::Host::ipv6 && !have_ipv6()) {
      throw ServeError("cannot listen on " + to_string(address) +
                       ": this system's CivetWeb or kernel has no IPv6");
    }
  }
}

rlim_t needed_descriptors(unsigned workers) {
  return workers + kConnectionQueue + kOtherDescriptors;
}

// CivetWeb spins when accept() finds no descriptor left: there must always be one.
void check_descriptors(unsigned workers) {
  const rlim_t needed = needed_descriptors(workers);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return;
  limit.rlim_cur = std::min(needed, limit.rlim_max);
  if (limit.rlim_max < needed || ::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    throw ServeError("needs " + std::to_string(needed) + " file descriptors for " +
                     std::to_string(workers) + " workers, the limit is " +
                     std::to_string(limit.rlim_max));
  }
}

// Threads that wait until the object goes.
class WaitingThreads {
 public:
  WaitingThreads() = default;
  WaitingThreads(const WaitingThreads&) = delete;
  WaitingThreads& operator=(const WaitingThreads&) = delete;
  ~WaitingThreads() { all_there_.count_down(); }

  // Throws std::system_error or std::bad_alloc; those that are there go as well.
  void start(std::size_t count) {
    threads_.reserve(count);
    while (threads_.size() < count) threads_.emplace_back([this] { all_there_.wait(); });
  }

 private:
  std::latch all_there_{1};
  std::vector<std::jthread> threads_;
};

// CivetWeb says nothing of threads that it could not start, and without them serves nobody.
void check_threads(unsigned workers) {
  const std::size_t needed = workers + kOtherThreads;
  try {
    WaitingThreads().start(needed);
  } catch (const std::exception& error) {
    throw ServeError("cannot start " + std::to_string(needed) + " threads for " +
                     std::to_string(workers) + " workers: " + thread_problem(error));
  }
}

std::string_view text_of(const char* value) { return value != nullptr ? value : ""; }

HttpRequest request_of(const mg_connection* connection) {
  const mg_request_info* info = ::mg_get_request_info(connection);
  const char* path = info->local_uri_raw != nullptr ? info->local_uri_raw : info->request_uri;
  HttpRequest request{std::string(text_of(info->request_method)), std::string(text_of(path)),
                      std::nullopt};
  for (int i = 0; i < info->num_headers; ++i) {
    const mg_header& header = info->http_headers[i];
    if (::strcasecmp(header.name, "Accept-Encoding") != 0) continue;
    // Several lines are one list (RFC 9110, section 5.3).
    request.accept_encoding = request.accept_encoding.value_or("") + "," + header.value;
  }
  return request;
}

}  // namespace

namespace {

// `OPTIONS *` asks about the server as a whole.
bool asks_about_server(const mg_request_info& info) {
  const std::string_view version = text_of(info.http_version);
  return text_of(info.request_method) == "OPTIONS" && text_of(info.request_uri) == "*" &&
         (version == "1.0" || version == "1.1");
}

// What is known of a connection from its begin to its end. Its worker alone uses it.
struct Connection {
  bool refused = false;  // its request could not be parsed, and was answered
  bool ends = false;     // CivetWeb is about to close it
  KeptConnections::Connection kept{};
};

}  // namespace

HttpResponse text_response(int status, std::string text) {
  return {status,
          "text/plain; charset=utf-8",
          {},
          {std::make_shared<const std::string>(std::move(text))}};
}

class HttpServer::Civet {
 public:
  Civet(const Options& options, Handler handler)
      : handler_(std::move(handler)),
        on_answer_(options.on_answer),
        write_timeout_(options.request_timeout),
        kept_(options.workers, options.idle_timeout,
              static_cast<int>(needed_descriptors(options.workers))) {
    check_ipv6(options.addresses);
    check_descriptors(options.workers);
    check_threads(options.workers);
    check_bind(options.addresses, have_ipv6());
    ::mg_init_library(0);
    start(options);
    await_threads(options.workers);
    read_addresses(options.addresses);
  }
  Civet(const Civet&) = delete;
  Civet& operator=(const Civet&) = delete;
  ~Civet() {
    stop();
    ::mg_exit_library();
  }

  [[nodiscard]] const std::vector<ListenAddress>& addresses() const noexcept { return addresses_; }

 private:
  void start(const Options& options) {
    std::string ports;
    for (const ListenAddress& address : options.addresses) {
      ports += (ports.empty() ? "" : ",") + civet_port(address);
    }
    const std::string request_timeout = std::to_string(options.request_timeout.count());
    // Paths are compared as they were sent, so nothing is decoded.
    const std::vector<std::pair<const char*, std::string>> settings = {
        {"listening_ports", ports},
        {"num_threads", std::to_string(options.workers)},
        {"request_timeout_ms", request_timeout},
        {"max_request_size", std::to_string(kMaxRequestBytes)},
        {"connection_queue", std::to_string(kConnectionQueue)},
        {"decode_url", "no"},
        {"enable_keep_alive", "yes"},
        {"keep_alive_timeout_ms", request_timeout},
        {"tcp_nodelay", "1"},
        {"enable_directory_listing", "no"},
        {"access_control_allow_origin", ""},
        {"access_control_allow_methods", ""},
        {"access_control_allow_headers", ""}};
    std::vector<const char*> flat;
    for (const auto& [name, value] : settings) flat.insert(flat.end(), {name, value.c_str()});
    flat.push_back(nullptr);
    mg_callbacks callbacks{};
    callbacks.init_thread = &Civet::init_thread;
    callbacks.begin_request = &Civet::begin_request;
    callbacks.http_error = &Civet::http_error;
    callbacks.init_connection = &Civet::init_connection;
    callbacks.connection_close = &Civet::connection_close;
    callbacks.log_message = &Civet::log_message;
    context_ = ::mg_start(&callbacks, this, flat.data());
    if (context_ == nullptr) {
      ::mg_exit_library();
      throw ServeError("cannot start CivetWeb on " + ports + ": " + first_message());
    }
  }

  // A thread that is missing would leave requests unanswered without a word. Without the thread
  // that accepts connections CivetWeb cannot even be stopped: it is left as it is, and the process
  // ends.
  void await_threads(unsigned workers) {
    std::unique_lock lock(threads_mutex_);
    const auto all_there = [&] { return accepting_ && workers_ == workers; };
    if (thread_started_.wait_for(lock, kThreadsStartWithin, all_there)) return;
    const std::string count = std::to_string(workers_);
    if (accepting_) {
      lock.unlock();
      ::mg_stop(context_);
      ::mg_exit_library();
    }
    throw ServeError("cannot start " + std::to_string(workers) + " workers, only " + count +
                     (accepting_ ? "" : ", and no thread that accepts connections") +
                     ": too little memory or too few tasks");
  }

  // CivetWeb cuts off what it is sending when it stops, so it is stopped when nothing is sent; and
  // its accepting thread sees that it is stopped at the next connection, or after two seconds.
  void stop() {
    closing_ = true;
    kept_.release_all();
    in_flight_.wait_for_none(write_timeout_);
    const std::optional<std::jthread> knocker = start_knocking();
    ::mg_stop(context_);
  }

  // Where no thread can be had, stopping takes the two seconds.
  std::optional<std::jthread> start_knocking() {
    const auto knock_on = [this](const std::stop_token& stopped) {
      while (!stopped.stop_requested()) {
        knock(addresses_.front());
        std::this_thread::sleep_for(kKnockInterval);
      }
    };
    try {
      return std::jthread(knock_on);
    } catch (const std::exception&) {
      return std::nullopt;
    }
  }

  void read_addresses(const std::vector<ListenAddress>& asked) {
    std::vector<mg_server_port> ports(asked.size());
    const int count = ::mg_get_server_ports(context_, static_cast<int>(ports.size()), ports.data());
    addresses_ = asked;
    for (std::size_t i = 0; std::cmp_less(i, count) && i < asked.size(); ++i) {
      addresses_[i].port = static_cast<std::uint16_t>(ports[i].port);
    }
  }

  static void* init_thread(const mg_context* context, int type) noexcept {
    constexpr int kAccepting = 0;
    constexpr int kWorker = 1;
    auto& self = *static_cast<Civet*>(::mg_get_user_data(context));
    const std::lock_guard lock(self.threads_mutex_);
    if (type == kAccepting) self.accepting_ = true;
    if (type == kWorker) ++self.workers_;
    self.thread_started_.notify_all();
    return nullptr;
  }

  static Civet& self_of(const mg_connection* connection) noexcept {
    return *static_cast<Civet*>(::mg_get_user_data(::mg_get_context(connection)));
  }

  // Null where there was no memory for it.
  static Connection* state_of(const mg_connection* connection) noexcept {
    return static_cast<Connection*>(::mg_get_user_connection_data(connection));
  }

  static int init_connection(const mg_connection* connection, void** state) noexcept {
    *state = new (std::nothrow) Connection;
    if (*state != nullptr) self_of(connection).kept_.begin();
    return 0;
  }

  // CivetWeb closes on `OPTIONS *` without a word and without begin_request(): this is the last
  // place to answer. It calls with the connection it owns, which is not const.
  static void connection_close(const mg_connection* connection) noexcept {
    const std::unique_ptr<Connection> state(state_of(connection));
    if (state == nullptr) return;
    state->ends = true;
    if (!state->refused && asks_about_server(*::mg_get_request_info(connection))) {
      begin_request(const_cast<mg_connection*>(connection));
    }
    self_of(connection).kept_.end(state->kept);
  }

  static int begin_request(mg_connection* connection) noexcept {
    auto& self = self_of(connection);
    self.in_flight_.enter();
    const Answer answer = self.answer(connection);
    self.in_flight_.leave();
    // A request body is never wanted: a connection with one is closed, so that CivetWeb does not
    // read it to its end.
    if (answer.after == AfterAnswer::close ||
        !self.kept_.await_request(state_of(connection)->kept)) {
      ::mg_disable_connection_keep_alive(connection);
    }
    return answer.status;
  }

  struct Answer {
    int status = 500;  // which tells CivetWeb that all is done
    AfterAnswer after = AfterAnswer::close;
  };

  Answer answer(mg_connection* connection) noexcept {
    try {
      const HttpRequest request = request_of(connection);
      const HttpResponse response = respond(request);
      on_answer_(request.path, response.status);
      const AfterAnswer after = after_answer(connection, response);
      const bool sent = send(connection, response, after, request.method != "HEAD");
      return {response.status, sent ? after : AfterAnswer::close};
    } catch (const std::exception& error) {
      spdlog::error("answering a request failed: {}", error.what());
    } catch (...) {
      spdlog::error("answering a request failed");
    }
    return {};
  }

  AfterAnswer after_answer(const mg_connection* connection, const HttpResponse& response) noexcept {
    constexpr int kFirstError = 400;
    Connection* const state = state_of(connection);
    const bool keep = state != nullptr && !state->ends && response.status < kFirstError &&
                      kept_.may_keep(state->kept, *::mg_get_request_info(connection));
    return keep ? AfterAnswer::keep : AfterAnswer::close;
  }

  HttpResponse respond(const HttpRequest& request) {
    if (closing_) return text_response(503, "ending\n");
    try {
      return handler_(request);
    } catch (const std::exception& error) {
      spdlog::error("{} {} failed: {}", request.method, request.path, error.what());
    } catch (...) {
      spdlog::error("{} {} failed", request.method, request.path);
    }
    return text_response(500, "internal error\n");
  }

  // Returns whether the client has taken all of it.
  bool send(mg_connection* connection, const HttpResponse& response, AfterAnswer after,
            bool with_body) const {
    Writer writer(connection, write_timeout_);
    bool sent = writer.write(head_of(response, after, std::chrono::system_clock::now()));
    if (!with_body) return sent;
    for (const auto& part : response.body) sent = sent && writer.write(*part);
    return sent;
  }

  // Answers what CivetWeb cannot parse.
  static int http_error(mg_connection* connection, int status, const char*) noexcept {
    constexpr int kHandled = 0;
    const Civet& self = self_of(connection);
    if (Connection* const state = state_of(connection)) state->refused = true;
    self.on_answer_({}, status);
    try {
      const std::string reason = ::mg_get_response_code_text(connection, status);
      self.send(connection, text_response(status, reason + "\n"), AfterAnswer::close, true);
    } catch (const std::exception& error) {
      spdlog::error("answering a request failed: {}", error.what());
    }
    return kHandled;
  }

  // What clients do wrong is nothing an operator wants a line for. At the start it tells why.
  static int log_message(const mg_connection* connection, const char* message) noexcept {
    constexpr int kHandled = 1;
    const mg_context* context = ::mg_get_context(connection);
    if (context == nullptr) return kHandled;
    static_cast<Civet*>(::mg_get_user_data(context))->keep_message(message);
    spdlog::debug("civetweb: {}", message);
    return kHandled;
  }

  // Cut to what there is room for: nothing can be allocated where nothing may be thrown.
  void keep_message(std::string_view message) noexcept {
    const std::lock_guard lock(message_mutex_);
    if (first_message_[0] != '\0') return;
    message.copy(first_message_.data(), first_message_.size() - 1);
  }

  [[nodiscard]] std::string first_message() {
    const std::lock_guard lock(message_mutex_);
    return first_message_[0] != '\0' ? first_message_.data() : "CivetWeb gives no reason";
  }

  Handler handler_;
  std::function<void(std::string_view, int)> on_answer_;
  std::chrono::milliseconds write_timeout_;
  KeptConnections kept_;
  mg_context* context_ = nullptr;
  std::vector<ListenAddress> addresses_;
  std::mutex threads_mutex_;
  std::condition_variable thread_started_;
  bool accepting_ = false;
  unsigned workers_ = 0;
  InFlight in_flight_;
  std::atomic<bool> closing_ = false;
  std::mutex message_mutex_;
  std::array<char, 256> first_message_{};
};

HttpServer::HttpServer(const Options& options, Handler handler)
    : civet_(std::make_unique<Civet>(options, std::move(handler))) {}

HttpServer::~HttpServer() = default;

const std::vector<ListenAddress>& HttpServer::addresses() const noexcept {
  return civet_->addresses();
}

}  // namespace sockdiag
