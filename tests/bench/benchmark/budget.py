# SPDX-License-Identifier: Apache-2.0
"""Whether the exporter keeps sampling.cpu_budget, and its interval says so, on every load."""

import time
from typing import NamedTuple

from support.network import enter_fresh_network_namespace
from support.polling import wait_until

from benchmark import processes
from benchmark.command import Failure
from benchmark.exporter import exporter
from benchmark.load import PROFILES, load
from benchmark.tables import columns

# Moderately large; `--sockets PROFILE=N` for others.
_SOCKETS = {
    "established": 200_000,
    "close_wait": 200_000,
    "time_wait": 131_072,
    "listeners": 5_000,
    "destinations": 100_000,
    "syn_flood": 50_000,
    "churn": 20_000,
}
_SOURCES = ("tcp", "listeners", "kernel")

_SETTLED = 0.1  # two samples in a row whose intervals differ by less than this share
_SETTLING_SAMPLES = 6
_SAMPLE_DEADLINE_SECONDS = 300
_EARLY_SECONDS = 0.01


class Moment(NamedTuple):
    """The end of a sample of all sockets."""

    wall: float
    process_cpu: float
    sampling_cpu: dict  # seconds by source
    stamp: float
    interval: float
    sockets: float


def _profile_and_number(text):
    profile, _, number = text.partition("=")
    if profile not in PROFILES:
        raise ValueError(text)
    return profile, int(number)


def add_arguments(parser):
    parser.add_argument("--profiles", nargs="+", default=PROFILES, choices=PROFILES)
    parser.add_argument(
        "--sockets", nargs="+", type=_profile_and_number, default=[], metavar="PROFILE=N"
    )
    parser.add_argument("--samples", type=int, default=4, help="whole intervals that are measured")
    parser.add_argument("--cpu-budget", type=float, default=0.05)


def run(arguments):
    sizes = {**_SOCKETS, **dict(arguments.sockets)}
    rows = [_run_profile(profile, sizes[profile], arguments) for profile in arguments.profiles]
    result = {"cpu_budget": arguments.cpu_budget, "rows": rows}
    for row in rows:
        if row["sockets"] < row["made"] and not row["moving"]:
            raise Failure(f"the exporter counts {row['sockets']:.0f} of {row['made']}", result)
    return result


def _run_profile(profile, sockets, arguments):
    enter_fresh_network_namespace()
    configuration = f"sampling: {{cpu_budget: {arguments.cpu_budget}}}\n"
    with load(profile, sockets) as made, exporter(configuration) as running:
        moments = [_settle(running)]
        for _ in range(arguments.samples):
            moments.append(_next_sample(running, moments[-1]))
    made = {"profile": profile, "made": made.sockets, "moving": made.moving}
    return {**made, **_row(moments, arguments.cpu_budget)}


def _settle(running):
    """The end of the first sample whose interval is like that before."""
    before = _moment(running)
    for _ in range(_SETTLING_SAMPLES):
        now = _next_sample(running, before)
        if abs(now.interval - before.interval) <= _SETTLED * before.interval:
            return now
        before = now
    return before


def _next_sample(running, before):
    """Asleep until it is due: a scrape costs the process that is measured."""
    due = before.wall + before.interval - _EARLY_SECONDS
    time.sleep(max(0, due - time.monotonic()))
    return wait_until(
        lambda: _moment_later_than(running, before.stamp), "a sample", _SAMPLE_DEADLINE_SECONDS
    )


def _moment_later_than(running, stamp):
    moment = _moment(running)
    return moment if moment.stamp > stamp else None


def _moment(running):
    scrape = running.scrape()
    return Moment(
        time.monotonic(),
        processes.cpu_seconds(running.process.pid),
        {each: scrape.source("sockdiag_sample_cpu_seconds_total", each) for each in _SOURCES},
        scrape.source("sockdiag_sample_timestamp_seconds"),
        scrape.source("sockdiag_sample_interval_seconds"),
        scrape.source("sockdiag_sample_sockets"),
    )


def _row(moments, budget):
    first, last = moments[0], moments[-1]
    wall = last.wall - first.wall
    share = (last.process_cpu - first.process_cpu) / wall
    by_source = {
        each: (last.sampling_cpu[each] - first.sampling_cpu[each]) / wall for each in _SOURCES
    }
    return {
        "sockets": last.sockets,
        "interval_seconds": last.interval,
        "cpu_seconds_per_sample": by_source["tcp"] * wall / (len(moments) - 1),
        "wall_seconds": wall,
        "cpu_share": share,
        "cpu_share_by_source": by_source,
        "cpu_share_of_the_rest": share - sum(by_source.values()),
        "within": share <= budget,
    }


def table(result):
    heading = ["profile", "sockets", "interval s", "CPU ms per sample", "share of a CPU"]
    heading += [*(f"of it {each}" for each in _SOURCES), "the rest", "within"]
    lines = [f"cpu_budget {result['cpu_budget']:.2%}"]
    return "\n".join([*lines, *columns([heading, *map(_cells, result["rows"])])])


def _cells(row):
    shares = [*row["cpu_share_by_source"].values(), row["cpu_share_of_the_rest"]]
    return [
        row["profile"],
        f"{row['sockets']:.0f}",
        f"{row['interval_seconds']:.2f}",
        f"{row['cpu_seconds_per_sample'] * 1e3:.1f}",
        f"{row['cpu_share']:.2%}",
        *(f"{share:.2%}" for share in shares),
        "yes" if row["within"] else "no",
    ]
