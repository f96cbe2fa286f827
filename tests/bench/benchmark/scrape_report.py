# SPDX-License-Identifier: Apache-2.0
"""What follows from the rows of the scrape benchmark, and all of it in words and columns."""

from benchmark.tables import columns

OURS, _PEER, _BARE = "sockdiag_exporter", "node_exporter", "bare send"

_COLUMNS = (
    "server",
    "series",
    "bytes",
    "requests",
    "p50 ms",
    "p90 ms",
    "p99 ms",
    "max ms",
    "requests/s",
    "CPU µs",
    "not 200",
    "errors",
)


def conclusions(rows):
    found = {(row["server"], row["asked"], _kind(row)): row for row in rows}
    return {
        "p99_ratios": list(_p99_ratios(found)),
        "fresh_to_keep_alive": list(_fresh_to_keep_alive(found)),
        "cpu_slopes": list(_slopes(rows)),
    }


def _kind(row):
    return row["connections"], row["fresh"], row["gzip"]


def _p99_ratios(found):
    """Ours to the peer's, where both answered all that they were asked."""
    for (server, asked, kind), ours in found.items():
        peer = found.get((_PEER, asked, kind))
        if server == OURS and peer and _is_whole(ours) and _is_whole(peer):
            ratio = _median(ours, "p99_seconds") / _median(peer, "p99_seconds")
            yield {"series": ours["series"], **_named(kind), "ratio": ratio}


def _is_whole(row):
    return row["p99_seconds"] and not row["not_200"] and not row["socket_errors"]


def _fresh_to_keep_alive(found):
    """How much more fresh connections cost: nothing where the server closes the others, too."""
    for (server, asked, (connections, fresh, gzip)), row in found.items():
        keep_alive = found.get((server, asked, (connections, False, gzip)))
        if fresh and keep_alive and _is_whole(row) and _is_whole(keep_alive):
            ratios = {
                name: _ratio(row, keep_alive, name)
                for name in ("p50_seconds", "requests_per_second", "cpu_seconds_per_answer")
            }
            kind = {"connections": connections, "gzip": gzip}
            yield {"server": server, "series": row["series"], **kind, **ratios}


def _ratio(row, other, name):
    return row[name] and other[name] and _median(row, name) / _median(other, name)


def _slopes(rows):
    """CPU per byte and per series, from the smallest to the largest page, one request at a time."""
    for server in (OURS, _PEER, _BARE):
        for gzip in (False, True):
            same = [row for row in rows if row["server"] == server and _is_slope(row, gzip)]
            if len(same) > 1:
                yield {"server": server, "gzip": gzip, **_slope(same)}


def _is_slope(row, gzip):
    return _kind(row) == (1, False, gzip) and row["cpu_seconds_per_answer"] is not None


def _slope(rows):
    first, last = (pick(rows, key=lambda row: row["series"]) for pick in (min, max))
    cost = _median(last, "cpu_seconds_per_answer") - _median(first, "cpu_seconds_per_answer")
    span = {name: [first[name], last[name]] for name in ("series", "bytes")}
    per = {
        f"ns_per_{unit}": cost * 1e9 / max(1, last[name] - first[name])
        for name, unit in (("series", "series"), ("bytes", "byte"))
    }
    return {**span, **per}


def _median(row, name):
    return row[name]["median"]


def _named(kind):
    return dict(zip(("connections", "fresh", "gzip"), kind, strict=True))


def table(result):
    rows = [_COLUMNS, *(tuple(_cells(row)) for row in result["rows"])]
    return "\n".join([*columns(rows), *_remarks(result)])


def _cells(row):
    yield from (row["server"], str(row["series"]), str(row["bytes"]), _words(row))
    for name in ("p50", "p90", "p99", "max"):
        yield _spread(row[f"{name}_seconds"], 1e3, 2)
    yield _spread(row["requests_per_second"], 1, 0)
    yield _spread(row["cpu_seconds_per_answer"], 1e6, 0)
    yield _share(row["not_200"], row["requests"])
    yield str(row["socket_errors"])


def _words(row):
    connections = "fresh" if row["fresh"] else "keep-alive"
    return f"{row['connections']} {connections}{', gzip' if row.get('gzip') else ''}"


def _spread(summary, scale, digits):
    """The median, and how far the rounds lie apart."""
    if summary is None:
        return "–"
    median, low, high = (summary[name] * scale for name in ("median", "min", "max"))
    return f"{median:.{digits}f} ±{(high - low) / 2:.{digits}f}"


def _share(part, whole):
    return f"{part / whole:.0%}" if part else "0"


def _remarks(result):
    for each in result["p99_ratios"]:
        what = f"{each['series']} series, {_words(each)}"
        yield f"p99 to node_exporter's, {what}: {each['ratio']:.3f}"
    for each in result["fresh_to_keep_alive"]:
        yield (
            f"fresh to keep-alive, {each['server']}, {each['series']} series, {_words_of(each)}: "
            f"p50 {_times(each['p50_seconds'])}, requests/s {_times(each['requests_per_second'])}, "
            f"CPU {_times(each['cpu_seconds_per_answer'])}"
        )
    for each in result["cpu_slopes"]:
        yield (
            f"CPU of an answer, {each['server']}{', gzip' if each['gzip'] else ''}, "
            f"{each['series'][0]} to {each['series'][1]} series: "
            f"{each['ns_per_series']:.1f} ns per series, {each['ns_per_byte']:.2f} ns per byte"
        )


def _words_of(each):
    return f"{each['connections']} connections{', gzip' if each['gzip'] else ''}"


def _times(ratio):
    return f"×{ratio:.2f}" if ratio else "–"
