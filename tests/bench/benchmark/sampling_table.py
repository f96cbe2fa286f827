# SPDX-License-Identifier: Apache-2.0
"""Results of sampling as text."""

_HEADING = (
    f"{'':<18}{'CPU ms':>10}{'min':>10}{'max':>10}{'user':>6}{'wall ms':>10}"
    f"{'x drain':>9}{'min':>7}{'max':>7}{'x minima':>9}{'MiB peak':>10}{'kB read':>10}"
)


def table(result):
    lines = [_machine(result["machine"])]
    for size in result["sizes"]:
        lines += ["", _title(result["profile"], size), _HEADING, *map(_row, size["rows"])]
    return "\n".join(lines)


def _machine(machine):
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (
        f"{machine['cpu']}, {machine['cpus']} CPUs, Linux {machine['kernel']}, "
        f"load average {machine['load_average']}; {packages}"
    )


def _title(profile, size):
    sockets = f"{size['sockets']} sockets ({size['sockets_elsewhere']} elsewhere on the machine)"
    counts = [f"{name} {each['counted']}" for name, each in size["truth"].items()]
    return ", ".join([f"{profile}, {sockets}", *counts])


def _row(row):
    cpu, wall = row["cpu_seconds"], row["wall_seconds"]
    ratio = row.get("ratio_by_round", {})
    return (
        f"{row['name']:<18}{_ms(cpu['median'])}{_ms(cpu['min'])}{_ms(cpu['max'])}"
        f"{_share(row['user_share'])}{_ms(wall['median'])}"
        f"{_ratio(ratio.get('median'), 9)}"
        f"{_ratio(ratio.get('min'), 7)}{_ratio(ratio.get('max'), 7)}"
        f"{_ratio(row.get('ratio_of_minima'), 9)}"
        f"{_scaled(row['peak_bytes'], 2**20)}{_scaled(row['kernel_bytes'], 1000)}"
    )


def _ms(seconds):
    return f"{seconds * 1e3:>10.2f}"


def _share(value):
    return f"{'-':>6}" if value is None else f"{value:>6.0%}"


def _ratio(value, width):
    return f"{'-':>{width}}" if value is None else f"{value:>{width}.3f}"


def _scaled(value, unit):
    return f"{'-':>10}" if value is None else f"{value / unit:>10.1f}"
