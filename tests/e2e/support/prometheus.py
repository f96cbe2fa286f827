# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus that scrapes one target every second, and promtool."""

import json
import pathlib
import re
import subprocess
import urllib.parse

from support import web
from support.polling import wait_until
from support.server import Server

_SHIPPED = pathlib.Path(__file__).resolve().parents[3] / "deploy/prometheus"

_CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
- job_name: sockdiag
  static_configs: [{{targets: ['127.0.0.1:{port}']}}]
"""


def check_metrics(exposition):
    """What `promtool check metrics` has to say about a body, and its exit status."""
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=exposition, capture_output=True, check=False
    )
    return done.returncode, (done.stdout + done.stderr).decode()


class Prometheus(Server):
    PROGRAM = "prometheus"
    PORT = 9090

    def __init__(self, target_port):
        self._target_port = target_port
        super().__init__()

    def _flags(self, directory):
        self._write_files(directory)
        return [
            f"--config.file={directory}/prometheus.yml",
            f"--storage.tsdb.path={directory}/tsdb",
            f"--web.listen-address=127.0.0.1:{self.PORT}",
        ]

    def _write_files(self, directory):
        config = _CONFIG.format(port=self._target_port)
        (directory / "prometheus.yml").write_text(config, encoding="ascii")

    def _get(self, path):
        answer = web.request(self.PORT, path)
        if answer.status != 200:
            raise AssertionError(f"Prometheus: {answer.status} {answer.body!r}")
        return json.loads(answer.body)["data"]

    def query(self, expression):
        """The instant vector of an expression, as [(labels, value)]."""
        escaped = urllib.parse.quote(expression)
        result = self._get(f"/api/v1/query?query={escaped}")["result"]
        return [(series["metric"], float(series["value"][1])) for series in result]

    def value(self, expression):
        """The value of an expression with one series, or None where it has none."""
        found = self.query(expression)
        if len(found) > 1:
            raise AssertionError(f"{expression} has {len(found)} series")
        return found[0][1] if found else None

    def wait_for(self, expression, expected):
        wait_until(
            lambda: self.value(expression) == expected,
            f"{expression} == {expected}",
        )

    def target(self):
        """The state of the one target: health, lastError, lastScrape, ..."""
        return self._get("/api/v1/targets")["activeTargets"][0]

    def groups(self):
        """The groups of rules, each with its rules and how their evaluation went."""
        return self._get("/api/v1/rules")["groups"]

    def alerts(self):
        """The pending and firing alerts."""
        return self._get("/api/v1/alerts")["alerts"]


class SecuredPrometheus(Prometheus):
    """One whose job has these lines more, for TLS and a login."""

    def __init__(self, target_port, *lines):
        self._lines = lines
        super().__init__(target_port)

    def _write_files(self, directory):
        super()._write_files(directory)
        with open(directory / "prometheus.yml", "a", encoding="utf-8") as config:
            config.writelines(f"  {line}\n" for line in self._lines)


class ShippedPrometheus(Prometheus):
    """One that runs the shipped configuration and rules, of which only the intervals are changed,
    and how long alerts are kept (their unit tests show it). `history` is OpenMetrics text with the
    samples it is to have from before its start."""

    def __init__(self, history, target_port=None):
        self._history = history
        super().__init__(target_port)

    def _write_files(self, directory):
        self._write_rules(directory)
        config = (_SHIPPED / "prometheus_static.yml").read_text(encoding="utf-8")
        config, changes = re.subn("(scrape|evaluation)_interval: .*", r"\1_interval: 1s", config)
        if changes != 2:
            raise AssertionError(f"{changes} intervals in {config}")
        (directory / "prometheus.yml").write_text(config, encoding="utf-8")
        self._write_blocks(directory)

    def _write_rules(self, directory):
        for rules in _SHIPPED.glob("sockdiag_*.yml"):
            text = rules.read_text(encoding="utf-8")
            text = re.sub("(keep_firing_for|    interval): .*", r"\1: 1s", text)
            (directory / rules.name).write_text(text, encoding="utf-8")

    def _write_blocks(self, directory):
        """Ends before Prometheus starts, so that its first scrape is later than every block."""
        (directory / "history").write_text(self._history, encoding="ascii")
        create = ["promtool", "tsdb", "create-blocks-from", "openmetrics"]
        subprocess.run(
            [*create, directory / "history", directory / "tsdb"], check=True, capture_output=True
        )
