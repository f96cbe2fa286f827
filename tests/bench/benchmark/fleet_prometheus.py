# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus with its data in a directory that is given."""

import contextlib
import http.client
import json
import urllib.parse

from support import web
from support.exposition import Exposition
from support.polling import wait_until

from benchmark import children, processes
from benchmark.command import Failure

JOB = "sockdiag"
_DEADLINE_SECONDS = 300
# Blocks are left as they are, so that nothing is compacted while it is measured.
_FLAGS = ("--storage.tsdb.min-block-duration=2h", "--storage.tsdb.max-block-duration=2h")


class Prometheus:
    """Running, and asked over HTTP."""

    def __init__(self, process, port):
        self._process, self._port = process, port
        self.pid = process.pid

    def is_ready(self):
        if self._process.poll() is not None:
            raise Failure(f"Prometheus ended with {self._process.returncode}")
        try:
            return web.request(self._port, "/-/ready").status == 200
        except ConnectionError:
            return False

    def own_metrics(self):
        return Exposition(self._request("/metrics")[1].decode())

    def get(self, path, **parameters):
        status, body = self._request(f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        if status != 200:
            raise Failure(f"Prometheus: {status} {body!r}")
        return json.loads(body)["data"]

    def _request(self, path):
        """Patient: rules over many hosts take their time."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_DEADLINE_SECONDS)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def query(self, expression):
        """Its series as the API has them."""
        return self.get("query", query=expression)["result"]

    def number(self, expression):
        """Of an expression with one series at most; 0 where there is none."""
        found = self.query(expression)
        return float(found[0]["value"][1]) if found else 0

    def await_hosts(self, hosts):
        """By its list of targets: the series `up` may be of a history."""
        wait_until(
            lambda: self._hosts_up() == hosts,
            f"Prometheus has scraped {hosts} hosts",
            _DEADLINE_SECONDS,
        )

    def _hosts_up(self):
        targets = self.get("targets", state="active")["activeTargets"]
        return sum(target["health"] == "up" for target in targets)


@contextlib.contextmanager
def prometheus(directory, rules, scraped, every=None):
    """Answers when it is given. `scraped` is (port of the player, hosts, interval in seconds),
    `every` the interval of all groups of rules instead of their own."""
    (directory / "rules").mkdir()
    rules.write(directory / "rules", every)
    configuration = {"rule_files": [f"{directory}/rules/*.yml"], **_scraping(*scraped)}
    with _running(directory, configuration) as running:
        yield running


def idle_prometheus(directory):
    """One that answers queries and does nothing else, with the data that is there."""
    return _running(directory, {})


@contextlib.contextmanager
def _running(directory, configuration):
    config = directory / "prometheus.json"
    config.write_text(json.dumps(configuration), encoding="utf-8")  # which is YAML
    port = children.unused_port()
    command = ["prometheus", *_FLAGS, f"--config.file={config}"]
    command += [f"--storage.tsdb.path={directory}/data", f"--web.listen-address=127.0.0.1:{port}"]
    with open(directory / "log", "wb") as log:
        process = processes.start(command, stderr=log)
    try:
        running = Prometheus(process, port)
        wait_until(running.is_ready, "Prometheus is ready", _DEADLINE_SECONDS)
        yield running
    except Exception:
        print((directory / "log").read_text(encoding="utf-8")[-2000:])
        raise
    finally:
        processes.end(process)


def _scraping(port, hosts, interval):
    every = f"{round(interval * 1000)}ms"
    targets = [
        {
            "targets": [f"127.0.0.1:{port}"],
            "labels": {
                "__metrics_path__": f"/host/{host:04}/metrics",
                "instance": f"host-{host:04}",
            },
        }
        for host in range(1, hosts + 1)
    ]
    return {
        "global": {
            "scrape_interval": every,
            "scrape_timeout": f"{round(min(interval, 10) * 1000)}ms",
            "evaluation_interval": every,
        },
        "scrape_configs": [{"job_name": JOB, "static_configs": targets}],
    }
