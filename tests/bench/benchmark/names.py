# SPDX-License-Identifier: Apache-2.0
"""What is measured, as people read it, in the order of tables."""

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
