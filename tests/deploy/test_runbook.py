# SPDX-License-Identifier: Apache-2.0
"""The runbook has a section for each alert, and what it tells to type is right. test_ss_commands.py
looks at what its ss commands show."""

import collections
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import yaml
from runbook import ROOT, RUNBOOK, commands, read
from test_generate_alerts import script as generate_alerts

ALERTS = ROOT / "deploy/prometheus/sockdiag_alerts.yml"
ADDRESS = "https://github.com/sockdiag/sockdiag_exporter/blob/main/deploy/prometheus/runbook.md#"

# Findings with a section of their own, in order: no alert says the same.
OF_NO_ALERT = ["acceptq_bursts", "syn_backlog_short", "tw_server", "tw_client", "blind"]

PARTS = ["What it means", "Confirm", "Usual causes", "What to do", "What not to do"]
RUN_HERE = ("ss -s", "nstat ", "sysctl ")

# Names that look like a metric's: the binaries and units, and the file of the alerts.
NOT_METRICS = {"sockdiag_exporter", "sockdiag_opener", "sockdiag_alerts"}

# Settings of the whole host, which a network namespace does not show.
HOST_WIDE = {"net.ipv4.tcp_max_orphans", "net.ipv4.tcp_mem"}
GONE = {"net.ipv4.tcp_tw_recycle"}
SETTING = re.compile(r"\bnet\.(?:ipv4|core)\.[a-z0-9_]+")

# What these tools say on stdout when they mean an error, beside their exit status.
ERROR = re.compile(r"error|invalid|cannot|unknown|No such", re.IGNORECASE)


def alerts():
    groups = yaml.safe_load(read(ALERTS))["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def sections():
    """{heading: text} of the runbook."""
    pieces = re.split(r"^## (.*)\n", read(RUNBOOK), flags=re.MULTILINE)[1:]
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


def first_cells(path, heading):
    """What the first column of a section's tables has between backticks."""
    section = read(path).partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)` \|", section, flags=re.MULTILINE))


def run_in_fresh_namespace(command):
    """Fails with any part of a pipe."""
    script = f"ip link set lo up; set -euo pipefail; {command}"
    with tempfile.TemporaryDirectory(prefix="sockdiag_runbook_") as directory:
        return subprocess.run(
            ["unshare", "--net", "bash", "-c", script],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "NSTAT_HISTORY": os.path.join(directory, "nstat")},
        )


class Sections(unittest.TestCase):
    def test_there_is_one_for_each_alert_and_then_for_findings_without(self):
        headings = re.findall(r"^## (.*)$", read(RUNBOOK), flags=re.MULTILINE)
        self.assertEqual(sorted(headings[: len(alerts())]), sorted(alerts()))
        self.assertEqual(headings[len(alerts()) :], OF_NO_ALERT)

    def test_each_has_all_parts_in_order(self):
        for name, text in sections().items():
            with self.subTest(name):
                self.assertEqual(re.findall(r"^\*\*(.+?)\.\*\*", text, re.MULTILINE), PARTS)

    def test_each_says_how_to_confirm_with_a_command_and_a_metric(self):
        for name, text in sections().items():
            confirm = text.partition("**Confirm.**")[2].partition("**Usual causes.**")[0]
            with self.subTest(name):
                self.assertTrue(commands(confirm))
                self.assertRegex(confirm, r"Metrics?:\s`(up|sockdiag_\w+)")

    def test_the_table_has_each_alert_in_order_with_its_severity(self):
        row = r"^\| \[(\w+)\]\(#(\w+)\) \| (\w+) \| [^|]+ \|$"
        rows = re.findall(row, read(RUNBOOK), flags=re.MULTILINE)
        severities = {name: rule["labels"]["severity"] for name, rule in alerts().items()}
        names = [name for name in sections() if name not in OF_NO_ALERT]
        self.assertEqual(rows, [(name, name.lower(), severities.get(name)) for name in names])

    def test_the_table_of_findings_has_each_with_its_own_section_and_its_alerts(self):
        """Those that generate-alerts leaves out with it."""
        expected = [
            (finding, [finding] * (finding in OF_NO_ALERT) + list(of_finding))
            for finding, of_finding in generate_alerts.ALERTS_OF.items()
        ]
        table = read(RUNBOOK).partition("\n| finding | sections |\n")[2].partition("\n\n")[0]
        rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", table, flags=re.MULTILINE)
        found = [(finding, re.findall(r"\[(\w+)\]", links)) for finding, links in rows]
        self.assertEqual(found, expected)
        self.assertTrue(all(links for _, links in found))

    def test_each_alert_links_to_its_section(self):
        for name, rule in alerts().items():
            with self.subTest(name):
                self.assertEqual(rule["annotations"]["runbook_url"], ADDRESS + name.lower())

    def test_links_go_to_a_section_of_that_name(self):
        for text, anchor in re.findall(r"\[([^]]+)\]\(#([^)]+)\)", read(RUNBOOK)):
            with self.subTest(text):
                self.assertIn(text, sections())
                self.assertEqual(anchor, text.lower())


class Commands(unittest.TestCase):
    def test_each_works_and_says_nothing_on_stderr(self):
        for command in self._commands():
            with self.subTest(command):
                done = run_in_fresh_namespace(command)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertNotRegex(done.stdout, ERROR)

    def _commands(self):
        """Without the settings that only the initial network namespace shows; none is set."""
        for command in dict.fromkeys(commands(read(RUNBOOK))):
            if command.startswith(RUN_HERE):
                host_wide = HOST_WIDE & set(SETTING.findall(command))
                self.assertFalse(host_wide and " -w " in command, command)
                kept = " ".join(word for word in command.split() if word not in host_wide)
                if kept != "sysctl":
                    yield kept

    def test_many_are_run(self):
        found = collections.Counter(command.split()[0] for command in self._commands())
        for tool in ("nstat", "sysctl"):
            self.assertGreater(found[tool], 5, tool)

    def test_each_counter_of_the_kernel_exists(self):
        counters = set(re.findall(r"\bTcp(?:Ext)?[A-Z]\w+", read(RUNBOOK)))
        shown = run_in_fresh_namespace("nstat -az").stdout.split()
        self.assertEqual(counters - set(shown), set())
        self.assertGreater(len(counters), 10)

    def test_a_wrong_one_would_be_seen(self):
        rows = {
            "an unknown counter": "nstat -az | grep TcpExtNoSuchCounter",
            "an unknown setting": "sysctl net.ipv4.tcp_tw_recycle",
        }
        for what, command in rows.items():
            with self.subTest(what):
                self.assertNotEqual(run_in_fresh_namespace(command).returncode, 0)

    def test_ports_are_those_of_the_opening_paragraph(self):
        ports = set(re.findall(r"[sd]port = :\d+", read(RUNBOOK)))
        self.assertEqual(ports, {"sport = :8080", "dport = :5432", "sport = :10293"})


class Names(unittest.TestCase):
    def test_each_metric_is_documented(self):
        named = set(re.findall(r"\bsockdiag_\w+", read(RUNBOOK))) - NOT_METRICS
        documented = first_cells(ROOT / "deploy/prometheus/README.md", "Metrics")
        self.assertEqual(named - documented, set())
        self.assertGreater(len(named), 30)

    def test_each_configuration_key_is_documented(self):
        keys = r"`((?:sampling|ports|listeners|lifetimes|ephemeral_ports|findings|web|log)\.\w+)`"
        named = set(re.findall(keys, read(RUNBOOK)))
        self.assertEqual(named - first_cells(ROOT / "config/README.md", "Keys"), set())
        self.assertTrue(named)

    def test_each_setting_of_the_kernel_exists(self):
        for name in sorted(set(SETTING.findall(read(RUNBOOK))) - HOST_WIDE - GONE):
            with self.subTest(name):
                self.assertTrue(pathlib.Path("/proc/sys", *name.split(".")).exists())

    def test_settings_that_are_gone_are_gone(self):
        for name in GONE:
            self.assertFalse(pathlib.Path("/proc/sys", *name.split(".")).exists(), name)

    def test_host_wide_settings_are_hidden_in_a_namespace_and_else_exist(self):
        for name in HOST_WIDE:
            with self.subTest(name):
                self.assertNotEqual(run_in_fresh_namespace(f"sysctl {name}").returncode, 0)
                if pathlib.Path("/proc/sys/net/ipv4/udp_mem").exists():  # not in a container
                    self.assertTrue(pathlib.Path("/proc/sys", *name.split(".")).exists())

    def test_settings_have_their_full_names(self):
        bare = re.findall(r"`((?:tcp_|ip_local_|somaxconn)\w*)`", read(RUNBOOK))
        self.assertEqual(set(bare) - {"tcp_diag"} - generate_alerts.ALERTS_OF.keys(), set())


if __name__ == "__main__":
    unittest.main()
