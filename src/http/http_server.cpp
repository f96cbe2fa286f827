// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/http/http_server.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <string>
#include <utility>

#include "acceptor.hpp"
#include "authorization.hpp"
#include "civet.hpp"
#include "exchange.hpp"
#include "kept_connections.hpp"
#include "received_bytes.hpp"
#include "start_checks.hpp"

namespace sockdiag {
namespace {

// Joins the addresses as CivetWeb reads them. `+` asks for both families, `s` for TLS.
std::string civet_ports(const std::vector<ListenAddress>& addresses, bool tls) {
  std::string ports;
  for (const ListenAddress& address : addresses) {
    if (!ports.empty()) ports += ',';
    if (address.kind == ListenAddress::Host::any) {
      ports += (have_ipv6() ? "+" : "") + std::to_string(address.port);
    } else {
      ports += to_string(address);
    }
    if (tls) ports += 's';
  }
  return ports;
}

bool has_tls(const HttpServer::Options& options) {
  return options.security != nullptr && options.security->has_tls();
}

CivetContext::Settings civet_settings(const HttpServer::Options& options) {
  const std::string request_timeout = std::to_string(options.request_timeout.count());
  return {{"listening_ports", civet_ports(options.addresses, has_tls(options))},
          {"num_threads", std::to_string(options.workers)},
          {"request_timeout_ms", request_timeout},
          {"max_request_size", std::to_string(kMaxRequestBytes)},
          {"connection_queue", std::to_string(kConnectionQueue)},
          {"decode_url", "no"},  // paths are compared as they were sent
          {"enable_keep_alive", "yes"},
          {"keep_alive_timeout_ms", request_timeout},
          {"tcp_nodelay", "1"},
          {"enable_directory_listing", "no"},
          {"access_control_allow_origin", ""},
          {"access_control_allow_methods", ""},
          {"access_control_allow_headers", ""}};
}

// Counts the requests that are being answered. Safe from any thread.
class InFlight {
 public:
  void enter() {
    const std::lock_guard lock(mutex_);
    ++count_;
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    if (--count_ == 0) none_.notify_all();
  }
  void wait_for_none(std::chrono::milliseconds at_most) {
    std::unique_lock lock(mutex_);
    none_.wait_for(lock, at_most, [this] { return count_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable none_;
  unsigned count_ = 0;
};

// What the server knows of a connection, from its begin to its end. Only its worker uses it.
struct Connection {
  bool refused = false;  // CivetWeb could not parse the request, and it was answered
  bool ends = false;     // CivetWeb is about to close it
  KeptConnections::Connection kept{};
};

}  // namespace

class HttpServer::Civet {
 public:
  Civet(const Options& options, Handler handler)
      : handler_(std::move(handler)),
        on_answer_(options.on_answer),
        security_(options.security),
        write_timeout_(options.request_timeout),
        kept_(options.workers, options.idle_timeout),
        addresses_(options.addresses),
        settings_(civet_settings(options)),
        threads_(options.workers),
        acceptor_(acceptor_options(options)),
        context_(start(options)) {}
  Civet(const Civet&) = delete;
  Civet& operator=(const Civet&) = delete;

  // CivetWeb cuts off what it is sending when it stops, so it stops when nothing is being sent.
  ~Civet() {
    closing_ = true;
    kept_.release_all();
    in_flight_.wait_for_none(write_timeout_);
    acceptor_.stop();
  }

  // Waits until it serves. Throws ServeError or std::bad_alloc.
  void await_start() {
    if (!context_.has_started()) {
      throw ServeError("cannot start CivetWeb on " + civet_ports(addresses_, false) + ": " +
                       first_message());
    }
    if (!context_.has(settings_)) throw std::bad_alloc();
    acceptor_.take_place_of(context_.bound());
    threads_.await_all();
    acceptor_.start();
    for (std::size_t i = 0; i < addresses_.size(); ++i) {
      addresses_[i].port = static_cast<std::uint16_t>(context_.ports()[i].port);
    }
  }

  [[nodiscard]] const std::vector<ListenAddress>& addresses() const noexcept { return addresses_; }

 private:
  CivetContext start(const Options& options) {
    mg_callbacks callbacks{};
    callbacks.init_thread = &Civet::init_thread;
    callbacks.begin_request = &Civet::begin_request;
    callbacks.http_error = &Civet::http_error;
    callbacks.init_connection = &Civet::init_connection;
    callbacks.connection_close = &Civet::connection_close;
    callbacks.log_message = &Civet::log_message;
    callbacks.external_ssl_ctx = &Civet::external_ssl_ctx;
    return {callbacks, this, settings_, options.addresses.size()};
  }

  static Acceptor::Options acceptor_options(const Options& options) {
    const std::size_t waiting = check_start(options.addresses, options.workers);
    Acceptor::Options chosen;
    chosen.limits = {options.workers, options.max_connections_per_client, waiting,
                     options.request_timeout};
    chosen.tls = has_tls(options);
    chosen.allowed = options.allowed;
    chosen.on_refused = options.on_refused;
    return chosen;
  }

  // CivetWeb asks for it when it starts, and again when it ends: the result keeps it from freeing
  // it.
  static int external_ssl_ctx(void** context, void* user) noexcept {
    constexpr int kOurs = 1;
    *context = static_cast<Civet*>(user)->security_->tls_context();
    return kOurs;
  }

  static void* init_thread(const mg_context* context, int) noexcept {
    auto& self = *static_cast<Civet*>(::mg_get_user_data(context));
    self.acceptor_.mark_worker();
    self.threads_.count_one();
    return nullptr;
  }

  static Civet& self_of(const mg_connection* connection) noexcept {
    return *static_cast<Civet*>(::mg_get_user_data(::mg_get_context(connection)));
  }

  // Returns null if there was no memory for it.
  static Connection* state_of(const mg_connection* connection) noexcept {
    return static_cast<Connection*>(::mg_get_user_connection_data(connection));
  }

  static int init_connection(const mg_connection* connection, void** state) noexcept {
    *state = new (std::nothrow) Connection;
    if (*state != nullptr) self_of(connection).kept_.begin();
    return 0;
  }

  // Answers `OPTIONS *`, for which CivetWeb does not call begin_request(): this is the last chance.
  // CivetWeb owns the connection and did not make it const.
  static void connection_close(const mg_connection* connection) noexcept {
    const std::unique_ptr<Connection> state(state_of(connection));
    if (state == nullptr) return;
    state->ends = true;
    if (!state->refused && asks_about_server(*::mg_get_request_info(connection))) {
      begin_request(const_cast<mg_connection*>(connection));
    }
    self_of(connection).kept_.end(state->kept);
    wipe_received();
  }

  static int begin_request(mg_connection* connection) noexcept {
    auto& self = self_of(connection);
    self.in_flight_.enter();
    const Answer answer = self.answer(connection);
    self.in_flight_.leave();
    // A connection with a request body closes, so that CivetWeb does not read it to its end.
    if (answer.after == AfterAnswer::close || !self.await_request(state_of(connection)->kept)) {
      ::mg_disable_connection_keep_alive(connection);
    }
    return answer.status;
  }

  [[nodiscard]] bool await_request(const KeptConnections::Connection& connection) noexcept {
    acceptor_.enter(connection.socket, Phase::idle);
    const bool keep = kept_.await_request(connection);
    acceptor_.enter(connection.socket, Phase::reading);
    return keep;
  }

  struct Answer {
    int status = 500;  // any status tells CivetWeb that the request is done
    AfterAnswer after = AfterAnswer::close;
  };

  Answer answer(mg_connection* connection) noexcept {
    const int socket = socket_of(*::mg_get_request_info(connection));
    acceptor_.enter(socket, Phase::working);
    try {
      Login login;  // taken out before the request is copied
      const bool has_login = take_login(*::mg_get_request_info(connection), login);
      HttpRequest request = read_request(*::mg_get_request_info(connection));
      if (const auto client = acceptor_.client_of(socket)) request.client = to_string(*client);
      HttpResponse response = respond(request, has_login ? &login : nullptr);
      add_headers(response);
      on_answer_(request.path, response.status);
      const AfterAnswer after = after_answer(connection, response);
      acceptor_.enter(socket, Phase::writing);
      const bool sent = write_response(connection, response, after, request.method != "HEAD");
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
    if (state == nullptr || state->ends || response.status >= kFirstError) {
      return AfterAnswer::close;
    }
    const mg_request_info& request = *::mg_get_request_info(connection);
    state->kept.socket = socket_of(request);
    return kept_.may_keep(state->kept, request) ? AfterAnswer::keep : AfterAnswer::close;
  }

  HttpResponse respond(const HttpRequest& request, const Login* login) {
    if (closing_) return text_response(503, "ending\n");
    try {
      if (security_ != nullptr) {
        if (auto refusal = security_->refusal(request.path, login, request.client)) return *refusal;
      }
      return handler_(request);
    } catch (const std::exception& error) {
      spdlog::error("{} {} failed: {}", request.method, request.path, error.what());
    } catch (...) {
      spdlog::error("{} {} failed", request.method, request.path);
    }
    return text_response(500, "internal error\n");
  }

  void add_headers(HttpResponse& response) const {
    if (security_ != nullptr) security_->add_headers(response);
  }

  // Answers what CivetWeb cannot parse.
  static int http_error(mg_connection* connection, int status, const char*) noexcept {
    constexpr int kHandled = 0;
    Civet& self = self_of(connection);
    self.acceptor_.enter(socket_of(*::mg_get_request_info(connection)), Phase::writing);
    if (Connection* const state = state_of(connection)) state->refused = true;
    self.on_answer_({}, status);
    try {
      const std::string reason = ::mg_get_response_code_text(connection, status);
      HttpResponse response = text_response(status, reason + "\n");
      self.add_headers(response);
      static_cast<void>(write_response(connection, response, AfterAnswer::close, true));
    } catch (const std::exception& error) {
      spdlog::error("answering a request failed: {}", error.what());
    }
    return kHandled;
  }

  // Logs errors of clients at debug only. Keeps the first message: it explains a failed start.
  // NOLINTNEXTLINE(bugprone-exception-escape)
  static int log_message(const mg_connection* connection, const char* message) noexcept {
    constexpr int kHandled = 1;
    const mg_context* context = ::mg_get_context(connection);
    if (context == nullptr) return kHandled;
    end_if_worker_is_lost(message);
    static_cast<Civet*>(::mg_get_user_data(context))->keep_message(message);
    spdlog::debug("civetweb: {}", message);
    return kHandled;
  }

  // CivetWeb goes on with fewer workers if one has no memory for its buffer, after it has begun.
  // Such a server would serve by half: ends the process as any lack of memory that nobody catches.
  static void end_if_worker_is_lost(std::string_view message) {
    constexpr std::string_view kLost = "Out of memory: Cannot allocate buffer for worker";
    if (message.starts_with(kLost)) throw std::bad_alloc();
  }

  // Cuts the message to a fixed size, because an allocation could throw.
  void keep_message(std::string_view message) noexcept {
    const std::lock_guard lock(message_mutex_);
    if (first_message_[0] != '\0') return;
    message.copy(first_message_.data(), first_message_.size() - 1);
  }

  [[nodiscard]] std::string first_message() {
    const std::lock_guard lock(message_mutex_);
    return first_message_[0] != '\0' ? first_message_.data() : "CivetWeb gives no reason";
  }

  const CivetLibrary library_;
  const Handler handler_;
  const std::function<void(std::string_view, int)> on_answer_;
  const std::shared_ptr<WebSecurity> security_;
  const std::chrono::milliseconds write_timeout_;
  KeptConnections kept_;
  InFlight in_flight_;
  std::atomic<bool> closing_ = false;
  std::mutex message_mutex_;
  std::array<char, 256> first_message_{};
  std::vector<ListenAddress> addresses_;
  const CivetContext::Settings settings_;
  CivetThreads threads_;
  Acceptor acceptor_;
  CivetContext context_;  // last: its threads use the members above
};

HttpServer::HttpServer(const Options& options, Handler handler)
    : civet_(std::make_unique<Civet>(options, std::move(handler))) {
  civet_->await_start();  // if it throws, the destructor of Civet ends the requests in flight
}

HttpServer::~HttpServer() = default;

const std::vector<ListenAddress>& HttpServer::addresses() const noexcept {
  return civet_->addresses();
}

}  // namespace sockdiag
