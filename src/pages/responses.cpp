// SPDX-License-Identifier: Apache-2.0
#include "responses.hpp"

namespace sockdiag {
namespace {

// Points into the part and keeps it alive.
std::shared_ptr<const std::string> text_of(const std::shared_ptr<const TextPart>& part) {
  return {part, &part->text()};
}

std::shared_ptr<const std::string> deflated_of(const std::shared_ptr<const TextPart>& part) {
  return {part, &part->deflated().bytes};
}

void append_gzip(HttpResponse& response,
                 const std::vector<std::shared_ptr<const TextPart>>& parts) {
  std::vector<const DeflatedPart*> deflated;
  response.headers.emplace_back("Content-Encoding", "gzip");
  response.body.push_back(std::make_shared<const std::string>(gzip_header()));
  for (const auto& part : parts) {
    response.body.push_back(deflated_of(part));
    deflated.push_back(&part->deflated());
  }
  response.body.push_back(std::make_shared<const std::string>(gzip_trailer(deflated)));
}

}  // namespace

void set_body(HttpResponse& response, const HttpRequest& request,
              const std::vector<std::shared_ptr<const TextPart>>& parts) {
  if (accepts_gzip(request.header("Accept-Encoding").value_or(""))) {
    append_gzip(response, parts);
  } else {
    for (const auto& part : parts) response.body.push_back(text_of(part));
  }
}

HttpResponse document_response(const HttpRequest& request, const Document& document,
                               std::string_view content_type) {
  HttpResponse response{200, std::string(content_type), {}, {}};
  response.headers = {{"ETag", document.etag},
                      {"Cache-Control", "no-cache"},
                      {"Vary", "Accept-Encoding, Accept-Language"}};
  if (matches_etag(request.header("If-None-Match").value_or(""), document.etag)) {
    response.status = 304;
  } else {
    set_body(response, request, {document.part});
  }
  return response;
}

Language language_of(const HttpRequest& request) {
  const auto asked_for = language_of_tag(request.parameter("lang").value_or(""));
  return asked_for ? *asked_for : accepted_language(request.header("Accept-Language").value_or(""));
}

}  // namespace sockdiag
