// SPDX-License-Identifier: Apache-2.0
#include "owners/container_logs.hpp"

#include <filesystem>
#include <fstream>

#include "folder.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

const std::string kId = std::string(60, 'a') + "0123";

ContainerLog log(const std::string& pod, const std::string& kubernetes_namespace,
                 const std::string& container, const std::string& id = kId) {
  return {id, {kubernetes_namespace, pod, container}};
}

}  // namespace

TEST_CASE("The name of a container's log tells pod, namespace and container") {
  CHECK(parse_container_log("cart-7d9_shop_app-" + kId + ".log") == log("cart-7d9", "shop", "app"));
  CHECK(parse_container_log("a.b_kube-system_side-car-" + kId + ".log") ==
        log("a.b", "kube-system", "side-car"));
}

TEST_CASE("The name of a log that kubelet has cut tells what is left") {
  const std::string pod(150, 'p');
  const std::string whole = pod + "_shop_" + std::string(40, 'c') + "-" + kId;
  const std::string cut = whole.substr(0, 251);
  const auto parsed = parse_container_log(cut + ".log");
  REQUIRE(parsed.has_value());
  CHECK(*parsed == log(pod, "shop", std::string(40, 'c'), kId.substr(0, cut.size() - 197)));
  CHECK_FALSE(parse_container_log(whole.substr(0, 197 + 11) + ".log").has_value());
}

TEST_CASE("Other names are no logs of containers") {
  for (const std::string& name : std::vector<std::string>{
           "", ".log", "cart_shop_app-" + kId, "cart_shop_app-" + kId + ".log.1",
           "cart_shop_app" + kId + ".log", "cart_shop_-" + kId + ".log",
           "_shop_app-" + kId + ".log", "cart__app-" + kId + ".log", "cart-" + kId + ".log",
           "cart_shop_app-" + kId + "0.log", "cart_shop_app-" + std::string(64, 'G') + ".log",
           "cart_shop_app-.log"}) {
    INFO(name);
    CHECK_FALSE(parse_container_log(name).has_value());
  }
}

TEST_CASE("Names of pods become fit for labels") {
  const auto parsed = parse_container_log("ca\nrt_sh\xffop_app-" + kId + ".log");
  REQUIRE(parsed.has_value());
  CHECK(parsed->names.pod == "ca\\nrt");
  CHECK(parsed->names.kubernetes_namespace.find('\xff') == std::string::npos);
}

TEST_CASE("Logs are found by the whole id, also where it was cut") {
  const Folder folder;
  const std::string cut(20, 'b');
  folder.link("cart_shop_app-" + kId + ".log");
  folder.link("pay_shop_app-" + cut + ".log");
  folder.link("nonsense");
  ContainerLogs logs;
  CHECK(logs.list(folder.path()).empty());
  REQUIRE(logs.find(kId) != nullptr);
  CHECK(logs.find(kId)->pod == "cart");
  REQUIRE(logs.find(cut + std::string(44, '1')) != nullptr);
  CHECK(logs.find(cut + std::string(44, '1'))->pod == "pay");
  CHECK(logs.find(std::string(64, 'b'))->pod == "pay");
  CHECK(logs.find(std::string(64, 'c')) == nullptr);
  CHECK(logs.find(std::string(64, '0')) == nullptr);
  CHECK(logs.find("") == nullptr);
}

TEST_CASE("A folder that is not there has no logs and is told") {
  const Folder folder;
  folder.link("cart_shop_app-" + kId + ".log");
  ContainerLogs logs;
  CHECK(logs.list(folder.path()).empty());
  CHECK_THAT(logs.list(folder.path() + "/none"), contains_text("none: No such file"));
  CHECK(logs.find(kId) == nullptr);
}

}  // namespace sockdiag::test
