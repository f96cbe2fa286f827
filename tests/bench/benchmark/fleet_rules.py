# SPDX-License-Identifier: Apache-2.0
"""Files of rules: their groups, and what their expressions look back on."""

import json
import pathlib
import re
from typing import NamedTuple

import yaml

SHIPPED = pathlib.Path(__file__).resolve().parents[3] / "deploy/prometheus"

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_LOOKBACK_SECONDS = 300  # of an instant, Prometheus' default
_SELECTOR = re.compile(
    r"(?P<name>[a-zA-Z_:][\w:]*)(?:\s*(?P<matchers>\{[^}]*\}))?"
    r"(?:\s*\[(?P<window>\w+)(?::\w*)?\])?(?:\s+offset\s+(?P<offset>\w+))?"
)
# Of what is in brackets: it reaches back from where every selector in them begins.
_OUTER = re.compile(r"\)\s*(?:\[(?P<window>\w+):\w*\])?(?:\s+offset\s+(?P<offset>\w+))?")


class Rule(NamedTuple):
    """`name` is the alert's, or the recorded series'."""

    name: str
    expression: str
    records: bool


class Group(NamedTuple):
    """`interval` in seconds is None where it is the server's."""

    name: str
    interval: float | None
    rules: list


class Look(NamedTuple):
    """A selector without its window, and the window it reads: from `begin` to `end` seconds ago."""

    selector: str
    begin: float
    end: float


def seconds(duration):
    parts = re.findall(r"(\d+)(ms|[smhdwy])", duration)
    if "".join(number + unit for number, unit in parts) != duration:
        raise ValueError(f"not a duration: {duration}")
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


class Rules:
    """All groups of the files *.yml of a directory that have some."""

    def __init__(self, directory):
        self._files = {}
        for path in sorted(directory.glob("*.yml")):
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
            if isinstance(content, dict) and "groups" in content:
                self._files[path.name] = content["groups"]
        if not self._files:
            raise SystemExit(f"{directory}: no file of rules (*.yml with groups)")
        self.groups = [_group(each) for groups in self._files.values() for each in groups]

    def write(self, directory, every=None):
        """The files, with every group's interval replaced where `every` (in seconds) is given."""
        for name, groups in self._files.items():
            changed = [{**group, **_interval(every)} for group in groups]
            text = json.dumps({"groups": changed})  # which is YAML
            (directory / name).write_text(text, encoding="utf-8")


def _interval(every):
    return {} if every is None else {"interval": f"{round(every * 1000)}ms"}


def _group(content):
    interval = seconds(content["interval"]) if "interval" in content else None
    rules = [
        Rule(rule.get("alert") or rule["record"], rule["expr"], "record" in rule)
        for rule in content["rules"]
    ]
    return Group(content["name"], interval, rules)


def looks(expression, names):
    """What it reads of the metrics `names`. Where something in brackets has a window or an offset,
    all of the expression is taken to."""
    outer = [_reach(each) for each in _OUTER.finditer(expression)]
    window, offset = (max(column, default=0) for column in zip(*outer)) if outer else (0, 0)
    for found in _SELECTOR.finditer(expression):
        if found["name"] in names:
            own_window, own_offset = _reach(found)
            begin = (own_window or _LOOKBACK_SECONDS) + own_offset + window + offset
            yield Look(found["name"] + (found["matchers"] or ""), begin, own_offset)


def _reach(found):
    return seconds(found["window"] or "0s"), seconds(found["offset"] or "0s")
