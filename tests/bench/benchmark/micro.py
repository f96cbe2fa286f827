# SPDX-License-Identifier: Apache-2.0
"""Nanoseconds per socket, series or the like of a sample's steps, beside another revision's, in
turns."""

import json
import os
import pathlib
import statistics
import subprocess

from benchmark.command import Failure

_PROGRAM = "tests/bench/micro/micro_benchmarks"
_SECONDS = "0.1"  # a benchmark and round
_NANOSECONDS = 1e9
_ITEMS = {f"per_{item}" for item in ("socket", "series", "process", "cgroup", "namespace", "request")}
_ROOT = pathlib.Path(__file__).resolve().parents[3]


def add_arguments(parser):
    parser.add_argument("--against", metavar="REVISION", help="of this repository")
    parser.add_argument("--filter", default=".", metavar="REGEX", help="of benchmarks' names")
    parser.add_argument("--rounds", type=int, default=7)


def run(arguments):
    build = pathlib.Path(os.environ["SOCKDIAG_BENCH_BUILD"])
    programs = {"now": _built(_ROOT, build)}
    if arguments.against:
        programs["before"] = _built_at(_commit(arguments.against), build / "micro_against")
    names = _names(programs["now"], arguments.filter)
    measured = {name: _rounds(programs, name, arguments.rounds) for name in names}
    rows = [_row(name, sides) for name, sides in measured.items() if sides["now"]]
    return {"against": arguments.against, "rows": rows}


def _built(source, build):
    _say("cmake", "--preset", "release", "-B", build, cwd=source)
    _say("cmake", "--build", build, "--target", "micro_benchmarks", cwd=source)
    return build / _PROGRAM


def _commit(revision):
    command = ["git", "rev-parse", "--verify", f"{revision}^{{commit}}"]
    ran = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if ran.returncode != 0:
        raise Failure(f"{revision} is no revision")
    return ran.stdout.strip()


def _built_at(revision, directory):
    source = directory / "source"
    if not source.exists():
        _say("git", "worktree", "prune", cwd=_ROOT)
        _say("git", "worktree", "add", "--detach", source, revision, cwd=_ROOT)
    _say("git", "checkout", "--detach", revision, cwd=source)
    if not (source / "tests/bench/micro").exists():
        raise Failure(f"{revision} has no micro benchmarks")
    return _built(source, directory / "build")


def _say(*command, cwd):
    """On standard error: the result alone belongs on standard output."""
    if subprocess.run(command, cwd=cwd, stdout=2, check=False).returncode != 0:
        raise Failure(f"{' '.join(map(str, command))} failed")


def _names(program, pattern):
    command = [program, "--benchmark_list_tests", f"--benchmark_filter={pattern}"]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split()


def _rounds(programs, name, rounds):
    """{side: [seconds per item]}. Both sides of one benchmark follow each other closely: a machine
    changes its pace within seconds."""
    measured = {side: [] for side in programs}
    for number in range(rounds):
        for side in list(programs)[:: -1 if number % 2 else 1]:
            measured[side].extend(_measure(programs[side], name))
    return measured


def _measure(program, name):
    """One number, or none where the program does not have the benchmark, or the host not what it
    measures."""
    command = [program, f"--benchmark_min_time={_SECONDS}", "--benchmark_format=json"]
    ran = subprocess.run(
        [*command, f"--benchmark_filter=^{name}$"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    entries = json.loads(ran.stdout or "{}").get("benchmarks", [])
    return [_cost(entry) for entry in entries if not entry.get("error_occurred")]


def _cost(entry):
    (item,) = entry.keys() & _ITEMS
    return entry[item]


def _row(name, measured):
    now, before = measured["now"], measured.get("before")
    row = {"name": name, "seconds": statistics.median(now)}
    if before:
        row["seconds_before"] = statistics.median(before)
        row["ratio_by_round"] = statistics.median(a / b for a, b in zip(now, before))
        row["ratio_of_minima"] = min(now) / min(before)
    return row


def table(result):
    heading = f"{'':<60}{'now ns':>9}{'before':>9}{'ratio':>8}{'minima':>8}"
    return "\n".join([heading, *map(_line, result["rows"])])


def _line(row):
    return (
        f"{row['name']:<60}{_number(row['seconds'], 9, 1)}"
        f"{_number(row.get('seconds_before'), 9, 1)}"
        f"{_ratio(row.get('ratio_by_round'))}{_ratio(row.get('ratio_of_minima'))}"
    )


def _number(seconds, width, digits):
    return f"{'-':>{width}}" if seconds is None else f"{seconds * _NANOSECONDS:>{width}.{digits}f}"


def _ratio(value):
    return f"{'-':>8}" if value is None else f"{value:>8.3f}"
