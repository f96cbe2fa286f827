# SPDX-License-Identifier: Apache-2.0
"""Results as people read them: rows of text, aligned, and the titles of what is measured."""

# In the order of tables.
TITLES = {
    "exporter": "this exporter",
    "exporter_process": "this exporter, whole process",
    "collectd": "collectd `tcpconns`",
    "ss": "`ss -tan`",
    "node_exporter": "node_exporter `tcpstat`",
    "proc": "`cat /proc/net/tcp{,6}`",
    "drain": "raw drain, nothing counted",
    "walk": "walk that matches nothing",
}


def columns(rows):
    """The first column to the left, the others, which are numbers, to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(_aligned(row, widths)).rstrip()


def _aligned(row, widths):
    for index, (cell, width) in enumerate(zip(row, widths, strict=True)):
        yield cell.rjust(width) if index else cell.ljust(width)
