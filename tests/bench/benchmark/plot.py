# SPDX-License-Identifier: Apache-2.0
"""CPU of a sample against number of sockets, drawn from a result of sampling with several sizes.
The same result gives the same file."""

import json
import pathlib

from benchmark.tables import TITLES

# Colours that differ in lightness too (Okabe and Ito), and markers for who sees neither.
_STYLES = {
    "exporter": {"color": "#D55E00", "marker": "o", "linewidth": 2.5, "zorder": 5},
    "node_exporter": {"color": "#0072B2", "marker": "s"},
    "collectd": {"color": "#009E73", "marker": "^"},
    "ss": {"color": "#CC79A7", "marker": "D"},
    "proc": {"color": "#56B4E9", "marker": "v"},
    "drain": {"color": "#000000", "marker": "", "linestyle": "--"},
    "walk": {"color": "#888888", "marker": "", "linestyle": ":"},
}
_FIXED = {"svg.hashsalt": "sockdiag", "svg.fonttype": "none", "font.family": "sans-serif"}
_METADATA = {"Date": None, "Creator": None, "Rights": "SPDX-License-Identifier: Apache-2.0"}


def add_arguments(parser):
    parser.add_argument("result", type=pathlib.Path, help="JSON of sampling")
    parser.add_argument("svg", type=pathlib.Path)


def run(arguments):
    import matplotlib  # here, since only a plot needs it

    matplotlib.use("svg")
    with matplotlib.rc_context(_FIXED):
        figure = _draw(json.loads(arguments.result.read_text(encoding="utf-8")))
        figure.savefig(arguments.svg, metadata=_METADATA)


def _draw(result):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.5), layout="constrained", facecolor="white")
    axes = figure.subplots()
    for name in _by_cost(result):
        sockets, milliseconds = _points(result, name)
        axes.plot(sockets, milliseconds, label=TITLES[name].replace("`", ""), **_STYLES[name])
    _label(axes, result["profile"])
    return figure


def _by_cost(result):
    """The dearest first, as the lines lie at their right ends."""
    rows = {row["name"]: row["cpu_seconds"]["median"] for row in result["sizes"][-1]["rows"]}
    return sorted(_STYLES.keys() & rows.keys(), key=rows.get, reverse=True)


def _points(result, name):
    points = [
        (size["sockets"], row["cpu_seconds"]["median"] * 1e3)
        for size in result["sizes"]
        for row in size["rows"]
        if row["name"] == name
    ]
    return zip(*points)


def _label(axes, profile):
    axes.set(xscale="log", yscale="log", xlabel=f"TCP sockets ({profile})")
    axes.set_ylabel("CPU per sample, ms (median)")
    for axis, written in ((axes.yaxis, "{x:g}"), (axes.xaxis, "{x:,.0f}")):
        axis.set_major_formatter(written)
        axis.set_minor_formatter("")
    axes.grid(True, color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
