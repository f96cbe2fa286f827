# SPDX-License-Identifier: Apache-2.0
"""What the README says about deployment is done as it says it."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml
from test_kubernetes import word_for_resources

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title):
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)[1]


def blocks(title, language=""):
    """The fenced blocks of a section."""
    return re.findall(rf"^```{language}\n(.*?)^```$", section(title), re.MULTILINE | re.DOTALL)


def run(*command, **options):
    """What a command prints; fails with what it says."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.stdout}{done.stderr}")
    return done.stdout


class Readme(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="sockdiag_readme_")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def test_the_paths_it_names_are_there(self):
        paths = set(re.findall(r"(?<![\w/.-])((?:deploy|config|tests|\.ci)/[\w./*-]*\w)", README))
        self.assertGreater(len(paths), 10)
        for path in sorted(paths):
            with self.subTest(path):
                self.assertTrue(list(ROOT.glob(path)))

    def test_the_first_scrape_configuration_is_one(self):
        (text,) = blocks("Start", "yaml")
        config = self.directory / "prometheus.yml"
        config.write_text(text, encoding="utf-8")
        run("promtool", "check", "config", str(config))

    def test_prometheus_accepts_the_job_and_the_rules_that_are_copied(self):
        (command,) = blocks("Alerts")
        run("bash", "-euc", command.replace("/etc/prometheus", str(self.directory)), cwd=ROOT)
        config = self.directory / "prometheus.yml"
        config.write_text(blocks("Start", "yaml")[0] + blocks("Alerts", "yaml")[0])
        printed = run("promtool", "check", "config", str(config))
        groups = yaml.safe_load((ROOT / "deploy/prometheus/sockdiag_alerts.yml").read_text())
        rules = [rule for group in groups["groups"] for rule in group["rules"]]
        self.assertIn(f"{len(rules)} rules found", printed)
        alerts = [rule for rule in rules if "alert" in rule]
        self.assertIn(f"has {len(alerts)} alerts", section("Alerts"))

    def test_the_provisioning_files_it_copies_are_packaged(self):
        run("cmake", "--install", str(pathlib.Path(os.environ["SOCKDIAG_EXPORTER"]).parent),
            "--prefix", "/usr", "--component", "Unspecified",
            env=os.environ | {"DESTDIR": str(self.directory)})
        (commands,) = blocks("Dashboards")
        sources = re.findall(r"^cp (\S+) \S+$", commands, re.MULTILINE)
        self.assertEqual(len(sources), commands.count("\n"))
        for source in sources:
            self.assertTrue((self.directory / source.lstrip("/")).is_file(), source)

    def test_kustomize_renders_what_it_applies_and_the_overlay(self):
        commands = blocks("Kubernetes")[0]
        folders = re.findall(r"^kubectl apply .*-k (\S+)", commands, re.MULTILINE)
        self.assertEqual(len(folders), commands.count("\n"))
        for folder in folders:
            self.assertIn("kind: ", run("kubectl", "kustomize", folder, cwd=ROOT))
        shutil.copytree(ROOT / "deploy", self.directory / "sockdiag_exporter/deploy")
        overlay = self.directory / "mycluster"
        overlay.mkdir()
        expected = ["registry.example.com/sockdiag_exporter:0.1.0", "inbound: [22]",
                    "kind: PrometheusRule"]
        (text,) = blocks("Kubernetes", "yaml")
        if word_for_resources() == "bases":  # as the README says of an old kubectl
            text = text.replace("resources:", "bases:").partition("labels:")[0]
        else:
            expected.append("release: prometheus")
        (overlay / "kustomization.yaml").write_text(text, encoding="utf-8")
        (overlay / "sockdiag_exporter.yml").write_text("ports: {inbound: [22]}\n")
        rendered = run("kubectl", "kustomize", str(overlay))
        for part in expected:
            self.assertIn(part, rendered)


if __name__ == "__main__":
    unittest.main()
