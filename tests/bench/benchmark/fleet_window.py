# SPDX-License-Identifier: Apache-2.0
"""What a Prometheus costs, and how long its groups of rules take, over some time."""

import time

from benchmark import processes
from benchmark.fleet_prometheus import JOB

_LONGEST_POLL_SECONDS = 5


def measure(running, rules, interval, seconds):
    """Two readings at least. `interval` is that of groups without one of their own."""
    evaluations = {}  # group: {when: how long}
    resident = []
    begin = _Moment(running)
    while True:
        moment = _Moment(running)
        resident.append(moment.resident)
        for group, when, duration in moment.evaluations():
            evaluations.setdefault(group, {})[when] = duration
        if moment.time - begin.time >= seconds and len(resident) > 1:
            return _summary(begin, moment, resident, _groups(rules, interval, evaluations))
        time.sleep(min(interval / 3, _LONGEST_POLL_SECONDS))


class _Moment:
    """What Prometheus shows of itself."""

    def __init__(self, running):
        self.time, self.cpu = time.monotonic(), processes.cpu_seconds(running.pid)
        self._metrics = running.own_metrics()
        self.resident = self._metrics.value("process_resident_memory_bytes")
        self.series = self._metrics.value("prometheus_tsdb_head_series")

    def total(self, name):
        return sum(self._metrics.family(name).values())

    def evaluations(self):
        """(group, when, how long) of the last one of each group that has had one."""
        durations = self._metrics.family("prometheus_rule_group_last_duration_seconds")
        times = self._metrics.family("prometheus_rule_group_last_evaluation_timestamp_seconds")
        for labels, when in times.items():
            if when > 0:
                yield labels[0].rpartition(";")[2], when, durations[labels]


def _summary(begin, end, resident, groups):
    wall = end.time - begin.time
    appended = "prometheus_tsdb_head_samples_appended_total"
    return {
        "seconds": wall,
        "head_series": end.series,
        "samples_per_second": (end.total(appended) - begin.total(appended)) / wall,
        "cpu_share": (end.cpu - begin.cpu) / wall,
        "resident_bytes": {"mean": sum(resident) / len(resident), "max": max(resident)},
        "blocks": end.total("prometheus_tsdb_blocks_loaded"),
        "evaluation_failures": end.total("prometheus_rule_evaluation_failures_total"),
        "missed_evaluations": end.total("prometheus_rule_group_iterations_missed_total"),
        "groups": groups,
    }


def _groups(rules, interval, evaluations):
    return [_group(each, interval, evaluations.get(each.name, {})) for each in rules.groups]


def _group(group, interval, durations):
    own = group.interval or interval
    row = {"name": group.name, "interval_seconds": own, "evaluations": len(durations)}
    if durations:
        mean = sum(durations.values()) / len(durations)
        row["duration_seconds"] = {
            "last": durations[max(durations)],
            "mean": mean,
            "max": max(durations.values()),
        }
        row["share_of_interval"] = mean / own
    return row


def count_series(running, hosts):
    """By where they come from. What is scraped is that of the page, without Prometheus' own."""
    scraped = running.number(f'sum(scrape_samples_scraped{{job="{JOB}"}})')
    return {
        "up": running.number(f'sum(up{{job="{JOB}"}})'),
        "scraped_per_host": scraped / hosts,
        "recorded": running.number('count({__name__=~".+:.+"})'),
        "alerts": running.number('count({__name__=~"ALERTS|ALERTS_FOR_STATE"})'),
    }


def raised_alerts(running):
    """{name and state: how many}"""
    found = running.query("count by (alertname, alertstate) (ALERTS)")
    return {
        f"{each['metric']['alertname']} {each['metric']['alertstate']}": int(each["value"][1])
        for each in found
    }
