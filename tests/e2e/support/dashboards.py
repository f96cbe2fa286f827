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

# What a host with pods shows besides: {metric: [(expression, labels)]}. The host's own series stand
# for those of its owners and of a pod.
_OWN = 'pod="",container="",unit=""'
_ONE = "max by (job, instance) (sockdiag_exporter_build_info)"
_POD = {"namespace": "shop", "pod": "cart-7d9"}
_APP = {**_POD, "container": "app"}
_UNIT = {"unit": "web.service"}
_COUNTERS = ("listen_drops", "attempt_failures", "syn_retransmits")
_OF_OWNERS = {
    "sockdiag_tcp_owner_sockets": [(f"sockdiag_tcp_sockets{{{_OWN}}}", _APP)],
    "sockdiag_tcp_owner_close_wait_sockets": [(f"sockdiag_tcp_close_wait_sockets{{{_OWN}}}", _APP)],
    "sockdiag_tcp_owner_lingering_sockets": [(f"sockdiag_tcp_lingering_sockets{{{_OWN}}}", _UNIT)],
    "sockdiag_tcp_listener_info": [
        (f"sockdiag_tcp_accept_queue_limit_sockets{{{_OWN}}} * 0 + 1", each)
        for each in (_APP, _UNIT)
    ],
    "sockdiag_owner_info": [
        (_ONE, {**_APP, "runtime": "containerd", "cgroup": "/kubepods.slice"}),
        (_ONE, {**_UNIT, "runtime": "systemd", "cgroup": "/system.slice/web.service"}),
    ],
    "sockdiag_tcp_sockets": [(f"sockdiag_tcp_sockets{{{_OWN}}}", _POD)],
    "sockdiag_tcp_close_wait_sockets": [(f"sockdiag_tcp_close_wait_sockets{{{_OWN}}}", _POD)],
    "sockdiag_tcp_lingering_sockets": [(f"sockdiag_tcp_lingering_sockets{{{_OWN}}}", _POD)],
    "sockdiag_tcp_accept_queue_utilization_ratio": [
        (f"sockdiag_tcp_accept_queue_utilization_ratio{{{_OWN}}}", _POD)
    ],
    **{f"sockdiag_tcp_{name}_total": [(f"{_ONE} * time()", _POD)] for name in _COUNTERS},
    "sockdiag_tcp_kernel_sockets": [(_ONE, {**_POD, "kind": "open"})],
    "sockdiag_namespaces": [(_ONE, {"status": status}) for status in ("sampled", "failed")],
    "sockdiag_namespaces_rotation_seconds": [(_ONE, {})],
}

# Labels of owners that some have and others have not.
_OPTIONAL = {"namespace", "pod", "container", "unit", "pod_uid", "runtime", "name"}

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
        rules += [
            {"record": name, "expr": expr, "labels": labels}
            for name, series in _OF_OWNERS.items()
            for expr, labels in series
        ]
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
    """As Grafana asks with all jobs, one host and all directions, ports and owners chosen."""
    values = {
        "$job": JOBS,
        "$instance": INSTANCE,
        "$direction": ".*",
        "$port": ".*",
        **{f"${label}": ".*" for label in ("namespace", "pod", "container", "unit")},
        "$__rate_interval": "10s",
    }
    for variable, value in values.items():
        expression = expression.replace(variable, value)
    return expression


def labels_shown(panel, target):
    return tuple(each for each in _all_labels_shown(panel, target) if each not in _OPTIONAL)


def _all_labels_shown(panel, target):
    if panel["type"] != "table":
        return tuple(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
    first, second = (each["options"] for each in panel["transformations"])
    if "rowField" in first:
        return first["rowField"], first["columnField"]
    columns = [name for name in second["indexByName"] if not name.startswith("Value")]
    if "sockdiag_findings" in target["expr"]:  # some are about a whole host
        columns = [name for name in columns if name not in ("direction", "port")]
    return tuple(columns)
