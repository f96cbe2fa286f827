# SPDX-License-Identifier: Apache-2.0
"""The real daemon, as the end-to-end tests start it."""

import contextlib

from support.exporter import Exporter

from benchmark import processes
from benchmark.failure import Failure


def sampling_configuration(interval_seconds):
    """All defaults but for the interval, which nothing is to stretch."""
    return f"sampling: {{interval: {interval_seconds}s, cpu_budget: 1, max_staleness: 5m}}\n"


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
