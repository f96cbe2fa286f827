// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/pages/pages.hpp"

#include <algorithm>
#include <utility>

#include "document_cache.hpp"

namespace sockdiag {
namespace {

constexpr std::string_view kRead[] = {"GET", "HEAD"};
constexpr std::string_view kPost[] = {"POST"};

HttpResponse with_allow(HttpResponse response, std::span<const std::string_view> methods) {
  std::string allow;
  for (const std::string_view method : methods) allow.append(method).append(", ");
  response.headers.emplace_back("Allow", allow + "OPTIONS");
  return response;
}

}  // namespace

Pages::~Pages() = default;

Pages::Pages(const Board& board, Options options)
    : board_(board), options_(std::move(options)), documents_(std::make_unique<DocumentCache>()) {
  routes_ = {{options_.telemetry_path, kRead, &Pages::metrics},
             {"/", kRead, &Pages::status},
             {"/page.css", kRead, &Pages::style},
             {"/page.js", kRead, &Pages::script},
             {"/api/v1/findings", kRead, &Pages::findings},
             {"/api/v1/samples", kRead, &Pages::samples},
             {"/api/v1/states", kRead, &Pages::states},
             {kHealthPath, kRead, &Pages::healthy},
             {"/-/ready", kRead, &Pages::ready}};
  if (options_.reload) routes_.push_back({"/-/reload", kPost, &Pages::reload});
}

// Load balancers and load tests send OPTIONS to see whether a server is there, so a path without a
// page is no error then.
HttpResponse Pages::answer(const HttpRequest& request) {
  const auto route = std::ranges::find(routes_, request.path, &Route::path);
  const bool found = route != routes_.end();
  if (request.method == "OPTIONS") {
    return with_allow({204, {}, {}, {}}, found ? route->methods : kRead);
  }
  if (!found) return text_response(404, "not found\n");
  if (std::ranges::find(route->methods, request.method) == route->methods.end()) {
    return with_allow(text_response(405, "method not allowed\n"), route->methods);
  }
  return (this->*route->handler)(request);
}

std::vector<std::string> Pages::paths() const {
  std::vector<std::string> paths;
  for (const Route& route : routes_) paths.push_back(route.path);
  return paths;
}

}  // namespace sockdiag
