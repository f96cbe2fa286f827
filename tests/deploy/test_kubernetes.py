# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes manifests as kubectl renders them, and the real binary started as they say."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml
from support.exporter import Exporter, run
from support.polling import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BASE = ROOT / "deploy/kubernetes"
OPERATOR = BASE / "prometheus-operator"
GRAFANA = ROOT / "deploy/grafana"
PROMETHEUS = ROOT / "deploy/prometheus"
RULES = {"sockdiag-alerts": "sockdiag_alerts.yml", "sockdiag-recording": "sockdiag_recording.yml"}

# The kernel lets nobody without a capability do no more than the container may.
AS_IN_THE_CONTAINER = [
    *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
    *("--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--pdeathsig=KILL", "--"),
]

# kubectl apply keeps a copy of the object in an annotation, and annotations end there.
ANNOTATION_BYTES = 262144


def render(folder):
    """The objects of a kustomization, in kubectl's order. Without kubectl the test fails."""
    done = subprocess.run(
        ["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise AssertionError(f"kubectl kustomize {folder}: {done.stderr}")
    return list(yaml.safe_load_all(done.stdout))


def word_for_resources():
    """Under which folders are listed; kubectl of Debian 12 (1.20) has another word for it."""
    command = ["kubectl", "version", "--client", "--output=json"]
    done = subprocess.run(command, capture_output=True, check=True)
    minor = json.loads(done.stdout)["clientVersion"]["minor"]
    return "resources" if int(re.match(r"\d+", minor)[0]) > 20 else "bases"


def only(objects, kind):
    found = [each for each in objects if each["kind"] == kind]
    if len(found) != 1:
        raise AssertionError(f"{len(found)} objects of kind {kind}")
    return found[0]


def load(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def values_of(container):
    """Its environment, of which the kubelet puts $(NAME) into the arguments; the node is this host."""
    return {f"$({each['name']})": each.get("value", "127.0.0.1") for each in container.get("env", [])}


def name_of(each):
    return each["metadata"]["name"]


class ManifestTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.base = render(BASE)
        cls.daemon_set = only(cls.base, "DaemonSet")
        cls.template = cls.daemon_set["spec"]["template"]
        cls.pod = cls.template["spec"]
        (cls.container,) = cls.pod["containers"]
        cls.configuration = only(cls.base, "ConfigMap")

    def assert_selects_the_pod(self, labels):
        self.assertTrue(labels)
        self.assertLessEqual(labels.items(), self.template["metadata"]["labels"].items())


class Pod(ManifestTest):
    def test_it_may_do_nothing_but_look_at_the_network_of_its_node(self):
        pod, container = self.pod["securityContext"], self.container["securityContext"]
        account = only(self.base, "ServiceAccount")
        rows = {
            "is not root": (pod["runAsNonRoot"], True),
            "has a numeric user": (pod["runAsUser"], 65534),
            "has a numeric group": (pod["runAsGroup"], 65534),
            "has the runtime's seccomp profile": (pod["seccompProfile"]["type"], "RuntimeDefault"),
            "has no capability": (container["capabilities"], {"drop": ["ALL"]}),
            "gains no privilege": (container["allowPrivilegeEscalation"], False),
            "is not privileged": (container.get("privileged", False), False),
            "writes no file": (container["readOnlyRootFilesystem"], True),
            "mounts its configuration read-only": (
                [mount["readOnly"] for mount in self.container["volumeMounts"]],
                [True],
            ),
            "mounts nothing of the node": (
                [sorted(volume) for volume in self.pod["volumes"]],
                [["configMap", "name"]],
            ),
            "has the node's network": (self.pod["hostNetwork"], True),
            "has not the node's processes": (self.pod.get("hostPID", False), False),
            "has not the node's semaphores": (self.pod.get("hostIPC", False), False),
            "has no token": (self.pod["automountServiceAccountToken"], False),
            "has an account without a token": (account["automountServiceAccountToken"], False),
            "has that account": (self.pod["serviceAccountName"], name_of(account)),
            "is the only thing with rights": (
                [each["kind"] for each in self.base if "Role" in each["kind"]],
                [],
            ),
        }
        for name, (actual, expected) in rows.items():
            with self.subTest(name):
                self.assertEqual(actual, expected)

    def test_it_runs_on_every_linux_node_and_within_its_resources(self):
        resources = self.container["resources"]
        rows = {
            "tolerates every taint": (self.pod["tolerations"], [{"operator": "Exists"}]),
            "asks for Linux": (self.pod["nodeSelector"], {"kubernetes.io/os": "linux"}),
            "asks for little": (resources["requests"], {"cpu": "10m", "memory": "32Mi"}),
            "is limited in memory, not in CPU": (resources["limits"], {"memory": "256Mi"}),
            "has a quota for its priority": (
                [self.pod["priorityClassName"]],
                only(self.base, "ResourceQuota")["spec"]["scopeSelector"]["matchExpressions"][0][
                    "values"
                ],
            ),
        }
        for name, (actual, expected) in rows.items():
            with self.subTest(name):
                self.assertEqual(actual, expected)

    def test_it_is_selected_by_its_daemon_set(self):
        self.assert_selects_the_pod(self.daemon_set["spec"]["selector"]["matchLabels"])

    def test_everything_is_in_the_one_namespace(self):
        namespace = name_of(only(self.base, "Namespace"))
        for each in [*self.base, *render(OPERATOR)]:
            if each["kind"] != "Namespace":
                with self.subTest(each["kind"]):
                    self.assertEqual(each["metadata"]["namespace"], namespace)

    def test_its_image_is_of_this_version(self):
        project = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
        version = re.search(r"project\(sockdiag_exporter\s+VERSION (\S+)", project)[1]
        self.assertEqual(self.container["image"], f"sockdiag_exporter:{version}")

    def test_the_port_it_listens_on_is_the_one_declared(self):
        (port,) = self.container["ports"]
        address = self.container["args"][-1].partition("=")[2]
        self.assertEqual(address, f"[$(HOST_IP)]:{port['containerPort']}")
        self.assertEqual(port["hostPort"], port["containerPort"])
        self.assertIn(
            {"name": "HOST_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}},
            self.container["env"],
        )


class Exporters(ManifestTest):
    """The container's arguments, given to the real binary."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="sockdiag_deploy_")
        self.addCleanup(directory.cleanup)
        os.chmod(directory.name, 0o755)
        for name, text in self.configuration["data"].items():
            pathlib.Path(directory.name, name).write_text(text, encoding="utf-8")
        self.directory = directory.name

    def arguments(self):
        """With the ConfigMap where it is mounted, and any free port of loopback."""
        (mount,) = self.container["volumeMounts"]
        flags = " ".join(self.container["args"])
        flags = flags.replace(mount["mountPath"] + "/", self.directory + "/")
        for name, value in values_of(self.container).items():
            flags = flags.replace(name, value)
        return flags.replace("127.0.0.1]:10293", "127.0.0.1]:0").split()

    def start(self):
        exporter = Exporter(
            *self.arguments(), config=None, listen=None, prefix=AS_IN_THE_CONTAINER
        )
        self.addCleanup(lambda: self.assertEqual(exporter.dispose(), 0, exporter.log.text_lines()))
        return exporter.wait_until_listening()

    def test_the_config_map_is_mounted_by_its_name(self):
        (mount,), (volume,) = self.container["volumeMounts"], self.pod["volumes"]
        self.assertEqual(volume["name"], mount["name"])
        self.assertEqual(volume["configMap"], {"name": name_of(self.configuration)})

    def test_arguments_and_configuration_are_good(self):
        done = run(*self.arguments(), "--config.check")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertIn(f"--config.file={self.directory}/", self.arguments()[0])

    def test_probes_are_answered_without_any_privilege(self):
        exporter = self.start()
        port = self.container["ports"][0]["name"]
        # A sample that fails makes the pod unready; it is no reason to start the exporter anew.
        for probe, path in {"readinessProbe": "/-/ready", "livenessProbe": "/-/healthy"}.items():
            with self.subTest(probe):
                self.assertEqual(self.container[probe]["httpGet"], {"path": path, "port": port})
                wait_until(lambda path=path: exporter.request(path).status == 200, path)

    def test_a_scrape_finds_the_metrics_where_the_pod_monitor_looks(self):
        (endpoint,) = only(render(OPERATOR), "PodMonitor")["spec"]["podMetricsEndpoints"]
        answer = self.start().request(endpoint["path"])
        self.assertIn("sockdiag_exporter_build_info", answer.text)


class PrometheusFindsThePods(ManifestTest):
    def setUp(self):
        self.monitor = only(render(OPERATOR), "PodMonitor")["spec"]

    def test_by_the_pod_monitor(self):
        (endpoint,) = self.monitor["podMetricsEndpoints"]
        self.assert_selects_the_pod(self.monitor["selector"]["matchLabels"])
        self.assertIn(endpoint["port"], [port["name"] for port in self.container["ports"]])
        self.assertNotIn("namespaceSelector", self.monitor)
        self.assertIn(self.monitor["jobLabel"], self.template["metadata"]["labels"])

    def test_by_the_scrape_configuration_without_an_operator(self):
        (job,) = load(PROMETHEUS / "prometheus_kubernetes.yml")["scrape_configs"]
        (selector,) = job["kubernetes_sd_configs"][0]["selectors"]
        self.assert_selects_the_pod(dict([selector["label"].split("=")]))
        port = next(
            rule["regex"]
            for rule in job["relabel_configs"]
            if rule["source_labels"] == ["__meta_kubernetes_pod_container_port_name"]
        )
        self.assertEqual(port, self.container["ports"][0]["name"])

    def test_series_keep_the_labels_of_their_owners(self):
        (endpoint,) = self.monitor["podMetricsEndpoints"]
        self.assertIs(endpoint["honorLabels"], True)
        (job,) = load(PROMETHEUS / "prometheus_kubernetes.yml")["scrape_configs"]
        self.assertIs(job["honor_labels"], True)

    def test_series_outlive_a_restart_of_the_pod(self):
        (endpoint,) = self.monitor["podMetricsEndpoints"]
        dropped = [r["regex"] for r in endpoint["relabelings"] if r["action"] == "labeldrop"]
        for label, is_dropped in {
            "pod": True,
            "container": True,
            "endpoint": True,
            "namespace": True,
            "instance": False,
            "job": False,
        }.items():
            with self.subTest(label):
                found = any(re.fullmatch(regex, label) for regex in dropped)
                self.assertEqual(found, is_dropped)
        self.assertIn(
            ("instance", ["__meta_kubernetes_pod_node_name"]),
            [(r.get("targetLabel"), r.get("sourceLabels")) for r in endpoint["relabelings"]],
        )


class Rules(unittest.TestCase):
    maxDiff = None

    def test_prometheus_rules_are_the_rule_files(self):
        rules = [each for each in render(OPERATOR) if each["kind"] == "PrometheusRule"]
        self.assertEqual(
            {name_of(each): each["spec"] for each in rules},
            {name: load(PROMETHEUS / file) for name, file in RULES.items()},
        )

    def test_generate_has_nothing_to_change(self):
        done = self.generate(OPERATOR / "generate", "--check")
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_generate_tells_of_a_rule_that_was_changed(self):
        with tempfile.TemporaryDirectory(prefix="sockdiag_deploy_") as copy:
            deploy = pathlib.Path(copy, "deploy")
            shutil.copytree(OPERATOR, deploy / "kubernetes/prometheus-operator")
            shutil.copytree(PROMETHEUS, deploy / "prometheus")
            generate = deploy / "kubernetes/prometheus-operator/generate"
            with open(deploy / "prometheus/sockdiag_alerts.yml", "a", encoding="utf-8") as rules:
                rules.write("# one more line\n")
            self.assertEqual(self.generate(generate, "--check").returncode, 1)
            self.assertEqual(self.generate(generate).returncode, 0)
            self.assertEqual(self.generate(generate, "--check").returncode, 0)

    @staticmethod
    def generate(*command):
        return subprocess.run(command, capture_output=True, text=True, check=False)


class Dashboards(unittest.TestCase):
    def setUp(self):
        self.config_maps = render(GRAFANA)

    def test_config_maps_are_the_dashboards(self):
        files = {
            file.name: json.loads(file.read_text(encoding="utf-8"))
            for file in (GRAFANA / "dashboards").glob("*.json")
        }
        self.assertIn("sockdiag-host.json", files)
        self.assertEqual(
            {
                name: json.loads(text)
                for each in self.config_maps
                for name, text in each["data"].items()
            },
            files,
        )

    def test_config_maps_are_found_by_grafana_and_fit_kubectl(self):
        for each in self.config_maps:
            with self.subTest(name_of(each)):
                self.assertEqual(each["metadata"]["labels"]["grafana_dashboard"], "1")
                self.assertNotIn("namespace", each["metadata"])
                self.assertLess(len(json.dumps(each)), ANNOTATION_BYTES)


class Overlay(ManifestTest):
    """What an operator writes: the image, and a configuration."""

    TEXT = """
{resources}: [{base}]
images:
  - name: sockdiag_exporter
    newName: registry.example/sockdiag_exporter
    newTag: 1.2.3
configMapGenerator:
  - name: sockdiag-exporter
    namespace: sockdiag
    behavior: replace
    files: [sockdiag_exporter.yml]
"""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="sockdiag_deploy_")
        self.addCleanup(directory.cleanup)
        self.folder = pathlib.Path(directory.name).resolve()
        base = os.path.relpath(BASE, self.folder)
        text = self.TEXT.format(resources=word_for_resources(), base=base)
        self.write("kustomization.yaml", text)
        self.write("sockdiag_exporter.yml", "ports: {inbound: [443]}\n")
        self.objects = render(self.folder)

    def write(self, name, text):
        (self.folder / name).write_text(text, encoding="utf-8")

    def test_it_sets_the_image(self):
        (container,) = only(self.objects, "DaemonSet")["spec"]["template"]["spec"]["containers"]
        self.assertEqual(container["image"], "registry.example/sockdiag_exporter:1.2.3")

    def test_it_replaces_the_configuration_which_rolls_out(self):
        configuration = only(self.objects, "ConfigMap")
        (volume,) = only(self.objects, "DaemonSet")["spec"]["template"]["spec"]["volumes"]
        self.assertEqual(
            configuration["data"], {"sockdiag_exporter.yml": "ports: {inbound: [443]}\n"}
        )
        self.assertEqual(volume["configMap"]["name"], name_of(configuration))
        self.assertNotEqual(name_of(configuration), name_of(self.configuration))


if __name__ == "__main__":
    unittest.main()
