# SPDX-License-Identifier: Apache-2.0
"""What every benchmark has as a command: arguments, a failure, and what its figures depend on
besides the code. Figures are compared within one run, on one machine."""

import os
import platform
import subprocess

from support.exporter import BINARY

_PACKAGES = ("collectd-core", "iproute2", "prometheus", "prometheus-node-exporter", "wrk")


def numbers(text):
    return [int(number) for number in text.split(",")]


class Failure(Exception):
    """Ends the benchmark with status 1; `result` is published first where it is given."""

    def __init__(self, message, result=None):
        super().__init__(message)
        self.result = result


def describe_machine():
    return {
        "cpu": _cpu_model(),
        "cpus": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": platform.release(),
        "load_average": round(os.getloadavg()[0], 2),
        "packages": {name: version for name in _PACKAGES if (version := _version_of(name))},
    }


def measured_revision():
    """Of what is measured, as the exporter has it, or None where there is none."""
    try:
        version = subprocess.run([BINARY, "--version"], capture_output=True, text=True, check=True)
    except (OSError, TypeError, subprocess.CalledProcessError):
        return None
    return version.stdout.strip()


def _cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _version_of(package):
    """As dpkg has it, or None where it is not installed."""
    query = ["dpkg-query", "--show", "--showformat=${Version}", package]
    try:
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout or None
    except (OSError, subprocess.CalledProcessError):
        return None
