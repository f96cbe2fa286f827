# SPDX-License-Identifier: Apache-2.0
"""The shipped Grafana dashboards, and a Prometheus that can answer all that they ask."""

import json
import pathlib
import re
import shutil
from typing import NamedTuple

from support.prometheus import Prometheus

_DEPLOY = pathlib.Path(__file__).resolve().parents[3] / "deploy"
_RECORDING_RULES = "sockdiag_recording.yml"

JOB = "sockdiag"
INSTANCE = "[2001:db8::1]:10293"  # a name that would be another regular expression

# What the exporter cannot tell in a namespace of its own, with values that are easy to see, and an
# alert, as those that are shipped take minutes to fire.
STAND_INS = {
    "sockdiag_tcp_orphans_limit": "sockdiag_tcp_orphans * 0 + 1000",
    "sockdiag_tcp_memory_limit_bytes": "sockdiag_tcp_memory_bytes * 0 + 1e9",
}
_STAND_IN_ALERT = "SockdiagStandIn"

# The second target is a host whose exporter is down.
_CONFIG = f"""
global: {{{{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}}}
rule_files: [{_RECORDING_RULES}, stand_ins.yml]
scrape_configs:
- job_name: {JOB}
  static_configs:
  - {{{{targets: ['127.0.0.1:{{port}}'], labels: {{{{instance: '{INSTANCE}'}}}}}}}}
  - {{{{targets: ['127.0.0.1:1']}}}}
"""


class DashboardPrometheus(Prometheus):
    """Scrapes and evaluates the shipped recording rules, and the stand-ins, every second."""

    def _write_files(self, directory, target_port):
        shutil.copy(_DEPLOY / "prometheus" / _RECORDING_RULES, directory)
        rules = [{"record": name, "expr": expr} for name, expr in STAND_INS.items()]
        alert = {"alert": _STAND_IN_ALERT, "expr": "sockdiag_exporter_build_info"}
        alert["labels"] = {"severity": "info"}
        groups = [{"name": "stand_ins", "rules": [*rules, alert]}]
        (directory / "stand_ins.yml").write_text(json.dumps({"groups": groups}), encoding="ascii")
        config = _CONFIG.format(port=target_port)
        (directory / "prometheus.yml").write_text(config, encoding="ascii")


class Query(NamedTuple):
    """An expression of a panel, and the labels that its legend or its table shows."""

    dashboard: str
    panel: str
    expression: str
    labels: tuple


def queries():
    """All of all dashboards."""
    return [
        Query(name, panel["title"], substituted(target["expr"]), labels_shown(panel, target))
        for name, dashboard in _dashboards()
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
    ]


def annotations():
    return [
        Query(name, each["name"], substituted(each["expr"]), ("alertname", "severity", "instance"))
        for name, dashboard in _dashboards()
        for each in dashboard["annotations"]["list"]
    ]


def choices():
    """{dashboard, variable: expression with the values that the variable offers}"""
    found = {}
    for name, dashboard in _dashboards():
        for each in dashboard["templating"]["list"]:
            if each["type"] == "query":
                selector, label = re.fullmatch(
                    r"label_values\((.*), (\w+)\)", each["query"]["query"]
                ).groups()
                found[name, label] = f"count by ({label}) ({substituted(selector)})"
    return found


def _dashboards():
    paths = sorted((_DEPLOY / "grafana/dashboards").glob("*.json"))
    return [(path.stem, json.loads(path.read_text(encoding="utf-8"))) for path in paths]


def substituted(expression):
    """As Grafana asks with one host and all directions and ports chosen."""
    values = {
        "$job": JOB,
        "$instance": INSTANCE,
        "$direction": ".*",
        "$port": ".*",
        "$__rate_interval": "10s",
    }
    for variable, value in values.items():
        expression = expression.replace(variable, value)
    return expression


def labels_shown(panel, target):
    if panel["type"] != "table":
        return tuple(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
    first, second = (each["options"] for each in panel["transformations"])
    if "rowField" in first:
        return first["rowField"], first["columnField"]
    return tuple(name for name in second["indexByName"] if not name.startswith("Value"))
