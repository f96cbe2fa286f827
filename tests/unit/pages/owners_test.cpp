// SPDX-License-Identifier: Apache-2.0

// Owners and other network namespaces, in the JSON and on the page.

#include "pages/sections.hpp"
#include "scene.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

Finding leak() {
  Finding finding{FindingId::cw_in_not_closed, Severity::warning, Direction::inbound, 8443};
  finding.owner = {"shop", "cart-7d9", "app", "", ""};
  finding.port_name = "checkout";
  return finding;
}

std::string page_of(const Scene& scene, Language language = Language::english) {
  const Exposition exposition = scene.exposition();
  const View view(exposition, scene.now);
  const ExporterState exporter{};
  const std::vector<Setting> settings;
  return page_html({view, language, std::chrono::system_clock::time_point(Scene::kSampledAt),
                    exporter, settings, "/metrics"});
}

}  // namespace

TEST_CASE("A finding's owner is an object of the labels that it has") {
  Scene scene;
  scene.finds(leak()).finds({FindingId::orphans, Severity::warning});
  const Json found = scene.findings_document()["findings"];
  CHECK(found[0]["owner"] ==
        Json({{"namespace", "shop"}, {"pod", "cart-7d9"}, {"container", "app"}}));
  CHECK(found[0]["port_name"] == "checkout");
  CHECK(found[0]["other_namespace"] == false);
  CHECK_THAT(found[0]["text"].get<std::string>(),
             contains_text("port 8443 (checkout), inbound, in pod shop/cart-7d9, container app: "));
  CHECK(found[1]["owner"].is_null());
  CHECK(found[1]["port_name"].is_null());
}

TEST_CASE("The samples have owners, namespaces and the names of ports") {
  Scene scene;
  scene.port_names = {{80, "web"}};
  const Json samples = scene.listens(80, {}).listens(81, {}).has_owners().samples_document();
  CHECK(samples["ports"][0]["name"] == "web");
  CHECK(samples["ports"][1]["name"].is_null());
  const Json& leak = samples["owners"][1];
  CHECK(leak["owner"]["pod"] == "cart-7d9");
  CHECK(leak["port"] == "8443");
  CHECK(leak["states"]["close_wait"] == 7);
  CHECK(leak["close_wait_causes"]["not_closed"] == 7);
  const Json& namespaces = samples["namespaces"];
  CHECK(namespaces["statuses"] ==
        Json({{"sampled", 1}, {"counted", 2}, {"skipped", 0}, {"failed", 0}}));
  CHECK(namespaces["rotation_seconds"] == 7.5);
  CHECK(namespaces["owners"][0] == Json::parse(R"({"owner": {"unit": "db.service"},
      "namespaces": 2, "totals": null,
      "kernel_sockets": {"open": 5, "connected": 4, "time_wait": 0}})"));
  CHECK(namespaces["owners"][1]["totals"]["established"] == 1234);
}

TEST_CASE("Without owners and namespaces their members are null") {
  const Json samples = Scene().samples_document();
  CHECK(samples.at("owners").is_null());
  CHECK(samples.at("namespaces").is_null());
}

TEST_CASE("The page has tables of owners and of namespaces where they are known") {
  Scene scene;
  scene.port_names = {{8443, "checkout"}};
  scene.listens(8443, {}).finds(leak());
  CHECK(page_of(scene).find("id=\"owners\"") == std::string::npos);
  const std::string page = page_of(scene.has_owners());
  CHECK_THAT(page, contains_text("<th scope=\"row\">shop/cart-7d9 · app</th>"));
  CHECK_THAT(page, contains_text("<th scope=\"row\">nginx.service</th>"));
  CHECK_THAT(page, contains_text("<th scope=\"row\">shop/mail-x2</th>"));
  CHECK_THAT(page, contains_text("8443<small>checkout</small>"));
  CHECK_THAT(page, contains_text("in pod shop/cart-7d9, container app"));
  const std::string dash = "<td class=\"zero\">–</td>";
  CHECK_THAT(page, contains_text("<th scope=\"row\">db.service</th>" + dash + dash + dash + dash +
                                 "<td>≥ 5</td></tr>"));
  CHECK_THAT(page_of(scene, Language::chinese), contains_text("本机的其他网络命名空间"));
}

TEST_CASE("The page of a node with many namespaces stays short") {
  Scene scene;
  scene.has_owners();
  const NamespaceSample pod = scene.namespaces->samples[1];
  for (int i = 0; i < 300; ++i) {
    Finding finding = leak();
    finding.of_namespace = true;
    finding.owner.pod = "pod-" + std::to_string(i);
    scene.finds(finding);
    scene.namespaces->samples.push_back(pod);
    scene.namespaces->samples.back().owner = finding.owner;
  }
  const std::string page = page_of(scene);
  CHECK_THAT(page, contains_text("Further findings, not shown here: 250"));
  CHECK_THAT(page, contains_text("Left out: 252"));
  CHECK(page.size() < 500'000);
}

}  // namespace sockdiag::test
