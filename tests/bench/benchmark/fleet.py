# SPDX-License-Identifier: Apache-2.0
"""A Prometheus that scrapes many hosts, with the rules that are shipped."""

import contextlib
import pathlib
import statistics
import tempfile
import time

from support.polling import wait_until

from benchmark import fleet_report, fleet_window, processes
from benchmark.command import Failure, numbers
from benchmark.fleet_history import History
from benchmark.fleet_host import record
from benchmark.fleet_pages import Recording, playing
from benchmark.fleet_prometheus import idle_prometheus, prometheus
from benchmark.fleet_rules import SHIPPED, Rules

# Of the server that is asked for the series of which a history is made.
_QUICK_SECONDS = 2
_QUICK_SCRAPES = 5
_COLD_EVALUATIONS = 2  # by which a server with a history has read its blocks
_QUERIES = 3  # of each rule
_DEADLINE_SECONDS = 300


def add_arguments(parser):
    parser.add_argument("--hosts", type=numbers, default=[50], metavar="N,...")
    parser.add_argument(
        "--history-hosts",
        type=numbers,
        default=[20],
        metavar="N,...",
        help="for which all windows of rules are full; 0: none",
    )
    parser.add_argument("--listening", type=int, default=30, help="services of a host")
    parser.add_argument("--outbound", type=int, default=40, help="services that a host calls")
    parser.add_argument("--pages", type=int, default=20, help="of the host that is recorded")
    parser.add_argument("--interval", type=float, default=15, help="seconds between scrapes")
    parser.add_argument("--warm-up", type=float, default=330, help="seconds before measuring")
    parser.add_argument("--seconds", type=float, default=300, help="of measuring")
    parser.add_argument(
        "--history-warm-up", type=float, default=330, help="seconds before measuring with a history"
    )
    parser.add_argument(
        "--history-seconds", type=float, default=90, help="of measuring with a history"
    )
    parser.add_argument(
        "--rules", type=pathlib.Path, default=SHIPPED, metavar="DIR", help="instead of the shipped"
    )


def run(arguments):
    rules = Rules(arguments.rules)
    recording = Recording(record(arguments.listening, arguments.outbound, arguments.pages))
    result = {
        "host": {
            "listening": arguments.listening,
            "outbound": arguments.outbound,
            "series": recording.series,
            "series_not_zero": recording.not_zero,
            "bytes": recording.bytes,
            "gzip_bytes": recording.gzip_bytes,
        },
        "interval_seconds": arguments.interval,
        "warm_up_seconds": arguments.warm_up,
        "live": [],
        "history": [],
    }
    try:
        for hosts in arguments.hosts:
            result["live"].append(_run_live(recording, rules, hosts, arguments))
        for hosts in filter(None, arguments.history_hosts):
            result["history"].append(_run_with_history(recording, rules, hosts, arguments))
    except (AssertionError, OSError, Failure) as error:  # what was measured before is not lost
        raise Failure(f"{type(error).__name__}: {error}", result) from error
    _check(result)
    return result


def _run_live(recording, rules, hosts, arguments):
    interval = arguments.interval
    with _temporary_directory() as directory, playing(recording, interval) as port:
        with prometheus(directory, rules, (port, hosts, interval)) as running:
            running.await_hosts(hosts)
            time.sleep(arguments.warm_up)
            row = fleet_window.measure(running, rules, interval, arguments.seconds)
            return {"hosts": hosts, **row, **_series_and_alerts(running, hosts)}


def _series_and_alerts(running, hosts):
    return {
        "series": fleet_window.count_series(running, hosts),
        "raised_alerts": fleet_window.raised_alerts(running),
    }


@contextlib.contextmanager
def _temporary_directory():
    with tempfile.TemporaryDirectory(prefix="sockdiag_fleet_") as name:
        yield pathlib.Path(name)


def _run_with_history(recording, rules, hosts, arguments):
    """Every group is evaluated as often as hosts are scraped, so that there is enough to measure;
    what it takes is compared with its own interval."""
    interval = arguments.interval
    with _temporary_directory() as directory:
        blocks, samples = _make_history(recording, rules, hosts, interval, directory)
        with playing(recording, interval) as port:
            with prometheus(directory, rules, (port, hosts, interval), every=interval) as running:
                running.await_hosts(hosts)
                time.sleep(arguments.history_warm_up)
                _await_evaluations(running, rules, _COLD_EVALUATIONS)
                row = fleet_window.measure(running, rules, interval, arguments.history_seconds)
                row.update(_series_and_alerts(running, hosts))
        with idle_prometheus(directory) as running:
            row["rules"] = _rules(running, rules, hosts)
    return {"hosts": hosts, "written_blocks": blocks, "written_samples": samples, **row}


def _make_history(recording, rules, hosts, interval, directory):
    """From what a server of its own scrapes and records within some seconds."""
    quick = min(interval, _QUICK_SECONDS)
    with _temporary_directory() as other, playing(recording, quick) as port:
        with prometheus(other, rules, (port, hosts, quick), every=quick) as running:
            running.await_hosts(hosts)
            _await_evaluations(running, rules, _QUICK_SCRAPES)
            history = History(running, rules, interval)
    return history.write(directory)


def _await_evaluations(running, rules, number):
    wait_until(
        lambda: _least_evaluations(running, rules) >= number,
        f"every group of rules has been evaluated {number} times",
        _DEADLINE_SECONDS,
    )


def _least_evaluations(running, rules):
    found = running.own_metrics().family("prometheus_rule_group_iterations_total")
    return min(found.values()) if len(found) == len(rules.groups) else 0


def _rules(running, rules, hosts):
    return [
        {"name": rule.name, "group": group.name, **_cost(running, rule.expression, hosts)}
        for group in rules.groups
        for rule in group.rules
    ]


def _cost(running, expression, hosts):
    """Of one query, after a first one that is not counted, as Prometheus itself counts it, and by
    the process' clock."""
    _query_stats(running, expression)
    before = processes.cpu_seconds(running.pid)
    stats = [_query_stats(running, expression) for _ in range(_QUERIES)]
    return {
        "samples_per_host": stats[0]["samples"]["totalQueryableSamples"] / hosts,
        "seconds": statistics.median(each["timings"]["evalTotalTime"] for each in stats),
        "cpu_seconds": (processes.cpu_seconds(running.pid) - before) / _QUERIES,
    }


def _query_stats(running, expression):
    return running.get("query", query=expression, stats="all")["stats"]


def _check(result):
    for row in [*result["live"], *result["history"]]:
        for wrong in _wrong(row, result):
            raise Failure(f"{row['hosts']} hosts: {wrong}", result)


def _wrong(row, result):
    series, expected = row["series"], result["host"]["series"]
    if series["up"] != row["hosts"]:
        yield f"only {series['up']:.0f} are up"
    if series["scraped_per_host"] != expected:
        yield f"{series['scraped_per_host']} series of a host were scraped, its page has {expected}"
    if row["head_series"] < row["hosts"] * expected:
        yield f"only {row['head_series']:.0f} series in the head"
    if row["evaluation_failures"]:
        yield f"{row['evaluation_failures']:.0f} evaluations of rules failed"
    if "rules" in row:
        yield from _wrong_history(row)


# Live, a short run may end before the groups have had their first turn; here they have many.
def _wrong_history(row):
    if row["series"]["recorded"] == 0:
        yield "nothing was recorded"
    if row["blocks"] != row["written_blocks"]:
        yield f"{row['blocks']:.0f} of {row['written_blocks']} blocks of the history are there"
    for group in row["groups"]:
        if not group["evaluations"]:
            yield f"the rules of {group['name']} were not evaluated"


def table(result):
    return fleet_report.table(result)
