// SPDX-License-Identifier: Apache-2.0

// The paths of cgroups and the names of container logs: whoever names a folder chooses them, and
// what is read from them becomes the values of labels.

#include <algorithm>
#include <string>
#include <string_view>

#include "generated_input.hpp"
#include "owners/cgroup_path.hpp"
#include "owners/container_logs.hpp"
#include "sockdiag/core/quoted.hpp"

namespace sockdiag::test {
namespace {

// one_line() changes nothing in text that is fit for a label but backslashes, which it doubles.
void require_label(const std::string& value) {
  std::string plain = value;
  std::erase(plain, '\\');
  require(one_line(plain) == plain, "labels are UTF-8 without control characters");
  require(value.size() <= 6 * 255, "labels are short");
}

void check_path(std::string_view path) {
  const Owner owner = owner_of_cgroup_path(path);
  require(!owner.labels.empty(), "an owner has a label");
  for (const std::string_view value : values_of(owner.labels)) require_label(std::string(value));
  require(owner.labels.pod_uid == owner.pod_uid, "a pod without a name shows its uid");
  require(owner.container_id.empty() || owner.container_id.size() == 64, "ids are whole");
}

void check_log(std::string_view name) {
  const auto log = parse_container_log(name);
  if (!log) return;
  require(log->container_id.size() >= kShortIdDigits && is_hex(log->container_id), "an id");
  for (const std::string& each :
       {log->names.pod, log->names.kubernetes_namespace, log->names.container}) {
    require(!each.empty(), "names are not empty");
    require_label(each);
  }
}

}  // namespace
}  // namespace sockdiag::test

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace sockdiag::test;
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  check_path(text);
  check_log(text);
  return 0;
}
