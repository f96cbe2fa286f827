# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus that scrapes one target every second, and promtool."""

import json
import os
import subprocess
import tempfile
import urllib.parse

from support import web
from support.polling import wait_until

# The namespace belongs to the test alone, so a fixed port is free.
_PORT = 9090
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


class Prometheus:
    def __init__(self, target_port):
        self._directory = tempfile.TemporaryDirectory(prefix="sockdiag_e2e_prometheus_")
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", "prometheus", *self._flags(target_port)],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _flags(self, target_port):
        config = os.path.join(self._directory.name, "prometheus.yml")
        with open(config, "w", encoding="ascii") as file:
            file.write(_CONFIG.format(port=target_port))
        return [
            f"--config.file={config}",
            f"--storage.tsdb.path={self._directory.name}/tsdb",
            f"--web.listen-address=127.0.0.1:{_PORT}",
        ]

    def wait_until_ready(self):
        wait_until(self._is_ready, "Prometheus is ready")
        return self

    def _is_ready(self):
        if self._process.poll() is not None:
            raise AssertionError(f"Prometheus ended with {self._process.returncode}")
        try:
            return web.request(_PORT, "/-/ready").status == 200
        except ConnectionError:
            return False

    def _get(self, path):
        answer = web.request(_PORT, path)
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

    def stop(self):
        self._process.terminate()
        self._process.wait()
        self._directory.cleanup()
