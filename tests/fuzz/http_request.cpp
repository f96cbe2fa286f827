// SPDX-License-Identifier: Apache-2.0

// Requests to the pages, as lines: method, target and headers, each with a colon.

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "generated_input.hpp"
#include "sockdiag/pages/pages.hpp"
#include "unit/pages/scene.hpp"

namespace sockdiag::test {
namespace {

HttpRequest take_request(GeneratedInput& input) {
  HttpRequest request{.method = input.take_line(), .path = input.take_line()};
  const std::size_t question = request.path.find('?');
  if (question != std::string::npos) {
    request.query = request.path.substr(question + 1);
    request.path.resize(question);
  }
  while (!input.is_empty()) {
    const std::string line = input.take_line();
    const std::size_t colon = std::min(line.find(':'), line.size());
    request.headers.emplace_back(line.substr(0, colon),
                                 line.substr(std::min(colon + 1, line.size())));
  }
  return request;
}

// A host on which something is wrong, so that there is something to show.
std::shared_ptr<const sockdiag::Exposition> ill_host() {
  Scene scene;
  scene.listens(8080, {.length = 3, .limit = 128, .utilization = 0.02})
      .sockets(Direction::inbound, 8080, TcpState::close_wait, 40)
      .sockets(Direction::outbound, 443, TcpState::syn_sent, 20)
      .finds({.id = FindingId::cw_in_not_closed, .direction = Direction::inbound, .port = 8080});
  return std::make_shared<const sockdiag::Exposition>(scene.exposition());
}

class Site {
 public:
  Site() { board_.publish(ill_host()); }

  HttpResponse answer(const HttpRequest& request) { return pages_.answer(request); }

 private:
  static Pages::Options options() {
    Pages::Options options;
    options.exporter_text = [](const SampleStatuses&, const Findings&) { return "own 1\n"; };
    options.reload = [] { return ReloadResult{}; };
    return options;
  }

  Board board_;
  Pages pages_{board_, options()};
};

bool is_field(const std::string& text) {
  return std::ranges::none_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

void answer(const HttpRequest& request) {
  static Site site;
  const HttpResponse response = site.answer(request);
  require(response.status >= 200 && response.status < 600, "a status is one of HTTP");
  require(response.status != 500, "no request makes a page throw");
  bool compressed = false;
  for (const auto& [name, value] : response.headers) {
    require(is_field(name) && is_field(value), "a header is one line");
    compressed = compressed || name == "Content-Encoding";
  }
  require(!compressed || accepts_gzip(request.header("Accept-Encoding").value_or("")),
          "only who accepts gzip gets it");
  if (compressed || !response.content_type.starts_with("application/json")) return;
  std::string body;
  for (const auto& part : response.body) body += *part;
  require(nlohmann::json::accept(body), "JSON is JSON");
}

}  // namespace
}  // namespace sockdiag::test

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace sockdiag::test;
  be_silent();
  GeneratedInput input(bytes, size);
  const sockdiag::HttpRequest request = take_request(input);
  static_cast<void>(request.parameter("lang"));
  answer(request);
  return 0;
}
