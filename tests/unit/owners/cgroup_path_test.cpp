// SPDX-License-Identifier: Apache-2.0
#include "owners/cgroup_path.hpp"

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

const std::string kId(64, 'a');  // of a container
const std::string kOther = std::string(63, 'b') + "0";
const std::string kShort(12, 'a');
const std::string kUid = "0a1b2c3d-1111-2222-3333-444455556666";
const std::string kSliceUid = "0a1b2c3d_1111_2222_3333_444455556666";
const std::string kStaticUid = "0123456789abcdef0123456789abcdef";
const std::string kSlices = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod";
const std::string kUser = "/user.slice/user-1000.slice/user@1000.service";

// What a path tells, in one line: "pod <uid> container <name> unit <name> by <runtime>".
std::string told_by(const std::string& path) {
  const Owner owner = owner_of_cgroup_path(path);
  std::string text;
  const auto add = [&](const char* word, const std::string& value) {
    if (!value.empty()) text += (text.empty() ? "" : " ") + std::string(word) + " " + value;
  };
  add("pod", owner.labels.pod_uid);
  add("container", owner.labels.container);
  add("unit", owner.labels.unit);
  add("by", owner.runtime);
  CHECK(owner.labels.pod_uid == owner.pod_uid);
  CHECK(owner.cgroup == path);
  if (!owner.container_id.empty())
    CHECK(owner.container_id.substr(0, 12) == owner.labels.container);
  return text;
}

struct Row {
  std::string it;
  std::string path;
  std::string told;
};

const std::string kPodWithContainer = "pod " + kUid + " container " + kShort;
const std::string kContainer = "container " + kShort;

const std::vector<Row> kShapes = {
    {"kubelet, systemd driver, burstable",
     kSlices + kSliceUid + ".slice/cri-containerd-" + kId + ".scope",
     kPodWithContainer + " by containerd"},
    {"kubelet, systemd driver, guaranteed",
     "/kubepods.slice/kubepods-pod" + kSliceUid + ".slice/cri-containerd-" + kId + ".scope",
     kPodWithContainer + " by containerd"},
    {"CRI-O", kSlices + kSliceUid + ".slice/crio-" + kId + ".scope",
     kPodWithContainer + " by cri-o"},
    {"CRI-O with a cgroup inside", kSlices + kSliceUid + ".slice/crio-" + kId + ".scope/container",
     kPodWithContainer + " by cri-o"},
    {"CRI-O's monitor", kSlices + kSliceUid + ".slice/crio-conmon-" + kId + ".scope",
     "pod " + kUid},
    {"kubelet, cgroupfs driver", "/kubepods/besteffort/pod" + kUid + "/" + kId, kPodWithContainer},
    {"kubelet, cgroupfs driver, guaranteed", "/kubepods/pod" + kUid + "/" + kId, kPodWithContainer},
    {"kubelet, cgroupfs driver, CRI-O", "/kubepods/besteffort/pod" + kUid + "/crio-" + kId,
     kPodWithContainer + " by cri-o"},
    {"mixed drivers",
     "/system.slice/containerd.service/kubepods-burstable-pod" + kSliceUid +
         ".slice:cri-containerd:" + kId,
     kPodWithContainer + " by containerd"},
    {"a static pod", kSlices + kStaticUid + ".slice/cri-containerd-" + kId + ".scope",
     "pod " + kStaticUid + " container " + kShort + " by containerd"},
    {"a static pod, cgroupfs driver", "/kubepods/burstable/pod" + kStaticUid + "/" + kId,
     "pod " + kStaticUid + " container " + kShort},
    {"a pod's own cgroup", kSlices + kSliceUid + ".slice", "pod " + kUid},
    {"kind",
     "/docker/" + kOther +
         "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/" +
         "kubelet-kubepods-burstable-pod" + kSliceUid + ".slice/cri-containerd-" + kId + ".scope",
     kPodWithContainer + " by containerd"},
    {"a pod's own cgroup in kind",
     "/docker/" + kOther + "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" +
         kSliceUid + ".slice",
     "pod " + kUid},
    {"kind's node itself", "/docker/" + kId + "/kubelet.slice/kubelet.service",
     kContainer + " by docker"},
    {"a container in a pod's container",
     "/kubepods/besteffort/pod" + kUid + "/" + kOther + "/docker/" + kId,
     kPodWithContainer + " by docker"},
    {"units in a pod's container",
     kSlices + kSliceUid + ".slice/cri-containerd-" + kId + ".scope/system.slice/nginx.service",
     kPodWithContainer + " by containerd"},
    {"Docker, systemd driver", "/system.slice/docker-" + kId + ".scope", kContainer + " by docker"},
    {"Docker, cgroupfs driver", "/docker/" + kId, kContainer + " by docker"},
    {"Docker, rootless", kUser + "/user.slice/docker-" + kId + ".scope", kContainer + " by docker"},
    {"Docker with an init inside", "/system.slice/docker-" + kId + ".scope/init.scope",
     kContainer + " by docker"},
    {"Podman", "/machine.slice/libpod-" + kId + ".scope/container", kContainer + " by podman"},
    {"Podman, rootless", kUser + "/user.slice/libpod-" + kId + ".scope/container",
     kContainer + " by podman"},
    {"Podman in a unit", "/system.slice/web.service/libpod-payload-" + kId,
     kContainer + " unit web.service by podman"},
    {"Podman in a user's unit", kUser + "/app.slice/web.service/libpod-payload-" + kId,
     kContainer + " unit web.service by podman"},
    {"a user's container named as a pod's",
     kUser + "/kubepods.slice/kubepods-pod" + kSliceUid + ".slice/cri-containerd-" + kId + ".scope",
     kContainer + " by containerd"},
    {"a user's cgroup named as a pod's", kUser + "/kubepods/pod" + kUid,
     "unit user@1000.service by systemd"},
    {"a user's cgroup named as a pod's with mixed drivers",
     kUser + "/kubepods-pod" + kSliceUid + ".slice:cri-containerd:" + kId,
     "unit user@1000.service by systemd"},
    {"a user's cgroup named as a service", kUser + "/nginx.service",
     "unit nginx.service by systemd"},
    {"Podman's monitor", "/machine.slice/libpod-conmon-" + kId + ".scope", "unit machine.slice"},
    {"Podman's monitor in a unit", "/system.slice/web.service/libpod-conmon-" + kId + ".scope",
     "unit web.service by systemd"},
    {"LXC", "/lxc.payload.web-1/system.slice/nginx.service", "container web-1 by lxc"},
    {"LXC, older", "/lxc/web-1/init.scope", "container web-1 by lxc"},
    {"LXC's monitor", "/lxc.monitor.web-1", "unit lxc.monitor.web-1"},
    {"Docker in LXC", "/lxc.payload.web/system.slice/docker-" + kId + ".scope",
     kContainer + " by docker"},
    {"systemd-nspawn", "/machine.slice/systemd-nspawn@my\\x2dbox.service/payload/nginx.service",
     "container my-box by nspawn"},
    {"a virtual machine", "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator",
     "container qemu-1-vm by machine"},
    {"a machine", "/machine.slice/machine-box.scope/payload", "container box by machine"},
    {"a service", "/system.slice/nginx.service", "unit nginx.service by systemd"},
    {"an instance of a service", "/system.slice/system-getty.slice/getty@tty1.service",
     "unit getty@tty1.service by systemd"},
    {"a user's service", kUser + "/app.slice/syncthing.service",
     "unit syncthing.service by systemd"},
    {"a user's manager", kUser + "/init.scope", "unit init.scope by systemd"},
    {"a user's manager itself", kUser, "unit user@1000.service by systemd"},
    {"a session", "/user.slice/user-1000.slice/session-3.scope", "unit session-3.scope by systemd"},
    {"the init process", "/init.scope", "unit init.scope by systemd"},
    {"a subtree below a service", "/system.slice/foo.service/workers/7",
     "unit foo.service by systemd"},
    {"a slice", "/system.slice", "unit system.slice"},
    {"a tree of nobody known", "/jobs/7", "unit jobs"},
    {"the root", "/", "unit none"},
    {"no path", "", "unit none"},
    {"another cgroup namespace", "/../../" + kSlices.substr(1) + kSliceUid + ".slice",
     "pod " + kUid},
    {"another cgroup namespace, last parts", "/../../cri-containerd-" + kId + ".scope",
     kContainer + " by containerd"},
    {"another cgroup namespace, its ancestor", "/../..", "unit other"},
};

}  // namespace

TEST_CASE("The path of a cgroup tells its owner") {
  for (const Row& row : kShapes) {
    INFO(row.it << ": " << row.path);
    CHECK(told_by(row.path) == row.told);
  }
}

TEST_CASE("What only looks like a pod or a container is none") {
  for (const std::string& path : std::vector<std::string>{
           "/kubepods.slice/kubepods-pod" + kSliceUid + "0.slice",
           "/kubepods.slice/kubepods-pod" + std::string(36, 'a') + ".slice",
           "/kubepods.slice/kubepods-podxa1b2c3d_1111_2222_3333_444455556666.slice",
           "/system.slice/docker-" + std::string(63, 'a') + ".scope",
           "/system.slice/docker-" + std::string(64, 'A') + ".scope",
           "/system.slice/docker" + kId + ".scope", "/docker/" + kId + "a", "/system.slice/-.scope",
           "/machine.slice/machine-.scope", "/machine.slice/systemd-nspawn@.service", "/lxc/",
           "/lxc.payload."}) {
    INFO(path);
    const Owner owner = owner_of_cgroup_path(path);
    CHECK(owner.pod_uid.empty());
    CHECK(owner.labels.container.empty());
    CHECK_FALSE(owner.labels.unit.empty());
  }
}

TEST_CASE("Names of cgroups become fit for labels") {
  CHECK(owner_of_cgroup_path("/system.slice/a\nb.service").labels.unit == "a\\nb.service");
  const std::string broken = owner_of_cgroup_path("/lxc/\xff\xfe").labels.container;
  CHECK(broken.find('\xff') == std::string::npos);
  CHECK_FALSE(broken.empty());
  const Owner longest = owner_of_cgroup_path("/lxc/" + std::string(5000, 'x'));
  CHECK(longest.labels.container.size() == 255);
  CHECK(longest.cgroup.size() == 1024);
}

}  // namespace sockdiag::test
