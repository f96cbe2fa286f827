# SPDX-License-Identifier: Apache-2.0
"""Blocks with what rules look back on, made of what a Prometheus lately scraped and recorded."""

import json
import math
import re
import subprocess
import time

from benchmark.command import Failure
from benchmark.fleet_rules import looks

_HOUR = 3600
# As they are in a server that has run for weeks: days of 18 h, the last one in parts.
_OLD_BLOCK, _NEW_BLOCK, _NEW = 18 * _HOUR, 6 * _HOUR, 24 * _HOUR
_BEFORE_SECONDS, _AFTER_SECONDS = 300, 3600  # windows move on until they are measured
_LATELY = "1m"


class _Series:
    """Its `interval` between samples, what lately was sampled, and which times are read."""

    def __init__(self, text, interval, samples):
        self._text, self._interval = text, interval
        self._is_counter = re.match(r"[^{]*_total\b", text) is not None
        self._samples = [(float(when), float(value)) for when, value in samples]
        self._spans = []

    def is_read(self, begin, end):
        self._spans.append((begin, end))

    def lines(self, begin, end):
        """OpenMetrics of the samples that are read, from `begin` until before `end`."""
        for first, last in _merged(self._spans):
            low = math.ceil(max(first, begin) / self._interval)
            high = math.ceil(min(last, end) / self._interval)
            for step in range(low, high):
                when = step * self._interval
                yield f"{self._text} {self._value(step, when)} {when}\n"

    def _value(self, step, when):
        """A counter as it grew lately; of others what was sampled, over and over."""
        (then, first), (now, last) = self._samples[0], self._samples[-1]
        if not self._is_counter or now == then:
            return self._samples[step % len(self._samples)][1]
        return max(0, last + (last - first) / (now - then) * (when - now))


def _merged(spans):
    merged = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([begin, end])
    return merged


class History:
    """What the rules read of the past."""

    def __init__(self, running, rules, interval):
        """Asks `running`, whose series are those that are to be had; `interval` is that of
        scrapes, and of groups without one of their own."""
        self._now = self._begin = time.time()
        self._intervals = {
            rule.name: group.interval or interval
            for group in rules.groups
            for rule in group.rules
            if rule.records
        }
        self._interval, self._series = interval, {}
        self._selected = {}
        names = set(running.get("label/__name__/values"))
        for group in rules.groups:
            for rule in group.rules:
                for look in looks(rule.expression, names):
                    self._add(running, look)

    def _add(self, running, look):
        if look.selector not in self._selected:
            self._selected[look.selector] = self._select(running, look.selector)
        begin = self._now - look.begin - _BEFORE_SECONDS
        end = min(self._now, self._now - look.end + _AFTER_SECONDS)
        for series in self._selected[look.selector]:
            series.is_read(begin, end)
        self._begin = min(begin, self._begin)

    def _select(self, running, selector):
        found = running.query(f"{selector}[{_LATELY}]")
        return [self._series_of(each["metric"], each["values"]) for each in found]

    def _series_of(self, labels, samples):
        text = _text(labels)
        if text not in self._series:
            interval = self._intervals.get(labels["__name__"], self._interval)
            self._series[text] = _Series(text, interval, samples)
        return self._series[text]

    def write(self, directory):
        """Blocks into directory/data, as (blocks, samples)."""
        blocks = samples = 0
        for begin, duration in self._blocks():
            path = directory / "history"
            with open(path, "w", encoding="utf-8") as file:
                written = self._write_lines(file, begin, begin + duration)
                file.write("# EOF\n")
            if written:
                _create_block(path, directory / "data", duration)
            blocks, samples = blocks + (written > 0), samples + written
            path.unlink()
        if not blocks:
            raise Failure("no rule looks back on anything")
        return blocks, samples

    def _blocks(self):
        """(begin, duration) in seconds, aligned as Prometheus has them."""
        begin = self._begin // _OLD_BLOCK * _OLD_BLOCK
        while begin < self._now:
            old = begin + _OLD_BLOCK <= self._now - _NEW
            duration = _OLD_BLOCK if old and begin % _OLD_BLOCK == 0 else _NEW_BLOCK
            yield begin, duration
            begin += duration

    def _write_lines(self, file, begin, end):
        written = 0
        for series in self._series.values():
            lines = list(series.lines(begin, end))
            file.writelines(lines)
            written += len(lines)
        return written


def _text(labels):
    pairs = [f"{key}={json.dumps(labels[key])}" for key in sorted(labels) if key != "__name__"]
    return f"{labels['__name__']}{{{','.join(pairs)}}}"


def _create_block(path, data, duration):
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics"]
    command += [f"--max-block-duration={duration // _HOUR:.0f}h", "--quiet", path, data]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"promtool: {done.stdout}{done.stderr}")
