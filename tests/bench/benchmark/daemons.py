# SPDX-License-Identifier: Apache-2.0
"""Other daemons that sample sockets. The cost of a sample is that of the whole process until it is
idle again."""

import contextlib
import http.client
import shutil
import subprocess
import threading
import time

from support.polling import wait_until

from benchmark import processes, trace
from benchmark.command import Failure
from benchmark.sample import Cost, Traffic

_DEADLINE_SECONDS = 300  # a million sockets under strace, on a busy machine


class Daemon:
    """One that samples sockets, stopped but for its turn."""

    pid = None

    @contextlib.contextmanager
    def turn(self):
        processes.resume(self.pid)
        yield
        processes.pause(self.pid)

    def peak_bytes(self):
        return processes.peak_memory_bytes(self.pid)


class NodeExporter(Daemon):
    """A scrape is a sample."""

    name = "node_exporter"
    PORT = 9100
    _COMMAND = (
        "prometheus-node-exporter",
        "--collector.disable-defaults",
        "--collector.tcpstat",
        "--web.disable-exporter-metrics",
    )

    def missing(self):
        return None if shutil.which(self._COMMAND[0]) else f"no {self._COMMAND[0]}"

    @contextlib.contextmanager
    def running(self, _):
        command = self._listening_at("127.0.0.1")
        process = processes.start(command, stderr=subprocess.DEVNULL)
        try:
            self.pid = process.pid
            self._await_answer("127.0.0.1")
            processes.pause(self.pid)
            yield self
        finally:
            processes.end(process)

    def _listening_at(self, host):
        return [*self._COMMAND, f"--web.listen-address={host}:{self.PORT}"]

    def measure(self):
        with self.turn():
            before, begin = processes.cpu_of(self.pid), time.monotonic()
            self._scrape("127.0.0.1")
            wall = time.monotonic() - begin
            processes.settle(self.pid)
            cpu = processes.cpu_of(self.pid).since(before)
        return {self.name: Cost(cpu, wall)}

    def _scrape(self, host):
        if 'node_scrape_collector_success{collector="tcpstat"} 1' not in self._metrics(host):
            raise Failure("node_exporter has not sampled")

    def _metrics(self, host):
        connection = http.client.HTTPConnection(host, self.PORT, timeout=_DEADLINE_SECONDS)
        with contextlib.closing(connection):
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode()

    def _await_answer(self, host):
        wait_until(lambda: self._answers(host), "node_exporter answers", _DEADLINE_SECONDS)

    def _answers(self, host):
        try:
            return self._metrics(host)
        except ConnectionRefusedError:
            return None

    def traffic(self):
        return Traffic(self._traced_bytes() if trace.is_possible() else None, self.peak_bytes())

    def _traced_bytes(self):
        """Of another one, since strace must be there from the start."""
        host = "127.0.0.2"
        log = processes.MemoryFile()
        with contextlib.closing(log), trace.tracing(self._listening_at(host), log):
            self._await_answer(host)
            return trace.kernel_bytes(log.read())


class Collectd(Daemon):
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
        with self.turn():
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
