# SPDX-License-Identifier: Apache-2.0
"""The real daemon, as the end-to-end tests start it."""

import contextlib

from support.exporter import Exporter

from benchmark import processes
from benchmark.failure import Failure


def sampling_configuration(interval_seconds, listeners_interval="1s"):
    """All defaults but for the intervals, which nothing is to stretch, and that a machine which
    stands still for a second cuts no answer short."""
    return (
        f"sampling: {{interval: {interval_seconds}s, cpu_budget: 1, max_staleness: 5m}}\n"
        f"listeners: {{interval: {listeners_interval}}}\n"
        "web: {request_timeout: 1m}\n"
    )


@contextlib.contextmanager
def exporter(configuration):
    """One that has taken a sample. Its configuration is in memory: nothing stays behind."""
    file = processes.MemoryFile(configuration)
    running = Exporter(f"--config.file={file.path}", config=None)
    try:
        yield running.wait_until_listening().wait_until_ready()
    finally:
        if running.is_alive():
            processes.resume(running.process.pid)
        status = running.dispose()
        file.close()
        if status != 0:
            raise Failure(f"the exporter ended with {status}: {running.log.text_lines()}")
