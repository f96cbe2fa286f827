// SPDX-License-Identifier: Apache-2.0

// The page at /: what diagnosis found, and what it looked at.

#include <algorithm>

#include "assets.hpp"
#include "document_cache.hpp"
#include "figures.hpp"
#include "labels.hpp"
#include "responses.hpp"
#include "sections.hpp"
#include "sockdiag/core/version.hpp"
#include "sockdiag/pages/pages.hpp"

namespace sockdiag {
namespace {

// Nothing is loaded from elsewhere, and nothing inline runs. The icon is a data URL.
constexpr char kSecurityPolicy[] =
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

constexpr std::string_view kPage = R"(<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{verdict} · sockdiag_exporter</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cg fill='%230b6e99'%3E%3Crect x='1' y='8' width='3' height='7' rx='1'/%3E%3Crect x='6' y='4' width='3' height='11' rx='1'/%3E%3Crect x='11' y='1' width='3' height='14' rx='1'/%3E%3C/g%3E%3C/svg%3E">
<link rel="stylesheet" href="page.css">
<script src="page.js" defer></script>
</head>
<body data-interval="{interval}" data-ago="{ago}">
<a class="skip" href="#main">{skip}</a>
<header>
<p class="brand">sockdiag_exporter <span class="quiet">{version}</span></p>
<nav aria-label="{pages}">
<a href="{metrics_path}">{metrics}</a>
<a href="-/healthy">{health}</a>
<a href="-/ready">{readiness}</a>
<a href="api/v1/findings?lang={language}">JSON</a>
<a href="?lang={other}" hreflang="{other}" lang="{other}">{other_name}</a>
</nav>
</header>
<main id="main" tabindex="-1">
<p id="offline" role="alert" hidden>{offline} <time></time>. {old}</p>
<p id="live" class="unseen" role="status" aria-live="polite"></p>
{sections}</main>
</body>
</html>
)";

Html sections_html(const PageFacts& facts) {
  Html sections;
  for (const auto section :
       {findings_section, totals_section, ports_section, owners_section, limits_section,
        trend_section, states_section, exporter_section, configuration_section}) {
    sections += section(facts);
  }
  return sections;
}

// Seconds between two refreshes: no page needs more than the sockets are sampled.
long interval_of(const View& view) {
  if (view.samples == nullptr || view.samples->statuses.empty()) return 2;
  const auto interval =
      std::chrono::ceil<std::chrono::seconds>(view.samples->statuses.front().interval);
  return std::clamp<long>(interval.count(), 2, 60);
}

// Without the slash, so that links work behind a proxy that adds a prefix.
std::string_view relative(std::string_view path) { return path.substr(1); }

}  // namespace

Html time_html(std::chrono::system_clock::time_point time) {
  return fill(R"(<time datetime="{machine}">{people}</time>)",
              {{"machine", timestamp(time)}, {"people", clock_text(time)}});
}

Html breakable(std::string_view name) {
  const auto underscore = name.find('_');
  if (underscore == std::string_view::npos) return Html(escaped(name));
  return Html(escaped(name.substr(0, underscore + 1)) + "<wbr>" +
              escaped(name.substr(underscore + 1)));
}

std::string page_html(const PageFacts& facts) {
  const bool is_english = facts.language == Language::english;
  const Language other = is_english ? Language::chinese : Language::english;
  return fill(kPage, {{"language", tag_of(facts.language)},
                      {"verdict", verdict_text(facts)},
                      {"interval", interval_of(facts.view)},
                      {"ago", facts(labels::kAgo)},
                      {"skip", facts(labels::kSkip)},
                      {"version", build_info().version},
                      {"pages", facts(labels::kPages)},
                      {"metrics_path", relative(facts.telemetry_path)},
                      {"metrics", facts(labels::kMetrics)},
                      {"health", facts(labels::kHealth)},
                      {"readiness", facts(labels::kReadiness)},
                      {"other", tag_of(other)},
                      {"other_name", is_english ? "中文" : "English"},
                      {"offline", facts(labels::kOffline)},
                      {"old", facts(labels::kOldPage)},
                      {"sections", sections_html(facts)}})
      .text();
}

HttpResponse Pages::status(const HttpRequest& request) {
  const Language language = language_of(request);
  const auto render = [&](const Latest& latest) {
    const View view(*latest.publication, latest.now);
    const ExporterState exporter = options_.exporter_state();
    const std::vector<Setting> settings = options_.settings();
    return page_html({view, language, std::chrono::system_clock::now(), exporter, settings,
                      options_.telemetry_path});
  };
  const auto document = documents_->get(DocumentKind::page, language, board_, render);
  HttpResponse response = document_response(request, *document, "text/html; charset=utf-8");
  response.headers.emplace_back("Content-Security-Policy", kSecurityPolicy);
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  return response;
}

HttpResponse Pages::style(const HttpRequest& request) {
  static const Document style{std::string(page_css())};
  return document_response(request, style, "text/css; charset=utf-8");
}

HttpResponse Pages::script(const HttpRequest& request) {
  static const Document script{std::string(page_js())};
  return document_response(request, script, "text/javascript; charset=utf-8");
}

}  // namespace sockdiag
