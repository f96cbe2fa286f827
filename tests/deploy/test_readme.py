# SPDX-License-Identifier: Apache-2.0
"""What the documents say about deployment is done as they say it."""

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
README, DEPLOY = "README.md", "deploy/README.md"
PROMETHEUS, CONFIG = "deploy/prometheus/README.md", "config/README.md"
LONGEST_README = 150


def read(document):
    return (ROOT / document).read_text(encoding="utf-8")


def section(document, title):
    pattern = rf"^## {title}\n(.*?)(?=^## |\Z)"
    return re.search(pattern, read(document), re.MULTILINE | re.DOTALL)[1]


def blocks(document, title, language=""):
    """The fenced blocks of a section."""
    text = section(document, title)
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run(*command, **options):
    """What a command prints; fails with what it says."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.stdout}{done.stderr}")
    return done.stdout


def rules():
    groups = yaml.safe_load((ROOT / "deploy/prometheus/sockdiag_alerts.yml").read_text())
    return [rule for group in groups["groups"] for rule in group["rules"]]


class InADirectory(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="sockdiag_readme_")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)


class Walks(unittest.TestCase):
    """The drawings of CONTRIBUTING: functions in the order of their calls, and their files."""

    @staticmethod
    def code(pattern):
        """The text of those files, in the rooms and their public headers."""
        files = [*ROOT.glob(f"src/{pattern}"), *ROOT.glob(f"include/sockdiag/{pattern}")]
        return "".join(file.read_text(encoding="utf-8") for file in files)

    def lines(self):
        """Each line with the functions and the files that it names."""
        for title in ("From one datagram to a line of text", "From one request to its answer"):
            for line in blocks("CONTRIBUTING.md", title)[0].splitlines():
                walked, _, files = line.lstrip("│├└ ").partition("  ")
                name = r"(?:\w+::)?\w+"
                functions = re.search(rf"{name}(?:, {name})*", walked)[0]
                yield line, functions.split(", "), re.findall(r"[\w*/]+\.[ch]pp", files)

    def test_they_name_functions_that_are_there(self):
        everywhere = self.code("*/*.?pp")
        for line, functions, _ in self.lines():
            for function in functions:
                with self.subTest(line=line, function=function):
                    name = function.split("::")[-1]
                    self.assertRegex(everywhere, rf"\b{name}\b")

    def test_they_name_the_files_that_have_one_of_the_functions(self):
        for line, functions, files in self.lines():
            for file in files:
                names = "|".join(function.split("::")[-1] for function in functions)
                with self.subTest(line=line, file=file):
                    self.assertRegex(self.code(file if "/" in file else f"*/{file}"),
                                     rf"\b(?:{names})\b")


class Documents(InADirectory):
    def test_the_readme_is_short(self):
        self.assertLessEqual(len(read(README).splitlines()), LONGEST_README)

    def test_the_paths_they_name_are_there(self):
        pattern = r"(?<![\w/.-])((?:deploy|config|tests|src|include|\.ci)/[\w./*-]*\w)"
        for document in (README, DEPLOY, PROMETHEUS, CONFIG, "CONTRIBUTING.md"):
            text = re.sub(r"\]\(\S+\)", "", read(document))  # links have a test of their own
            for path in sorted(set(re.findall(pattern, text))):
                with self.subTest(path, document=document):
                    self.assertTrue(list(ROOT.glob(path)))

    def test_the_first_scrape_configuration_is_one(self):
        (text,) = blocks(README, "Start", "yaml")
        config = self.directory / "prometheus.yml"
        config.write_text(text, encoding="utf-8")
        run("promtool", "check", "config", str(config))

    def test_the_queries_are_queries_of_documented_metrics(self):
        queries = blocks(README, "Three queries", "promql")
        self.assertEqual(len(queries), 3)
        group = {"name": "queries", "rules": [
            {"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]}
        file = self.directory / "queries.yml"
        file.write_text(yaml.safe_dump({"groups": [group]}), encoding="utf-8")
        run("promtool", "check", "rules", str(file))
        metrics = set(re.findall(r"^\| `(sockdiag_\w+)` \|", read(PROMETHEUS), re.MULTILINE))
        self.assertEqual(set(re.findall(r"sockdiag_\w+", "".join(queries))) - metrics, set())

    def test_prometheus_accepts_the_job_and_the_rules_that_are_copied(self):
        (command,) = blocks(PROMETHEUS, "Alerts")
        run("bash", "-euc", command.replace("/etc/prometheus", str(self.directory)), cwd=ROOT)
        config = self.directory / "prometheus.yml"
        (job,), (files,) = blocks(README, "Start", "yaml"), blocks(PROMETHEUS, "Alerts", "yaml")
        config.write_text(job + files)
        printed = run("promtool", "check", "config", str(config))
        self.assertIn(f"{len(rules())} rules found", printed)

    def test_they_count_the_alerts(self):
        alerts = [rule for rule in rules() if "alert" in rule]
        for text in (section(PROMETHEUS, "Alerts"), read(README)):
            self.assertEqual(re.findall(r"(\d+) alerts", text), [str(len(alerts))])

    def test_the_provisioning_files_they_copy_are_packaged(self):
        run("cmake", "--install", str(pathlib.Path(os.environ["SOCKDIAG_EXPORTER"]).parent),
            "--prefix", "/usr", "--component", "Unspecified",
            env=os.environ | {"DESTDIR": str(self.directory)})
        (commands,) = blocks(DEPLOY, "Dashboards")
        sources = re.findall(r"^cp (\S+) \S+$", commands, re.MULTILINE)
        self.assertEqual(len(sources), commands.count("\n"))
        for source in sources:
            self.assertTrue((self.directory / source.lstrip("/")).is_file(), source)


class Kubernetes(InADirectory):
    def test_what_is_not_counted_comes_before_the_first_command(self):
        before = section(DEPLOY, "Kubernetes").partition("```")[0]
        self.assertIn("**By itself it counts no pod with a network of its own.**", before)

    def test_the_image_it_brings_to_the_nodes_is_the_one_of_the_manifests(self):
        manifest = yaml.safe_load((ROOT / "deploy/kubernetes/daemonset.yaml").read_text())
        (container,) = manifest["spec"]["template"]["spec"]["containers"]
        commands = "".join(blocks(DEPLOY, "Container") + blocks(DEPLOY, "Kubernetes"))
        for command in (r"docker build -t (\S+)", r"docker save (\S+)", r"docker tag (\S+)"):
            self.assertEqual(re.findall(command, commands), [container["image"]])
        # The kubelet asks a registry for images that are tagged "latest".
        self.assertNotIn("imagePullPolicy", container)
        self.assertNotRegex(container["image"], "(:latest|/[^:]*)$")

    def test_kustomize_renders_what_is_applied(self):
        (commands,) = [text for text in blocks(DEPLOY, "Kubernetes") if "kubectl apply" in text]
        folders = re.findall(r"^kubectl apply .*-k (\S+)", commands, re.MULTILINE)
        self.assertEqual(len(folders), commands.count("\n"))
        for folder in folders:
            self.assertIn("kind: ", run("kubectl", "kustomize", folder, cwd=ROOT))

    def test_kustomize_renders_the_overlay(self):
        shutil.copytree(ROOT / "deploy", self.directory / "sockdiag_exporter/deploy")
        overlay = self.directory / "mycluster"
        overlay.mkdir()
        expected = ["registry.example.com/sockdiag_exporter:0.1.0", "inbound: [22]",
                    "kind: PrometheusRule"]
        text, components = blocks(DEPLOY, "Kubernetes", "yaml")
        if word_for_resources() == "bases":  # as the document says of an old kubectl
            text = text.replace("resources:", "bases:").partition("labels:")[0]
        else:
            text += components
            expected += ["release: prometheus", "--path.cgroup=/host/cgroup", "name: sockdiag-opener"]
        (overlay / "kustomization.yaml").write_text(text, encoding="utf-8")
        (overlay / "sockdiag_exporter.yml").write_text("ports: {inbound: [22]}\n")
        rendered = run("kubectl", "kustomize", str(overlay))
        for part in expected:
            self.assertIn(part, rendered)


if __name__ == "__main__":
    unittest.main()
