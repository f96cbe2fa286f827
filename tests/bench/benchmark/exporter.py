# SPDX-License-Identifier: Apache-2.0
"""The real daemon, as the end-to-end tests start it, and as what is measured."""

import contextlib
import time

from support.exporter import BINARY, Exporter
from support.polling import wait_until

from benchmark import processes, sample, trace
from benchmark.command import Failure
from benchmark.daemons import Daemon
from benchmark.sample import Cost, Traffic

_DEADLINE_SECONDS = 120  # a sample of a million sockets under strace


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


class ThisExporter(Daemon):
    """Its sampling thread's own clock, and all of the process from one sample to the next: polls
    of listeners, /proc and the scrapes that look for the sample."""

    name = "exporter"

    def missing(self):
        return None if BINARY else "SOCKDIAG_EXPORTER does not name it"

    @contextlib.contextmanager
    def running(self, interval):
        self._interval = interval
        with exporter(sampling_configuration(interval)) as self._exporter:
            self.pid = self._exporter.process.pid
            processes.pause(self.pid)
            yield self

    def measure(self):
        with self.turn():
            # What a continued one samples at once was due long ago, and the next may follow
            # closely: the news after these is of one whole sample.
            overdue = _sample_after(self._exporter, self._exporter.scrape())
            before = processes.cpu_of(self.pid)
            time.sleep(self._interval)
            regular = _sample_after(self._exporter, overdue)
            whole = processes.cpu_of(self.pid).since(before)
        own = _of_sample(regular, "cpu_seconds_total") - _of_sample(overdue, "cpu_seconds_total")
        wall = _of_sample(regular, "duration_seconds")
        return {
            "exporter": Cost(whole._replace(total=own), wall),
            "exporter_process": Cost(whole, wall),
        }

    def traffic(self):
        traced = self._traced_bytes() if trace.is_possible() else None
        return Traffic(traced, self.peak_bytes())

    def _traced_bytes(self):
        """Of the second sample of one that does nothing else meanwhile: the first one asks for more
        than others do, and one that is traced takes its time."""
        configuration = sampling_configuration(3 * self._interval, listeners_interval="1m")
        with exporter(configuration) as rare, contextlib.closing(processes.MemoryFile()) as log:
            first = rare.scrape()
            with trace.attached(rare.process.pid, log):
                _sample_after(rare, first)
                return trace.kernel_bytes(log.read())

    def count(self):
        """Sockets in a sample beside which nobody looked at the exporter, which takes a socket, and
        by the kernel."""
        with self.turn():
            begin = time.time()
            time.sleep(self._interval * 1.5)
            kernel = sample.sockets_by_sockstat()
            return self._sample_since(begin), kernel

    def _sample_since(self, begin):
        """Its number of sockets, or None where it was not taken since then."""
        scrape = self._exporter.scrape()
        began = _of_sample(scrape, "timestamp_seconds") - _of_sample(scrape, "duration_seconds")
        return _of_sample(scrape, "sockets") if began > begin else None


def _sample_after(running, scrape):
    stamp = _of_sample(scrape, "timestamp_seconds")
    return wait_until(
        lambda: running.scrape_if(lambda later: _of_sample(later, "timestamp_seconds") > stamp),
        "a later sample",
        _DEADLINE_SECONDS,
    )


def _of_sample(scrape, name):
    return scrape.source(f"sockdiag_sample_{name}")
