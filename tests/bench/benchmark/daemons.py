# SPDX-License-Identifier: Apache-2.0
"""Daemons that sample sockets, this exporter among them: stopped but for their turn."""

import contextlib
import shutil
import subprocess
import threading
import time

from support import web
from support.polling import wait_until

from benchmark import processes, trace
from benchmark.cost import Cost, Traffic
from benchmark.exporter import BINARY, exporter, sampling_configuration

_DEADLINE_SECONDS = 120


class _Daemon:
    """Costs are those of the whole process, what it does after the answer included."""

    pid = None

    @contextlib.contextmanager
    def _turn(self):
        processes.resume(self.pid)
        yield
        processes.pause(self.pid)

    def peak_bytes(self):
        return processes.peak_memory_bytes(self.pid)


class ThisExporter(_Daemon):
    """Its sampling thread's own clock, and all of the process from one sample to the next: polls of
    listeners, /proc and the scrapes that look for the sample."""

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
        with self._turn():
            # What a continued one samples at once was due long ago, and the next may follow
            # closely: the news after these is of one whole sample.
            overdue = self._sample_after(self._exporter.scrape())
            before = processes.cpu_of(self.pid)
            time.sleep(self._interval)
            regular = self._sample_after(overdue)
            whole = processes.cpu_of(self.pid).since(before)
        own = _of_sample(regular, "cpu_seconds_total") - _of_sample(overdue, "cpu_seconds_total")
        wall = _of_sample(regular, "duration_seconds")
        return {
            "exporter": Cost(whole._replace(total=own), wall),
            "exporter_process": Cost(whole, wall),
        }

    def _sample_after(self, scrape):
        stamp = _of_sample(scrape, "timestamp_seconds")
        return self._exporter.scrape_when(
            lambda later: _of_sample(later, "timestamp_seconds") > stamp, "a later sample"
        )

    def traffic(self):
        if not trace.is_possible():
            return Traffic(None, self.peak_bytes())
        once = trace.traffic_of([BINARY, "--once"])
        return Traffic(once.kernel_bytes, self.peak_bytes())

    @contextlib.contextmanager
    def sampling_alone(self):
        """Waits for a sample beside which nobody looked at the exporter, which takes a socket; gives
        a function that scrapes it."""
        with self._turn():
            begin = time.time()
            time.sleep(self._interval * 1.5)
            yield lambda: self._sample_since(begin)

    def _sample_since(self, begin):
        """Its number of sockets, or None where it was not taken since then."""
        scrape = self._exporter.scrape()
        began = _of_sample(scrape, "timestamp_seconds") - _of_sample(scrape, "duration_seconds")
        return _of_sample(scrape, "sockets") if began > begin else None


def _of_sample(scrape, name):
    return scrape.source(f"sockdiag_sample_{name}")


class NodeExporter(_Daemon):
    """A scrape is a sample."""

    name = "node_exporter"
    _PORT = 9100
    _COMMAND = (
        "prometheus-node-exporter",
        "--collector.disable-defaults",
        "--collector.tcpstat",
        "--web.disable-exporter-metrics",
        f"--web.listen-address=127.0.0.1:{_PORT}",
    )

    def missing(self):
        return None if shutil.which(self._COMMAND[0]) else f"no {self._COMMAND[0]}"

    @contextlib.contextmanager
    def running(self, _):
        process = processes.start(self._COMMAND, stderr=subprocess.DEVNULL)
        try:
            self.pid = process.pid
            self._await_scrape()
            processes.pause(self.pid)
            yield self
        finally:
            processes.end(process)

    def measure(self):
        with self._turn():
            before, begin = processes.cpu_of(self.pid), time.monotonic()
            self._scrape()
            wall = time.monotonic() - begin
            processes.settle(self.pid)
            cpu = processes.cpu_of(self.pid).since(before)
        return {self.name: Cost(cpu, wall)}

    def _await_scrape(self):
        wait_until(self._scrape, "node_exporter answers", _DEADLINE_SECONDS)

    def _scrape(self):
        try:
            return "node_tcp_connection_states" in web.request(self._PORT).text
        except ConnectionRefusedError:
            return False

    def traffic(self):
        return Traffic(self._traced_bytes() if trace.is_possible() else None, self.peak_bytes())

    def _traced_bytes(self):
        """Of another one: the address is taken in this namespace only while that one listens."""
        command = [*self._COMMAND[:-1], f"--web.listen-address=127.0.0.2:{self._PORT}"]
        log = processes.MemoryFile()
        with contextlib.closing(log), trace.tracing(command, log):
            wait_until(lambda: _answers("127.0.0.2", self._PORT), "a traced one answers")
            return trace.kernel_bytes(log.read())


def _answers(host, port):
    try:
        return web.request(port, host=host).status == 200
    except ConnectionRefusedError:
        return False


class Collectd(_Daemon):
    """Reads on a clock of its own and writes what it has read to a pipe."""

    name = "collectd"
    _CONFIGURATION = """
Hostname "benchmark"
FQDNLookup false
BaseDir "/usr"
TypesDB "/usr/share/collectd/types.db"
Interval {interval}
LoadPlugin tcpconns
LoadPlugin csv
<Plugin csv>
  DataDir "stdout"
</Plugin>
<Plugin tcpconns>
  AllPortsSummary true
  ListeningPorts true
</Plugin>
"""
    _ONCE_A_READING = b"/tcpconns-all/tcp_connections-LISTEN "

    def missing(self):
        return None if shutil.which("collectd") else "no collectd"

    @contextlib.contextmanager
    def running(self, interval):
        file = processes.MemoryFile(self._CONFIGURATION.format(interval=interval))
        self._command = ["collectd", "-C", file.path]
        process = processes.start(
            [*self._command, "-f"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        with contextlib.closing(file):
            try:
                self.pid = process.pid
                self._follow(process.stdout)
                self._await_reading(0)
                processes.pause(self.pid)
                yield self
            finally:
                processes.end(process)

    def _follow(self, output):
        self._readings = 0
        threading.Thread(target=self._count, args=(output,), daemon=True).start()

    def _count(self, output):
        with output:
            for line in output:
                self._readings += self._ONCE_A_READING in line

    def _await_reading(self, seen):
        wait_until(lambda: self._readings > seen, "collectd has read", _DEADLINE_SECONDS)

    def measure(self):
        with self._turn():
            # What was due while it was stopped is done at once and let pass.
            processes.settle(self.pid)
            seen, before = self._readings, processes.cpu_of(self.pid)
            wall = processes.busy_seconds(self.pid, lambda: self._readings > seen)
            cpu = processes.cpu_of(self.pid).since(before)
            readings = self._readings - seen
        return {self.name: Cost(cpu.divided_by(readings), wall / readings)}

    def traffic(self):
        if not trace.is_possible():
            return Traffic(None, self.peak_bytes())
        once = trace.traffic_of([*self._command, "-T"])
        return Traffic(once.kernel_bytes, self.peak_bytes())
