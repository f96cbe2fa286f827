// SPDX-License-Identifier: Apache-2.0
#include "document_cache.hpp"
#include "responses.hpp"
#include "sockdiag/pages/json.hpp"
#include "sockdiag/pages/pages.hpp"

namespace sockdiag {
namespace {

constexpr char kJson[] = "application/json";

}  // namespace

HttpResponse Pages::findings(const HttpRequest& request) {
  const Language language = language_of(request);
  const auto document =
      documents_->get(DocumentKind::findings, language, board_, [&](const Latest& latest) {
        return findings_json(*latest.publication, latest.now, language);
      });
  return document_response(request, *document, kJson);
}

HttpResponse Pages::samples(const HttpRequest& request) {
  const auto document = documents_->get(
      DocumentKind::samples, Language::english, board_,
      [](const Latest& latest) { return samples_json(*latest.publication, latest.now); });
  return document_response(request, *document, kJson);
}

HttpResponse Pages::states(const HttpRequest& request) {
  static const std::array<Document, kLanguages.size()> documents = {
      Document(states_json(kLanguages[0])), Document(states_json(kLanguages[1]))};
  return document_response(request, documents.at(static_cast<std::size_t>(language_of(request))),
                           kJson);
}

}  // namespace sockdiag
