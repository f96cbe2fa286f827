# SPDX-License-Identifier: Apache-2.0
"""As a service: what a service manager is told, and what it restarts for."""

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from support.case import EndToEndTest
from support.exporter import FAST, ConfigFile, Exporter, run
from support.fault import HangingFile, NetlinkFault
from support.polling import wait_until
from support.sandbox import UNIT, Sandbox

WATCHDOG_MICROSECONDS = 300_000

# What the unit forbids -> a program that tries it.
REFUSED = {
    "a packet socket": "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "another niceness": "import os; os.setpriority(os.PRIO_PROCESS, 0, 5)",
    "memory to write and run": "import mmap; mmap.mmap(-1, 4096, prot=7)",
}


def pass_watchdog_periods(count):
    """That something does not happen takes a while to see."""
    end = time.monotonic() + count * WATCHDOG_MICROSECONDS / 1e6
    wait_until(lambda: time.monotonic() > end, "the passing of time")


def status_of(process):
    with open(f"/proc/{process}/status", encoding="ascii") as file:
        return dict(map(str.strip, line.split(":", 1)) for line in file)


class ServiceManager:
    """A socket that a process is told to report to (sd_notify(3)), and what it got."""

    def __init__(self, name=None):
        """In a directory, or in the abstract namespace by a name that begins with "@"."""
        self._directory = tempfile.TemporaryDirectory(prefix="sockdiag_e2e_notify_")
        os.chmod(self._directory.name, 0o755)
        self.path = name or os.path.join(self._directory.name, "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path.replace("@", "\0", 1) if name else self.path)
        if not name:
            os.chmod(self.path, 0o777)
        self._socket.setblocking(False)
        self._messages = []

    def environment(self, watchdog=False):
        environment = {"NOTIFY_SOCKET": self.path}
        if watchdog:
            environment["WATCHDOG_USEC"] = str(WATCHDOG_MICROSECONDS)
        return environment

    def messages(self):
        """All so far, each as {name: value}."""
        while True:
            try:
                lines = self._socket.recv(65536).decode().splitlines()
            except BlockingIOError:
                return list(self._messages)
            self._messages.append(dict(line.split("=", 1) for line in lines))

    def fill(self):
        """Until it takes no more."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
            stranger.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    stranger.sendto(b"X_STRANGER=1", self._socket.getsockname())

    def count(self, name):
        return sum(name in message for message in self.messages())

    def wait_for(self, name, count=1):
        """The message with which the name came for that many times."""
        wait_until(lambda: self.count(name) >= count, f"{count} {name} in {self.messages()}")
        return [message for message in self.messages() if name in message][count - 1]

    def close(self):
        self._socket.close()
        self._directory.cleanup()


class ServiceTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.manager = ServiceManager()
        self.addCleanup(self.manager.close)
        self.fault = NetlinkFault()
        self.addCleanup(self.fault.remove)

    def launch(self, *flags, watchdog=False, **options):
        environment = {**self.fault.environment(), **self.manager.environment(watchdog)}
        return self.launch_exporter(*flags, environment=environment, **options)


class Notifications(ServiceTest):
    def test_ready_comes_once_it_listens_and_has_sampled(self):
        exporter = self.launch()
        message = self.manager.wait_for("READY")
        exporter.wait_until_listening()
        self.assertEqual(exporter.request("/-/ready").status, 200)
        self.assertEqual(message["STATUS"], "serving")

    def test_a_first_sample_that_hangs_is_not_ready(self):
        with self.fault("HANG"):
            exporter = self.launch().wait_until_listening()
            exporter.reload(FAST)
            self.assertEqual(exporter.request("/-/ready").status, 503)
            self.assertEqual([m for m in self.manager.messages() if "READY" in m], [])
        self.manager.wait_for("READY")

    def test_a_first_sample_that_fails_is_ready_since_its_failure_is_to_be_scraped(self):
        with self.fault("ENOBUFS"):
            self.launch()
            self.manager.wait_for("READY")

    def test_a_reload_is_told_from_its_begin_to_its_end(self):
        exporter = self.launch()
        self.manager.wait_for("READY")
        exporter.wait_until_listening()
        exporter.reload(FAST)
        self.assertEqual(self.manager.wait_for("READY", 2)["STATUS"], "configuration reloaded")
        told = [name for m in self.manager.messages() for name in m if name != "STATUS"]
        self.assertEqual(told, ["READY", "RELOADING", "MONOTONIC_USEC", "READY"])

    def test_a_reload_that_fails_says_why(self):
        exporter = self.launch()
        self.manager.wait_for("READY")
        exporter.wait_until_listening()
        exporter.reload("ports: {inbund: [22]}\n")
        status = self.manager.wait_for("READY", 2)["STATUS"]
        self.assertRegex(status, r"sockdiag_exporter\.yml:1:9: .*inbund")

    def test_what_is_wrong_with_a_file_tells_nothing_else(self):
        exporter = self.launch()
        self.manager.wait_for("READY")
        exporter.wait_until_listening()
        exporter.reload('"a\\nMAINPID=1\\nX": 1\n')
        self.assertEqual(set(self.manager.wait_for("READY", 2)), {"READY", "STATUS"})

    def test_a_very_long_value_is_cut(self):
        exporter = self.launch()
        self.manager.wait_for("READY")
        exporter.wait_until_listening()
        exporter.reload(f"log: {{level: {'ü' * 3000}}}\n")
        status = self.manager.wait_for("READY", 2)["STATUS"]
        self.assertTrue(status.endswith(f'"{"ü" * 80}..." (the first 80 of 3000 characters)'))

    def test_an_abstract_socket_is_told(self):
        manager = ServiceManager(f"@sockdiag_e2e_{os.getpid()}")
        self.addCleanup(manager.close)
        self.launch_exporter(environment=manager.environment())
        manager.wait_for("READY")

    def test_stopping_is_told(self):
        exporter = self.launch()
        self.manager.wait_for("READY")
        self.assertEqual(exporter.terminate(), 0)
        self.manager.wait_for("STOPPING")

    def test_a_reload_that_is_under_way_is_not_ready_after_stopping(self):
        file = HangingFile(FAST)
        self.addCleanup(file.remove)
        exporter = Exporter(
            f"--config.file={file.path}",
            config=None,
            environment={**file.environment(), **self.manager.environment()},
        )
        self.addCleanup(exporter.dispose)
        self.manager.wait_for("READY")
        file.hang()
        exporter.process.send_signal(signal.SIGHUP)
        wait_until(file.is_waited_for, "the file is being opened")
        exporter.process.send_signal(signal.SIGTERM)
        self.manager.wait_for("STOPPING")
        file.release()
        self.assertEqual(exporter.wait(), 0)
        self.assertIn("STOPPING", self.manager.messages()[-1])

    def test_nobody_is_told_anything_by_once_or_a_check(self):
        for flag in ("--once", "--config.check", "--version"):
            with self.subTest(flag):
                self.assertEqual(run(flag, environment=self.manager.environment()).returncode, 0)
        self.assertEqual(self.manager.messages(), [])


class Watchdog(ServiceTest):
    def test_it_is_fed_while_the_loop_turns_however_rare_the_samples(self):
        rare = "sampling: {interval: 1h}\nlisteners: {interval: 1m}\n"
        self.launch(config=rare, watchdog=True)
        self.manager.wait_for("WATCHDOG", 5)

    def test_without_one_nothing_is_fed(self):
        exporter = self.launch()
        self.manager.wait_for("READY")
        exporter.wait_until_listening()
        exporter.fresh_scrape()
        self.assertEqual(self.manager.count("WATCHDOG"), 0)

    def test_a_hung_dump_is_not_fed_for_and_a_later_one_is(self):
        self.launch(watchdog=True)
        self.manager.wait_for("WATCHDOG", 2)
        with self.fault("HANG"):
            wait_until(self.fault.is_hanging, "a hung dump")
            fed = self.manager.count("WATCHDOG")
            pass_watchdog_periods(3)
            self.assertEqual(self.manager.count("WATCHDOG"), fed)
        self.manager.wait_for("WATCHDOG", fed + 2)

    def test_many_slow_clients_do_not_starve_it(self):
        few = FAST + "web: {workers: 2, request_timeout: 1m}\n"
        exporter = self.launch(config=few, watchdog=True).wait_until_listening()
        crowd = [socket.create_connection(("127.0.0.1", exporter.port)) for _ in range(100)]
        fed = self.manager.count("WATCHDOG")
        self.manager.wait_for("WATCHDOG", fed + 10)
        for each in crowd:
            each.close()

    def test_ending_is_as_usual(self):
        exporter = self.launch(watchdog=True)
        self.manager.wait_for("WATCHDOG", 3)
        self.assertEqual(exporter.terminate(), 0)


class Unheard(ServiceTest):
    """Nobody reads the messages, and the socket's queue is full before long."""

    def test_readiness_that_is_not_taken_is_logged_and_hinders_nothing(self):
        self.manager.fill()
        exporter = self.launch().wait_until_listening().wait_until_ready()
        wait_until(lambda: exporter.log.matching("not told READY=1"), "a warning")
        exporter.fresh_scrape()
        self.assertEqual(self.manager.count("READY"), 0)
        exporter.fresh_scrape()
        self.assertEqual(self.manager.count("READY"), 0)

    def test_sampling_reloads_and_the_end_wait_a_second_at_most(self):
        exporter = self.launch(watchdog=True).wait_until_listening()
        self.manager.wait_for("READY")
        self.manager.fill()
        exporter.reload(FAST)
        exporter.fresh_scrape()
        pass_watchdog_periods(3)
        exporter.fresh_scrape()
        self.assertEqual(exporter.terminate(), 0)


class Health(ServiceTest):
    def ask(self, exporter):
        done = run("--health", f"--web.listen-address=127.0.0.1:{exporter.port}")
        return done.returncode, done.stdout.decode().strip()

    def test_a_running_exporter_is_healthy_and_one_that_ended_is_not(self):
        exporter = self.start_exporter()
        self.assertEqual(self.ask(exporter), (0, "healthy"))
        exporter.terminate()
        status, words = self.ask(exporter)
        self.assertEqual(status, 1)
        self.assertIn("refused", words)

    def test_a_server_that_does_not_answer_is_not_healthy(self):
        exporter = self.start_exporter()
        exporter.process.send_signal(signal.SIGSTOP)
        status, words = self.ask(exporter)
        exporter.process.send_signal(signal.SIGCONT)
        self.assertEqual(status, 1)
        self.assertIn("no answer", words)

    def test_a_port_that_the_kernel_chooses_cannot_be_asked(self):
        done = run("--health", "--web.listen-address=127.0.0.1:0")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"127.0.0.1:0: a port of 0", done.stdout)

    def test_it_asks_where_the_file_says_that_it_listens(self):
        exporter = self.start_exporter()
        file = ConfigFile(f'web: {{listen_addresses: [":{exporter.port}"]}}\n')
        self.addCleanup(file.remove)
        done = run("--health", b"--config.file=" + file.path)
        self.assertEqual((done.returncode, done.stdout), (0, b"healthy\n"))


class UnderTheUnitsRestrictions(ServiceTest):
    """As far as they can be had without systemd: user, capabilities, privileges, system calls."""

    def launch_restricted(self, **options):
        sandbox = Sandbox(UNIT)
        self.addCleanup(sandbox.remove)
        environment = {**self.manager.environment(), "ASAN_OPTIONS": "detect_leaks=0"}
        return self.launch_exporter(
            config=None, prefix=sandbox.command(), environment=environment, **options
        )

    def test_it_samples_serves_and_is_ready(self):
        self.start_service(8080).connect(3).half_close_clients(1)
        exporter = self.launch_restricted()
        self.manager.wait_for("READY")
        exporter.wait_until_listening()
        scrape = exporter.fresh_scrape()
        self.assertEqual(scrape.sockets(8080, "inbound")["close_wait"], 1)
        for source in ("tcp", "listeners", "kernel"):
            self.assertEqual(scrape.source("sockdiag_sample_success", source), 1, source)
        self.assertEqual(exporter.log.matching("level=(warning|error)"), [])
        self.assertEqual(exporter.terminate(), 0)

    def test_it_runs_as_nobody_without_capabilities_under_a_filter(self):
        exporter = self.launch_restricted()
        self.manager.wait_for("READY")
        exporter.wait_until_listening()
        status = status_of(exporter.process.pid)
        self.assertEqual(status["Uid"].split(), ["65534"] * 4)
        self.assertEqual({status[name] for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")}, {"0" * 16})
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))

    def test_the_filter_refuses_what_the_unit_does_not_allow(self):
        sandbox = Sandbox(UNIT)
        self.addCleanup(sandbox.remove)
        for name, program in REFUSED.items():
            with self.subTest(name):
                done = subprocess.run(
                    [*sandbox.command(), "python3", "-c", program], capture_output=True, check=False
                )
                self.assertIn(b"PermissionError", done.stderr)


class AtTheLimitOfThreads(ServiceTest):
    """TasksMax, or whatever else says that there are no more threads."""

    # main, the log's, the sampler, one that reloads, CivetWeb's and 64 workers, the acceptor's
    THREADS = 70
    AS_USER = ("setpriv", "--reuid=64123", "--clear-groups")
    ENVIRONMENT = {"ASAN_OPTIONS": "detect_leaks=0"}

    def at_most(self, threads):
        return (*self.AS_USER, "prlimit", f"--nproc={threads}")

    def test_it_runs_with_as_many_as_it_needs_and_ends_without_one_more(self):
        exporter = self.start_exporter(
            config=None, prefix=self.at_most(self.THREADS), environment=self.ENVIRONMENT
        )
        less = [*self.AS_USER, "prlimit", f"--pid={exporter.process.pid}", "--nproc=1:1"]
        subprocess.run(less, check=True)
        self.assertEqual(exporter.terminate(), 0)

    def test_it_does_not_start_with_less(self):
        self.expect_no_start(1, b"cannot start a thread: ")
        self.expect_no_start(2, b"cannot start 65 threads for 64 workers: ")

    def expect_no_start(self, missing, words):
        done = run(
            "--web.listen-address=127.0.0.1:0",
            prefix=self.at_most(self.THREADS - missing),
            environment=self.ENVIRONMENT,
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
