# SPDX-License-Identifier: Apache-2.0
"""The tables of a fleet."""

from benchmark.tables import columns

_FLEET = 1000
_COSTLY_RULES = 12
_MEBIBYTE = 2**20


def table(result):
    parts = [_host(result)]
    if result["live"]:
        parts += [_live(result), *map(_live_groups, result["live"])]
    if result["history"]:
        parts += [_history_groups(result["history"]), _rules(result["history"])]
    parts += [_alerts(row) for row in [*result["live"], *result["history"]]]
    return "\n\n".join(parts)


def at_fleet(points):
    """The value at 1 000 hosts, of {hosts: value}: measured there, or of the line by least squares,
    or in proportion where there is one size alone. Never less than what fewer hosts cost."""
    if _FLEET in points:
        return points[_FLEET]
    if len(points) == 1:
        (hosts, value), *_ = points.items()
        return value * _FLEET / hosts
    mean_hosts = sum(points) / len(points)
    mean = sum(points.values()) / len(points)
    slope = sum((hosts - mean_hosts) * (value - mean) for hosts, value in points.items())
    slope /= sum((hosts - mean_hosts) ** 2 for hosts in points)
    return max(mean + slope * (_FLEET - mean_hosts), *points.values())


def _how(rows):
    sizes = [str(row["hosts"]) for row in rows]
    if len(sizes) == 1:
        return f"extrapolated in proportion from {sizes[0]} hosts"
    return f"extrapolated linearly from {', '.join(sizes)} hosts"


def _host(result):
    host = result["host"]
    return (
        f"a host: {host['listening']} listening and {host['outbound']} outbound ports, "
        f"{host['series']} series, {host['series_not_zero']} of them not 0, "
        f"{host['bytes'] / 1e3:.1f} kB ({host['gzip_bytes'] / 1e3:.1f} with gzip)"
    )


_LIVE = {
    "series in head": (lambda row: row["head_series"], "{:.0f}"),
    "scraped a host": (lambda row: row["series"]["scraped_per_host"], "{:.0f}"),
    "recorded": (lambda row: row["series"]["recorded"], "{:.0f}"),
    "of alerts": (lambda row: row["series"]["alerts"], "{:.0f}"),
    "samples/s": (lambda row: row["samples_per_second"], "{:.0f}"),
    "MiB resident": (lambda row: row["resident_bytes"]["mean"] / _MEBIBYTE, "{:.0f}"),
    "most": (lambda row: row["resident_bytes"]["max"] / _MEBIBYTE, "{:.0f}"),
    "CPU": (lambda row: row["cpu_share"], "{:.1%}"),
    "missed": (lambda row: row["missed_evaluations"], "{:.0f}"),
}
_NOT_EXTRAPOLATED = ("scraped a host", "missed")


def _live(result):
    rows = result["live"]
    lines = [
        f"live: scraped every {result['interval_seconds']:g} s, measured for "
        f"{rows[0]['seconds']:.0f} s after {result['warm_up_seconds']:g} s; CPU of one core"
    ]
    cells = [["hosts", *_LIVE], *map(_live_cells, rows)]
    is_measured = _FLEET in (row["hosts"] for row in rows)
    if not is_measured:
        cells.append([str(_FLEET), *(_extrapolated(rows, name) for name in _LIVE)])
    lines += columns(cells)
    if not is_measured:
        lines.append(f"{_FLEET} hosts: {_how(rows)}")
    return "\n".join(lines)


def _live_cells(row):
    return [str(row["hosts"]), *(text.format(value(row)) for value, text in _LIVE.values())]


def _extrapolated(rows, name):
    value, text = _LIVE[name]
    if name in _NOT_EXTRAPOLATED:
        return "–"
    return text.format(at_fleet({row["hosts"]: value(row) for row in rows}))


_GROUP = ["interval s", "evaluations", "last ms", "mean", "most", "of interval"]


def _live_groups(row):
    how = "windows are as full as the server is old"
    lines = [f"groups of rules, live, {row['hosts']} hosts; {how}"]
    cells = [[each["name"], *_group_cells(each)] for each in row["groups"]]
    return "\n".join([*lines, *columns([["group", *_GROUP], *cells])])


def _group_cells(group):
    if not group["evaluations"]:
        return [f"{group['interval_seconds']:g}", "0", *["–"] * 4]
    times = group["duration_seconds"]
    return [
        f"{group['interval_seconds']:g}",
        str(group["evaluations"]),
        *(f"{times[name] * 1e3:.1f}" for name in ("last", "mean", "max")),
        f"{group['share_of_interval']:.2%}",
    ]


def _history_groups(rows):
    last = rows[-1]
    lines = [
        f"groups of rules, all windows full, {last['hosts']} hosts "
        f"({last['written_samples']} samples in {last['written_blocks']} blocks); "
        f"{_FLEET} hosts: {_how(rows)}"
    ]
    at = f"at {_FLEET}"
    heading = ["group", *_GROUP, f"s {at}", "of interval", f"CPU s {at}", "of interval"]
    cells = [_history_cells(index, rows) for index in range(len(last["groups"]))]
    return "\n".join([*lines, *columns([heading, *cells, _total_cells(rows)])])


def _history_cells(index, rows):
    group = rows[-1]["groups"][index]
    cells = [group["name"], *_group_cells(group)]
    for seconds in (_wall_seconds(index, rows), _cpu_seconds(group["name"], rows)):
        cells += [f"{seconds:.2f}", f"{seconds / group['interval_seconds']:.1%}"]
    return cells


def _total_cells(rows):
    groups = rows[-1]["groups"]
    wall = sum(_wall_seconds(i, rows) / each["interval_seconds"] for i, each in enumerate(groups))
    cpu = sum(_cpu_seconds(each["name"], rows) / each["interval_seconds"] for each in groups)
    return ["all", *[""] * (len(_GROUP) + 1), f"{wall:.1%}", "", f"{cpu:.1%}"]


def _wall_seconds(index, rows):
    """Of an evaluation of a group at 1 000 hosts."""
    groups = {row["hosts"]: row["groups"][index] for row in rows}
    means = {
        hosts: group["duration_seconds"]["mean"]
        for hosts, group in groups.items()
        if group["evaluations"]
    }
    return at_fleet(means) if means else 0


def _cpu_seconds(group, rows):
    """Of one query of each rule of a group at 1 000 hosts."""
    return at_fleet(
        {
            row["hosts"]: sum(rule["cpu_seconds"] for rule in row["rules"] if rule["group"] == group)
            for row in rows
        }
    )


def _rules(rows):
    last = rows[-1]
    costly = sorted(last["rules"], key=lambda each: -each["cpu_seconds"])[:_COSTLY_RULES]
    lines = [f"the costliest rules by one query each, all windows full, {last['hosts']} hosts"]
    cells = [
        [
            each["name"],
            each["group"],
            f"{each['samples_per_host']:.0f}",
            f"{each['seconds'] * 1e3:.1f}",
            f"{each['cpu_seconds'] * 1e3:.1f}",
            f"{_rule_cpu_seconds(each['name'], rows):.2f}",
        ]
        for each in costly
    ]
    heading = ["rule", "group", "samples a host", "ms", "CPU ms", f"CPU s at {_FLEET}"]
    return "\n".join([*lines, *columns([heading, *cells])])


def _rule_cpu_seconds(name, rows):
    costs = {row["hosts"]: each for row in rows for each in row["rules"] if each["name"] == name}
    return at_fleet({hosts: each["cpu_seconds"] for hosts, each in costs.items()})


def _alerts(row):
    kind = "all windows full" if "rules" in row else "live"
    raised = ", ".join(f"{name}: {count}" for name, count in row["raised_alerts"].items())
    return f"alerts of {row['hosts']} hosts, {kind}: {raised or 'none'}"
