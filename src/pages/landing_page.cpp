// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/core/version.hpp"
#include "sockdiag/pages/pages.hpp"

namespace sockdiag {

HttpResponse Pages::landing(const HttpRequest&) {
  const std::string version(build_info().version);
  HttpResponse response = text_response(
      200,
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"
      "<title>sockdiag_exporter</title></head>\n<body>\n<h1>sockdiag_exporter " +
          version +
          "</h1>\n<p>TCP sockets of this host by state, service port and direction.</p>\n<ul>\n"
          "<li><a href=\"" +
          options_.telemetry_path +
          "\">Metrics</a></li>\n<li><a href=\"/-/healthy\">Health</a></li>\n"
          "<li><a href=\"/-/ready\">Readiness</a></li>\n</ul>\n</body>\n</html>\n");
  response.content_type = "text/html; charset=utf-8";
  return response;
}

}  // namespace sockdiag
