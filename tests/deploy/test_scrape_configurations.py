# SPDX-License-Identifier: Apache-2.0
"""The example Prometheus configurations load as they are and find the exporter."""

import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "deploy/prometheus"
EXAMPLES = ["prometheus_static.yml", "prometheus_file.yml", "prometheus_kubernetes.yml"]
RULES = ["sockdiag_alerts.yml", "sockdiag_recording.yml"]
PODS = "pods.yml"  # stands for the answers of a Kubernetes API server
DISCOVERY_SECONDS = 5  # promtool collects targets for all of them


def load(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def sockdiag_job(example):
    return load(SHIPPED / example)["scrape_configs"][0]


def promtool(*arguments, directory):
    return subprocess.run(
        ["promtool", "check", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )


def default_port():
    configuration = load(ROOT / "config/sockdiag_exporter.yml")
    return configuration["web"]["listen_addresses"][0].rpartition(":")[2]


class Copies(unittest.TestCase):
    """A copy of the directory, where relative names resolve and files may be broken."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="sockdiag_scrape_")
        self.addCleanup(temporary.cleanup)
        self.directory = pathlib.Path(temporary.name) / "prometheus"
        shutil.copytree(SHIPPED, self.directory)
        self._put_pods_for_kubernetes([])

    def _put_pods_for_kubernetes(self, pods):
        """Debian's Prometheus knows no Kubernetes: the same job with its pods from a file."""
        path = self.directory / "prometheus_kubernetes.yml"
        configuration = load(path)
        job = configuration["scrape_configs"][0]
        job.pop("kubernetes_sd_configs", None)
        job["file_sd_configs"] = [{"files": [PODS]}]
        path.write_text(yaml.safe_dump(configuration), encoding="utf-8")
        (self.directory / PODS).write_text(yaml.safe_dump(pods), encoding="utf-8")

    def check(self, example):
        return promtool("config", example, directory=self.directory)

    def replace(self, name, old, new):
        path = self.directory / name
        text = path.read_text(encoding="utf-8")
        self.assertIn(old, text)
        path.write_text(text.replace(old, new), encoding="utf-8")


class Loads(Copies):
    def test_promtool_accepts_each_without_a_warning(self):
        for example in EXAMPLES:
            with self.subTest(example):
                done = self.check(example)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertNotIn("WARNING", done.stdout + done.stderr)

    def test_promtool_checks_both_rule_files(self):
        for example in EXAMPLES:
            for rules in RULES:
                with self.subTest(example, rules=rules):
                    self.assertIn(f"Checking {rules}", self.check(example).stdout)

    def test_promtool_would_refuse_a_broken_one(self):
        rows = [
            ("without its alerts", "prometheus_static.yml", "sockdiag_alerts.yml", "no_alerts.yml"),
            ("with an URL as target", "prometheus_static.yml", "localhost:1", "http://localhost:1"),
            ("with an unknown key", "prometheus_file.yml", "file_sd_configs", "files_sd_configs"),
            ("with a bad interval", "prometheus_kubernetes.yml", "15s", "15"),
            ("with an unknown action", "prometheus_kubernetes.yml", "action: drop", "action: lose"),
        ]
        for what, example, old, new in rows:
            with self.subTest(what):
                whole = (self.directory / example).read_text(encoding="utf-8")
                self.replace(example, old, new)
                self.assertNotEqual(self.check(example).returncode, 0)
                (self.directory / example).write_text(whole, encoding="utf-8")

    def test_promtool_would_warn_of_a_missing_target_file(self):
        (self.directory / "targets/sockdiag.yml").unlink()
        self.assertIn("WARNING", self.check("prometheus_file.yml").stdout)

    def test_promtool_would_refuse_a_broken_target_file(self):
        self.replace("targets/sockdiag.yml", "targets:", "target:")
        self.assertNotEqual(self.check("prometheus_file.yml").returncode, 0)


class SaysTheSame(unittest.TestCase):
    def test_each_has_one_job_both_rule_files_and_an_alertmanager(self):
        for example in EXAMPLES:
            with self.subTest(example):
                configuration = load(SHIPPED / example)
                jobs = [job["job_name"] for job in configuration["scrape_configs"]]
                self.assertEqual(jobs, ["sockdiag"])
                self.assertEqual(configuration["rule_files"], RULES)
                self.assertIn("evaluation_interval", configuration["global"])
                managers = configuration["alerting"]["alertmanagers"]
                self.assertEqual(managers, [{"static_configs": [{"targets": ["localhost:9093"]}]}])

    def test_all_rule_files_are_used(self):
        self.assertEqual(sorted(path.name for path in SHIPPED.glob("sockdiag_*.yml")), RULES)

    def test_no_example_is_untested(self):
        shipped = {path.name for path in SHIPPED.glob("prometheus_*.yml")}
        self.assertEqual(shipped, set(EXAMPLES))

    def test_targets_are_the_exporter_where_it_listens_by_default(self):
        expected = [{"targets": [f"localhost:{default_port()}"]}]
        self.assertEqual(sockdiag_job("prometheus_static.yml")["static_configs"], expected)
        self.assertEqual(load(SHIPPED / "targets/sockdiag.yml"), expected)


def pod(node, port="metrics", phase="Running"):
    """A target as Prometheus makes one of each container port of a pod."""
    labels = {
        "__meta_kubernetes_namespace": "monitoring",
        "__meta_kubernetes_pod_container_port_name": port,
        "__meta_kubernetes_pod_name": f"sockdiag-exporter-of-{node}",
        "__meta_kubernetes_pod_node_name": node,
        "__meta_kubernetes_pod_phase": phase,
    }
    return {"targets": [f"{node}.example:{default_port()}"], "labels": labels}


class FindsPods(Copies):
    def targets(self, pods):
        """The labels of the targets that are left of these pods."""
        self._put_pods_for_kubernetes(pods)
        done = promtool(
            "service-discovery",
            f"--timeout={DISCOVERY_SECONDS}s",
            "prometheus_kubernetes.yml",
            "sockdiag",
            directory=self.directory,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        found = [target["labels"] for target in json.loads(done.stdout)]
        return [
            {name: value for name, value in labels.items() if not name.startswith("__")}
            for labels in found
            if labels
        ]

    def test_a_target_is_named_by_its_node_and_only_live_metrics_ports_are_targets(self):
        pods = [
            pod("worker1"),
            pod("worker2"),
            pod("worker3", port="health"),
            pod("worker4", phase="Failed"),
            pod("worker5", phase="Succeeded"),
        ]
        expected = [{"job": "sockdiag", "instance": node} for node in ("worker1", "worker2")]
        found = sorted(self.targets(pods), key=lambda target: target["instance"])
        self.assertEqual(found, expected)

    def test_it_asks_for_the_pods_of_the_daemon_set(self):
        label = "app.kubernetes.io/name=sockdiag-exporter"
        expected = [{"role": "pod", "selectors": [{"role": "pod", "label": label}]}]
        discovery = sockdiag_job("prometheus_kubernetes.yml")["kubernetes_sd_configs"]
        self.assertEqual(discovery, expected)
        template = self._daemon_set()["spec"]["template"]
        self.assertIn(label, map("=".join, template["metadata"]["labels"].items()))
        ports = template["spec"]["containers"][0]["ports"]
        named = [(port["name"], port["containerPort"]) for port in ports]
        self.assertEqual(named, [("metrics", int(default_port()))])

    def _daemon_set(self):
        return load(ROOT / "deploy/kubernetes/daemonset.yaml")


if __name__ == "__main__":
    unittest.main()
