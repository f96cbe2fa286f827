# SPDX-License-Identifier: Apache-2.0
"""The components of the Kubernetes manifests: as kubectl renders them, and their containers started
by hand on a node that is played."""

import os
import pathlib
import stat
import tempfile
import unittest
import urllib.error
import urllib.request

from node import Container, Node, Pod, status_of
from support.network import enter_fresh_network_namespace
from support.opener import look_into_as_nobody
from test_kubernetes import BASE, only, render, values_of, word_for_resources

COMPONENTS = ("owners", "counters", "sockets")
NOBODY = {"runAsNonRoot": True, "runAsUser": 65534, "runAsGroup": 65534}
BOTH = 1 << 21 | 1 << 19  # CAP_SYS_ADMIN, CAP_SYS_PTRACE


def overlay(*components):
    """What an operator's kustomization with these components renders to."""
    with tempfile.TemporaryDirectory(prefix="sockdiag_deploy_") as directory:
        folder = pathlib.Path(directory).resolve()
        base = os.path.relpath(BASE, folder)
        lines = [f"resources: [{base}]", "components:"]
        lines += [f"  - {base}/components/{name}" for name in components]
        lines += ["images:", "  - {name: sockdiag_exporter, newName: registry.example/it, newTag: 1.2.3}"]
        (folder / "kustomization.yaml").write_text("\n".join(lines), encoding="utf-8")
        return render(folder)


def pod_of(objects):
    return only(objects, "DaemonSet")["spec"]["template"]["spec"]


@unittest.skipIf(word_for_resources() == "bases", "kubectl before 1.21 knows no components")
class Rendered(unittest.TestCase):
    maxDiff = None

    def test_each_adds_mounts_that_cannot_be_written(self):
        for name, expected in {
            "owners": {"/host/cgroup": "/sys/fs/cgroup", "/host/containers": "/var/log/containers"},
            "counters": {"/host/proc": "/proc"},
            "sockets": {"/host/proc": "/proc", "/run/sockdiag_opener": None},
        }.items():
            with self.subTest(name):
                pod = pod_of(overlay(name))
                volumes = {each["name"]: each for each in pod["volumes"]}
                mounts = pod["containers"][0]["volumeMounts"][1:]
                paths = {each["mountPath"]: volumes[each["name"]].get("hostPath", {}).get("path") for each in mounts}
                self.assertEqual(paths, expected)
                self.assertEqual([each["readOnly"] for each in mounts], [True] * len(mounts))

    def test_the_exporter_gains_no_right(self):
        before = pod_of(render(BASE))
        for names in (("owners", "counters"), ("owners", "sockets"), ("sockets", "owners")):
            with self.subTest(names):
                pod = pod_of(overlay(*names))
                exporter = pod["containers"][0]
                self.assertEqual(exporter["name"], "sockdiag-exporter")
                self.assertEqual(exporter["securityContext"], before["containers"][0]["securityContext"])
                self.assertEqual(pod["securityContext"], before["securityContext"])
                self.assertEqual({key: pod.get(key) for key in ("hostPID", "hostIPC", "hostUsers")},
                                 {"hostPID": None, "hostIPC": None, "hostUsers": None})

    def test_the_opener_has_two_capabilities_and_no_port(self):
        exporter, opener = pod_of(overlay("sockets"))["containers"]
        security = opener["securityContext"]
        self.assertEqual(security["capabilities"], {"drop": ["ALL"], "add": ["SYS_ADMIN", "SYS_PTRACE"]})
        self.assertNotIn("allowPrivilegeEscalation", security)  # the API refuses false
        self.assertNotIn("privileged", security)
        self.assertNotIn("ports", opener)
        self.assertTrue(security["readOnlyRootFilesystem"])
        self.assertEqual(opener["image"], exporter["image"])
        self.assertEqual(opener["image"], "registry.example/it:1.2.3")

    def test_owners_are_on_where_their_mounts_are(self):
        for names in ((), ("owners",), ("counters",), ("sockets", "owners"), ("owners", "sockets")):
            with self.subTest(names):
                exporter = pod_of(overlay(*names) if names else render(BASE))["containers"][0]
                (flag,) = [each for each in exporter["args"] if each.startswith("--owners.")]
                for name, value in values_of(exporter).items():
                    flag = flag.replace(name, value)
                self.assertEqual(flag, f"--owners.enabled={str('owners' in names).lower()}")

    def test_all_but_sockets_have_one_container(self):
        self.assertEqual(len(pod_of(overlay("owners", "counters"))["containers"]), 1)


class PlayedTest(unittest.TestCase):
    def setUp(self):
        enter_fresh_network_namespace()
        self.node = Node()
        self.addCleanup(self.node.end)

    def start_pod(self, name, **options):
        pod = Pod(self.node, name, **options)
        self.addCleanup(pod.end)
        return pod

    def start_containers(self, *components):
        """Those of the DaemonSet, in its order."""
        objects = overlay(*components)
        pod = pod_of(objects)
        configuration = next(each["data"] for each in objects if each["kind"] == "ConfigMap")
        self.volumes = self.node.volumes(pod, configuration)
        return [self.start(pod, container) for container in pod["containers"]]

    def start(self, pod, specification):
        values = values_of(specification).items()
        container = Container(pod, specification, self.volumes, values)
        self.addCleanup(lambda: self.assertEqual(container.stop(), 0, container.log.text_lines()))
        return container

    def wait_until_ready(self, exporter):
        exporter.wait_until(lambda: get("/-/ready") is not None, "it is ready")
        self.assertIn('sockdiag_sample_success{source="tcp"} 1\n', get("/metrics"))


@unittest.skipIf(word_for_resources() == "bases", "kubectl before 1.21 knows no components")
class Played(PlayedTest):
    def test_the_exporter_serves_with_each_component(self):
        for names in (("owners",), ("owners", "counters")):
            with self.subTest(names):
                (exporter,) = self.start_containers(*names)
                self.wait_until_ready(exporter)
                status = status_of(exporter.pid)
                self.assertEqual((status["Uid"].split()[0], status["CapEff"], status["NoNewPrivs"]),
                                 ("65534", "0" * 16, "1"))
                self.assertEqual(exporter.stop(), 0)

    def test_the_opener_passes_sockets_of_pods_to_the_exporters_user(self):
        pods = [self.start_pod(name) for name in ("cart-7d9_shop", "db-0_shop")]
        exporter, opener = self.start_containers("owners", "sockets")
        path = self.volumes["opener"] / "socket"
        opener.wait_until(path.exists, "the socket")
        found = path.stat()
        self.assertEqual((found.st_gid, stat.S_IMODE(found.st_mode)), (65534, 0o660))
        self.wait_until_ready(exporter)
        opener.wait_until(lambda: status_of(opener.pid)["NoNewPrivs"] == "1", "rights are dropped")
        status = status_of(opener.pid)
        self.assertEqual((int(status["CapEff"], 16), int(status["CapBnd"], 16)), (BOTH, BOTH))
        for pod in pods:
            sockets = look_into_as_nobody(str(path), pod.pid)["sockets"]
            self.assertEqual(len(sockets), 3)
            self.assertIn([[pod.port, 0], 10], sockets)


def get(path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:10293{path}", timeout=30) as answer:
            return answer.read().decode()
    except (urllib.error.URLError, ConnectionError):
        return None


if __name__ == "__main__":
    unittest.main()
