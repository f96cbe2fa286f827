# SPDX-License-Identifier: Apache-2.0
"""The figures in documents, rendered from results/*.json: nothing is said that was not measured."""

import json
import pathlib

from benchmark.command import Failure
from benchmark.load import PROFILES
from benchmark.tables import TITLES

_BENCH = pathlib.Path(__file__).resolve().parents[1]
_BEGIN, _END = "<!-- cost: begin -->\n", "<!-- cost: end -->\n"
_SUMMARY = ("exporter", "collectd", "ss", "node_exporter", "proc", "drain")
_PEERS = ("exporter", "exporter_process", "collectd", "ss", "node_exporter", "proc")
_SHORT = {"exporter_process": "whole process", "proc": "`/proc/net/tcp{,6}`"}


def add_arguments(parser):
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="fail where a document says otherwise")
    action.add_argument("--write", action="store_true", help="put them into the documents")


def run(arguments):
    results = _results()
    for document, renderer in _DOCUMENTS.items():
        _update(document, renderer(results), arguments)


def _update(document, rendered, arguments):
    text = document.read_text(encoding="utf-8")
    before, after = _around(document, text)
    wanted = f"{before}{_BEGIN}{rendered}{_END}{after}"
    if arguments.write:
        document.write_text(wanted, encoding="utf-8")
    elif not arguments.check:
        print(rendered, end="")
    elif text != wanted:
        raise Failure(f"{document} differs from tests/bench/results: run report --write")


def _results():
    """By profile; all have to be of one machine and one exporter."""
    found = {profile: _result(f"{profile}.json") for profile in PROFILES}
    machines = {(each["machine"]["cpu"], each["machine"]["kernel"]) for each in found.values()}
    revisions = {each["revision"] for each in found.values()}
    if len(machines) > 1 or len(revisions) > 1:
        raise Failure(f"the results differ in what was measured: {machines}, {revisions}")
    return found


def _result(name):
    return json.loads((_BENCH / "results" / name).read_text(encoding="utf-8"))


def _around(document, text):
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise Failure(f"{document} has no lines {_BEGIN.strip()} and {_END.strip()}")
    return before, after


def _render(results):
    """All that was measured."""
    parts = [_machine(results), _largest(results), _by_profile(results), _commands(results)]
    return "\n\n".join(parts) + "\n"


def _render_summary(results):
    """The CPU of one sample at the largest size, in one short table."""
    size = results["established"]["sizes"][-1]
    rows = {row["name"]: row for row in size["rows"]}
    columns = ["CPU", "× raw drain", "peak memory"]
    lines = [_row(f"{_grouped(size['sockets'])} sockets", *columns), _rule(len(columns) + 1)]
    for name in _SUMMARY:
        if name in rows:
            cpu, _, ratio, _, memory, _ = _cells(rows[name])
            lines.append(_row(TITLES[name], cpu, ratio.partition(" ")[0], memory))
    return "\n".join(lines) + "\n"


def _machine(results):
    result = results["established"]
    machine = result["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (
        f"{machine['cpu']}, {machine['cpus']} CPUs, Linux {machine['kernel']}, {result['date']}; "
        f"{result['revision']}, {packages}."
    )


def _largest(results):
    size = results["established"]["sizes"][-1]
    rows = {row["name"]: row for row in size["rows"]}
    costs = ["CPU", "user", "× raw drain (min–max)", "wall"]
    columns = [*costs, "peak memory", "read from the kernel"]
    heading = f"{_grouped(size['sockets'])} sockets, ESTABLISHED"
    lines = [_row(heading, *columns), _rule(len(columns) + 1)]
    lines += [_row(title, *_cells(rows[name])) for name, title in TITLES.items() if name in rows]
    return "\n".join(lines)


def _cells(row):
    cpu, ratio = row["cpu_seconds"]["median"], row["ratio_by_round"]
    return (
        _seconds(cpu),
        "–" if row["user_share"] is None else f"{row['user_share']:.0%}",
        f"{ratio['median']:.2f} ({ratio['min']:.2f}–{ratio['max']:.2f})",
        _seconds(row["wall_seconds"]["median"]),
        _mebibytes(row["peak_bytes"]),
        _megabytes(row["kernel_bytes"]),
    )


def _by_profile(results):
    columns = [_SHORT.get(name, TITLES[name]) for name in _PEERS]
    lines = [_row("profile", "sockets", "raw drain", *columns), _rule(len(columns) + 3)]
    lines += [_profile_row(profile, result) for profile, result in results.items()]
    return "\n".join(["CPU of a sample as a multiple of the raw drain's, by profile:", "", *lines])


def _profile_row(profile, result):
    size = result["sizes"][-1]
    rows = {row["name"]: row for row in size["rows"]}
    ratios = (
        f"{rows[name]['ratio_by_round']['median']:.2f}" if name in rows else "–" for name in _PEERS
    )
    drain = _seconds(rows["drain"]["cpu_seconds"]["median"])
    return _row(f"`{profile}`", _grouped(size["sockets"]), drain, *ratios)


def _commands(results):
    lines = [f"{result['command']}  # {result['date']}" for result in results.values()]
    return "\n".join(["```", *lines, "```"])


def _row(*cells):
    return f"| {' | '.join(cells)} |"


def _rule(columns):
    return "|" + "---|" * columns


def _grouped(number):
    return f"{number:,}".replace(",", " ")


def _seconds(value):
    return f"{value:.2f} s" if value >= 1 else f"{value * 1e3:.3g} ms"


def _mebibytes(value):
    return "–" if value is None else f"{value / 2**20:.3g} MiB"


def _megabytes(value):
    if value is None:
        return "–"
    return f"{value / 1e6:.3g} MB" if value >= 10_000 else f"{value} B"


# What renders the figures of each document.
_DOCUMENTS = {_BENCH.parents[1] / "README.md": _render_summary, _BENCH / "README.md": _render}
