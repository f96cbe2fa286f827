# SPDX-License-Identifier: Apache-2.0
"""Results of sampling as the documents show them."""

from benchmark.names import TITLES

_SUMMARY = ("exporter", "collectd", "ss", "node_exporter", "proc", "drain")
_PEERS = ("exporter", "exporter_process", "collectd", "ss", "node_exporter", "proc")
_SHORT = {"exporter_process": "whole process", "proc": "`/proc/net/tcp{,6}`"}


def render(results):
    """All that was measured."""
    parts = [_machine(results), _largest(results), _by_profile(results), _commands(results)]
    return "\n\n".join(parts) + "\n"


def render_summary(results):
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
