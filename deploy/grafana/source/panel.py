# SPDX-License-Identifier: Apache-2.0
"""A panel as a row of a table, and its Grafana JSON.

In expressions @host, @listener, @port and so on stand for matchers of the dashboard's variables.
"""

import dataclasses
import re
import string

RUNBOOK = "https://github.com/sockdiag/sockdiag_exporter/blob/main/deploy/prometheus/runbook.md"
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24

# One instance at a time: Grafana escapes only what may be many values for a regular expression,
# and that of an IPv6 address, [::1]:10293, would match something else.
_JOB, _INSTANCE = 'job=~"$job"', 'instance="$instance"'
_PORT, _DIRECTION = 'port=~"$port"', 'direction=~"$direction"'
# The host's own network namespace: series of others have one of these labels at least.
_OWN = 'pod="",container="",unit="",pod_uid=""'
_OWNED = tuple(f'{label}=~"${label}"' for label in ("namespace", "pod", "container", "unit"))
_MATCHERS = {
    "@exporter": (_JOB, _INSTANCE),
    "@host": (_JOB, _INSTANCE, _OWN),
    "@listener": (_JOB, _INSTANCE, _OWN, _PORT),
    "@port": (_JOB, _INSTANCE, _OWN, _DIRECTION, _PORT),
    "@owned": (_JOB, _INSTANCE, *_OWNED),
    "@owned_listener": (_JOB, _INSTANCE, *_OWNED, _PORT),
    "@owned_port": (_JOB, _INSTANCE, *_OWNED, _DIRECTION, _PORT),
    "@fleet": (_JOB,),
    "@service_listener": (_JOB, _PORT),
    "@service": (_JOB, _DIRECTION, _PORT),
}

# Every other alert is a warning. The test of the dashboards compares this with the rules.
CRITICAL = {
    "SockdiagAbortOnMemory",
    "SockdiagEphemeralPortsExhausted",
    "SockdiagListenerDropping",
    "SockdiagSynFlood",
}
INFO = {
    "SockdiagCloseWaitLingeringOutbound",
    "SockdiagEstablishedGrowing",
    "SockdiagLifetimesCapped",
    "SockdiagNamespacesSlow",
    "SockdiagPortsFolded",
    "SockdiagSendQueueStuck",
    "SockdiagSocketsHidden",
    "SockdiagTcpMemoryPressure",
}


@dataclasses.dataclass(frozen=True)
class Panel:
    title: str
    queries: dict  # legend -> expression; of a table: column -> expression
    unit: str
    description: str
    alerts: dict = dataclasses.field(default_factory=dict)  # name -> number drawn, or None
    kind: str = "timeseries"
    width: int = 8
    words: dict = dataclasses.field(default_factory=dict)  # value -> (its word, colour)
    minimum: int | None = 0  # of the axis; None where values may be negative
    extra: dict = dataclasses.field(default_factory=dict)  # keys of the panel's JSON
    options: dict = dataclasses.field(default_factory=dict)  # keys of its `options`
    custom: dict = dataclasses.field(default_factory=dict)  # keys of its fieldConfig's `custom`
    overrides: tuple = ()
    below: dict = dataclasses.field(default_factory=dict)  # as `alerts`, of those on less
    colours: dict = dataclasses.field(default_factory=dict)  # number -> colour, of no alert


HEIGHTS = {"stat": 4, "timeseries": 8, "table": 9}


def matched(expression):
    return re.sub(r"@\w+", lambda short: ",".join(_MATCHERS[short[0]]), expression)


def _target(panel, ref, legend, expression):
    is_now = panel.kind != "timeseries"  # a range's last value may be long gone
    return {
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": matched(expression),
        "format": "table" if panel.kind == "table" else "time_series",
        "instant": is_now,
        "legendFormat": legend,
        "range": not is_now,
        "refId": ref,
    }


def _colour(alert):
    return "red" if alert in CRITICAL else "blue" if alert in INFO else "orange"


def _thresholds(panel):
    """A colour holds from its number on: what is bad below a number is so from the start."""
    drawn = {(number, _colour(name)) for name, number in panel.alerts.items() if number is not None}
    drawn |= {(number, "green") for number in panel.below.values()} | set(panel.colours.items())
    start = next(map(_colour, panel.below), "green")
    steps = [{"color": colour, "value": number} for number, colour in sorted(drawn)]
    return {"mode": "absolute", "steps": [{"color": start, "value": None}, *steps]}


def mappings(words):
    options = {
        str(value): {"text": text, "color": colour, "index": index}
        for index, (value, (text, colour)) in enumerate(words.items())
    }
    return [{"type": "value", "options": options}] if options else []


def _custom(panel):
    if panel.kind != "timeseries":
        return panel.custom
    style = "dashed" if len(_thresholds(panel)["steps"]) > 1 else "off"
    line = {"drawStyle": "line", "fillOpacity": 10, "lineWidth": 1, "showPoints": "auto"}
    return {**line, "thresholdsStyle": {"mode": style}, **panel.custom}


_REDUCE = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_LEGEND = {
    "calcs": ["lastNotNull", "max"],
    "displayMode": "table",
    "placement": "bottom",
    "showLegend": True,
    "sortBy": "Last *",
    "sortDesc": True,
}
_OPTIONS = {
    "timeseries": {"legend": _LEGEND, "tooltip": {"mode": "multi", "sort": "desc"}},
    "table": {"cellHeight": "sm", "showHeader": True},
    "stat": {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": _REDUCE,
        "textMode": "auto",
    },
}


def _panel(panel, number, position):
    refs = zip(string.ascii_uppercase, panel.queries.items())
    defaults = {
        "color": {"mode": "palette-classic" if panel.kind == "timeseries" else "thresholds"},
        "custom": _custom(panel),
        "mappings": mappings(panel.words),
        "thresholds": _thresholds(panel),
        "unit": panel.unit,
    }
    if panel.kind == "timeseries" and panel.minimum is not None:
        defaults["min"] = panel.minimum
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "gridPos": position,
        "links": [_runbook_link(name) for name in {**panel.alerts, **panel.below}],
        "targets": [_target(panel, ref, *query) for ref, query in refs],
        "fieldConfig": {"defaults": defaults, "overrides": list(panel.overrides)},
        "options": _OPTIONS[panel.kind] | panel.options,
        **panel.extra,
    }


def _runbook_link(alert):
    return {
        "title": f"Runbook: {alert}",
        "url": f"{RUNBOOK}#{alert.lower()}",
        "targetBlank": True,
    }


def _row(title, number, y):
    position = {"x": 0, "y": y, "w": COLUMNS, "h": 1}
    return {
        "id": number,
        "type": "row",
        "title": title,
        "collapsed": False,
        "gridPos": position,
        "panels": [],
    }


def laid_out(rows):
    """The panels of {row title: [Panel]}, from left to right and from top to bottom."""
    made, y = [], 0
    for title, panels in rows.items():
        made.append(_row(title, len(made) + 1, y))
        x, y, height = 0, y + 1, 0
        for panel in panels:
            if x + panel.width > COLUMNS:
                x, y, height = 0, y + height, 0
            size = {"w": panel.width, "h": HEIGHTS[panel.kind]}
            made.append(_panel(panel, len(made) + 1, {"x": x, "y": y, **size}))
            x, height = x + panel.width, max(height, size["h"])
        y += height
    return made
