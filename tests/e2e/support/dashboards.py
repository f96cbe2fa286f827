# SPDX-License-Identifier: Apache-2.0
"""The shipped Grafana dashboards, and a Prometheus that can answer all that they ask."""

import json
import pathlib
import re
import time
from typing import NamedTuple

from support.prometheus import ShippedPrometheus

_DEPLOY = pathlib.Path(__file__).resolve().parents[3] / "deploy"
_RULES = ("sockdiag_recording.yml", "sockdiag_alerts.yml")

JOB = "sockdiag"
INSTANCE = "[2001:db8::1]:10293"  # a name that would be another regular expression

# What the exporter cannot tell in a namespace of its own, with values that are easy to see, and an
# alert, as those that are shipped take minutes to fire. Another is not the exporter's.
STAND_INS = {
    "sockdiag_tcp_orphans_limit": "sockdiag_tcp_orphans * 0 + 1000",
    "sockdiag_tcp_memory_limit_bytes": "sockdiag_tcp_memory_bytes * 0 + 1e9",
    "sockdiag_tcp_memory_pressure_bytes": "sockdiag_tcp_memory_bytes * 0 + 6e8",
}
_STAND_IN_ALERT = "SockdiagStandIn"

# A job whose only exporter is down, for longer than a dashboard looks back.
GONE_JOB, GONE_INSTANCE = "gone", "127.0.0.1:1"
_GONE_SECONDS = 2 * 3600
OTHER_JOB = "database"
JOBS = f"{JOB}|{GONE_JOB}"

_CONFIG = f"""
global: {{{{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}}}
rule_files: [{", ".join(_RULES)}, stand_ins.yml]
scrape_configs:
- job_name: {JOB}
  static_configs:
  - {{{{targets: ['127.0.0.1:{{port}}'], labels: {{{{instance: '{INSTANCE}'}}}}}}}}
- job_name: {GONE_JOB}
  static_configs: [{{{{targets: ['{GONE_INSTANCE}']}}}}]
"""


def _history():
    """It was there for an hour: the rule that tells of it looks at the past every 30 minutes."""
    labels = f'job="{GONE_JOB}",instance="{GONE_INSTANCE}"'
    gone = int(time.time()) - _GONE_SECONDS
    samples = [
        f"sockdiag_exporter_build_info{{{labels}}} 1 {stamp}"
        for stamp in range(gone - 3600, gone, 60)
    ]
    return "\n".join(["# TYPE sockdiag_exporter_build_info gauge", *samples, "# EOF", ""])


class DashboardPrometheus(ShippedPrometheus):
    """Scrapes and evaluates the shipped rules, and the stand-ins, every second."""

    def __init__(self, target_port):
        super().__init__(_history(), target_port)

    def _write_files(self, directory):
        self._write_rules(directory)
        rules = [{"record": name, "expr": expr} for name, expr in STAND_INS.items()]
        alert = {"alert": _STAND_IN_ALERT, "expr": "sockdiag_exporter_build_info"}
        alert["labels"] = {"severity": "info"}
        other = {"alert": "Other", "expr": "vector(1)", "labels": {"job": OTHER_JOB}}
        groups = [{"name": "stand_ins", "rules": [*rules, alert, other]}]
        (directory / "stand_ins.yml").write_text(json.dumps({"groups": groups}), encoding="ascii")
        config = _CONFIG.format(port=self._target_port)
        (directory / "prometheus.yml").write_text(config, encoding="ascii")
        self._write_blocks(directory)


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
    """As Grafana asks with all jobs, one host and all directions and ports chosen."""
    values = {
        "$job": JOBS,
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
    columns = [name for name in second["indexByName"] if not name.startswith("Value")]
    if "sockdiag_findings" in target["expr"]:  # some are about a whole host
        columns = [name for name in columns if name not in ("direction", "port")]
    return tuple(columns)
