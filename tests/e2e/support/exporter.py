# SPDX-License-Identifier: Apache-2.0
"""The process under test: start it, read its log, scrape it, signal it, end it."""

import os
import re
import signal
import subprocess
import tempfile
import threading
import time

from support import web
from support.exposition import Exposition
from support.polling import DEADLINE_SECONDS, wait_until
from support.server import DIES_WITH_US

BINARY = os.environ.get("SOCKDIAG_EXPORTER", "")

# SIGTERM promises two seconds; the rest is what a sanitizer needs to look for leaks at exit.
EXIT_DEADLINE_SECONDS = 2 + 5

# Samples often, so that tests need not wait; the full budget keeps the interval from stretching.
FAST = "sampling: {interval: 100ms, cpu_budget: 1}\n"

# The prefix of a command that is to run as nobody, without any capability.
AS_NOBODY = [
    *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"),
    "--",
]

# A body of some megabytes, which fits no socket buffer: its writer depends on its reader.
_MANY_PORTS = list(range(2000, 5000))
LARGE = f"""
sampling: {{interval: 1h}}
ports: {{max_ports: 3000, inbound: {_MANY_PORTS}, outbound: {_MANY_PORTS}}}
"""


def with_interval(interval, rest=""):
    """A configuration with this sampling interval, followed by `rest`."""
    return f"sampling: {{interval: {interval}, cpu_budget: 1}}\n{rest}"


def run(*arguments, prefix=(), environment=None):
    """Runs the binary to its end. stdout and stderr are bytes."""
    return subprocess.run(
        [*DIES_WITH_US, *prefix, BINARY, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=DEADLINE_SECONDS,
        env={**os.environ, **(environment or {})},
        check=False,
    )


class ConfigFile:
    """A configuration file in a directory of its own, replaced in one step as editors do."""

    def __init__(self, text, name="sockdiag_exporter.yml"):
        self._directory = tempfile.TemporaryDirectory(prefix="sockdiag_e2e_")
        os.chmod(self._directory.name, 0o755)  # also for nobody
        self.path = os.path.join(os.fsencode(self._directory.name), os.fsencode(name))
        self.write(text)

    def write(self, text):
        temporary = os.path.join(os.fsencode(self._directory.name), b"new")
        with open(temporary, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        os.replace(temporary, self.path)

    def remove(self):
        self._directory.cleanup()


class Log:
    """The lines of a child's standard error, as they come. Safe to read while it writes."""

    def __init__(self, pipe):
        self._lines = []
        self._reader = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._reader.start()

    def _read(self, pipe):
        with pipe:
            for line in pipe:
                self._lines.append(line.rstrip(b"\n"))

    def lines(self):
        return list(self._lines)

    def text_lines(self):
        return [line.decode("utf-8", "replace") for line in self.lines()]

    def matching(self, pattern, start=0):
        return [line for line in self.text_lines()[start:] if re.search(pattern, line)]

    def wait_for(self, pattern, start=0):
        """The first line that matches, at or after line number `start`."""
        return wait_until(
            lambda: self.matching(pattern, start), f"log line /{pattern}/ in {self.text_lines()}"
        )[0]

    def finish(self):
        self._reader.join(DEADLINE_SECONDS)


class Exporter:
    """A running exporter. `config` is the text of its file; None runs it without one. `stderr` is a
    descriptor for its log, which is read here where none is given."""

    def __init__(
        self,
        *flags,
        config=FAST,
        config_name="sockdiag_exporter.yml",
        listen="127.0.0.1:0",
        environment=None,
        prefix=(),
        stderr=subprocess.PIPE,
    ):
        self.config = None if config is None else ConfigFile(config, config_name)
        config_flag = [] if self.config is None else [b"--config.file=" + self.config.path]
        listen_flag = [f"--web.listen-address={listen}"] if listen else []
        self.process = subprocess.Popen(
            [*DIES_WITH_US, *prefix, BINARY, *config_flag, *listen_flag, *flags],
            stdin=subprocess.DEVNULL,
            stderr=stderr,
            env={**os.environ, **(environment or {})},
        )
        self.log = Log(self.process.stderr or open(os.devnull, "rb"))
        self.port = None

    def wait_until_listening(self):
        if not self.has_started():
            raise AssertionError(f"did not start: {self.log.text_lines()}")
        return self

    def has_started(self):
        """Waits for the first listening line, which tells the port, or for the end."""
        wait_until(lambda: self._listening_lines() or not self.is_alive(), "a listening line")
        if not self.is_alive():
            self.log.finish()
            return False
        self.port = int(re.search(r"http://[^/]*:(\d+)/", self._listening_lines()[0])[1])
        return True

    def _listening_lines(self):
        return self.log.matching("listening on http://")

    def wait_until_ready(self):
        """Waits for the first good sample. The port has to be known, the server may not be up."""
        wait_until(self._is_ready, f"a good sample; log: {self.log.text_lines()}")
        return self

    def _is_ready(self):
        try:
            return self.request("/-/ready").status == 200
        except ConnectionError:
            return False

    def is_alive(self):
        return self.process.poll() is None

    def request(self, path="/metrics", method="GET", headers=(), body=b""):
        return web.request(self.port, path, method, headers, body)

    def scrape(self):
        """One plain scrape, which has to succeed."""
        answer = self.request()
        if answer.status != 200:
            raise AssertionError(f"/metrics answered {answer.status}: {answer.body[:200]!r}")
        return Exposition(answer.text)

    def scrape_when(self, condition, what):
        """Scrapes until condition(exposition) holds and returns that exposition."""

        return wait_until(lambda: self.scrape_if(condition), what)

    def scrape_if(self, condition):
        """A scrape, or None where condition(exposition) does not hold."""
        exposition = self.scrape()
        return exposition if condition(exposition) else None

    def fresh_scrape(self, source="tcp"):
        """A scrape of a sample that began after this call: the second later one."""
        stamp = time.time()
        for _ in range(2):
            scrape = self._scrape_later_than(stamp, source)
            stamp = scrape.source("sockdiag_sample_timestamp_seconds", source)
        return self.scrape()

    def _scrape_later_than(self, stamp, source):
        return self.scrape_when(
            lambda scrape: scrape.source("sockdiag_sample_timestamp_seconds", source) > stamp,
            f"a later {source} sample",
        )

    def reload(self, text=None):
        """Replaces the file, sends SIGHUP and returns the log line with the outcome."""
        if text is not None:
            self.config.write(text)
        seen = len(self.log.lines())
        self.process.send_signal(signal.SIGHUP)
        return self.log.wait_for(r"level=(info|error) .*(configuration reloaded|:\d+:\d+: )", seen)

    def open_descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def terminate(self, number=signal.SIGTERM):
        """Asks it to end and returns the exit status."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self):
        status = self.process.wait(EXIT_DEADLINE_SECONDS)
        self.log.finish()
        return status

    def dispose(self):
        """Ends it whatever happened, and returns the exit status."""
        try:
            return self.process.returncode if not self.is_alive() else self.terminate()
        finally:
            if self.is_alive():
                self.process.kill()
                self.process.wait()
            if self.config:
                self.config.remove()
