# SPDX-License-Identifier: Apache-2.0
"""The steps of a sample in nanoseconds, beside those of another revision, in turns."""

import json
import os
import pathlib
import statistics
import subprocess

from benchmark.failure import Failure

_PROGRAM = "tests/bench/micro/micro_benchmarks"
_SECONDS = "0.1"  # a benchmark and round
_NANOSECONDS = 1e9
_ROOT = pathlib.Path(__file__).resolve().parents[3]


def add_arguments(parser):
    parser.add_argument("--against", metavar="REVISION", help="of this repository")
    parser.add_argument("--filter", default=".", metavar="REGEX", help="of benchmarks' names")
    parser.add_argument("--rounds", type=int, default=7)


def run(arguments):
    build = pathlib.Path(os.environ["SOCKDIAG_BENCH_BUILD"])
    programs = {"now": _built(_ROOT, build)}
    if arguments.against:
        programs["before"] = _built_at(arguments.against, build / "micro_against")
    rounds = {name: [] for name in programs}
    for number in range(arguments.rounds):
        for name in list(programs)[:: -1 if number % 2 else 1]:
            rounds[name].append(_measure(programs[name], arguments.filter))
    return {"against": arguments.against, "rows": _rows(rounds)}


def _built(source, build):
    _say("cmake", "--preset", "release", "-B", build, cwd=source)
    _say("cmake", "--build", build, "--target", "micro_benchmarks", cwd=source)
    return build / _PROGRAM


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


def _measure(program, pattern):
    """{benchmark: seconds per socket or series}"""
    command = [program, f"--benchmark_min_time={_SECONDS}", "--benchmark_format=json"]
    ran = subprocess.run(
        [*command, f"--benchmark_filter={pattern}"], stdout=subprocess.PIPE, check=True
    )
    return dict(map(_cost, json.loads(ran.stdout)["benchmarks"]))


def _cost(entry):
    (item,) = (key for key in entry if key.startswith("per_"))
    return f"{entry['name']}, {item.replace('_', ' ')}", entry[item]


def _rows(rounds):
    return [_row(name, rounds) for name in rounds["now"][0]]


def _row(name, rounds):
    each = {side: [measured[name] for measured in all_ if name in measured]
            for side, all_ in rounds.items()}
    row = {"name": name, "seconds": statistics.median(each["now"])}
    if before := each.get("before"):
        ratios = [now / then for now, then in zip(each["now"], before)]
        row["seconds_before"] = statistics.median(before)
        row["ratio_by_round"] = statistics.median(ratios)
        row["ratio_of_minima"] = min(each["now"]) / min(before)
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
