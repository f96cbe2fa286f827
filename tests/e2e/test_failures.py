# SPDX-License-Identifier: Apache-2.0
"""Samples that fail, descriptors that run out: what is published, logged and answered then."""

import subprocess
import time
import unittest

from support.case import EndToEndTest, without_info
from support.exporter import ConfigFile, run
from support.fault import NetlinkFault, thread_fault
from support.polling import wait_until

MAX_STALENESS_SECONDS = 1
CONFIG = f"""
sampling: {{interval: 100ms, cpu_budget: 1, max_staleness: {MAX_STALENESS_SECONDS}s}}
listeners: {{interval: 100ms}}
"""

# fault -> what the log line has to say, whatever the case of its letters
FAULTS = {
    "ENOBUFS": "no buffer space available",
    "ENOMEM": "cannot allocate memory",
    "EAGAIN": "timed out|no answer|no reply|within|temporarily unavailable",
    "LATER_ENOBUFS": "no buffer space available",
    "SEND_ENOBUFS": "no buffer space available",
    "SOCKET_EPERM": "operation not permitted.*seccomp",
    "SOCKET_EACCES": "permission denied.*selinux or apparmor",
    "SOCKET_EAFNOSUPPORT": "address family not supported.*restrictaddressfamilies",
    "SOCKET_EPROTONOSUPPORT": "protocol not supported.*gvisor",
    "SEND_EACCES": "permission denied.*selinux or apparmor",
    "SOCKET_EMFILE": "too many open files",
    "TRUNC": "truncat|longer than",
    "SHORT": "short|truncat|length|incomplete|header",
    "EMPTY": "empty|short|closed|end|length|header",
    "DONE_ENOENT": "tcp_diag.*modprobe|modprobe.*tcp_diag",
    "ERROR_EBUSY": "device or resource busy",
    "OVERRUN": "overrun",
}
FAILED = "sample failed: "
RECOVERED = "sample recovered"
SOURCES = ("tcp", "listeners")  # what is read from netlink


class FaultyTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.fault = NetlinkFault()
        self.addCleanup(self.fault.remove)

    def launch_faulty_exporter(self):
        return self.launch_exporter(config=CONFIG, environment=self.fault.environment())


class FailingSamples(FaultyTest):
    PORT = 8080
    CONNECTIONS = 4

    def setUp(self):
        super().setUp()
        self.start_service(self.PORT).connect(self.CONNECTIONS)
        self.exporter = self.launch_faulty_exporter().wait_until_listening().wait_until_ready()
        self.scrape_until(self.is_published, "the service's series")

    def test_each_fault_is_told_once_and_withdrawn_when_stale(self):
        for name, words in FAULTS.items():
            with self.subTest(name):
                self.log_start = len(self.exporter.log.lines())
                with self.fault(name):
                    self.expect_failure_to_be_published()
                    self.expect_withdrawal()
                self.expect_recovery()
                self.expect_one_line_each(words)

    def test_an_interrupted_receive_is_no_failure(self):
        with self.fault("FIRST_EINTR"):
            scrape = self.exporter.fresh_scrape()
            self.assertEqual(scrape.source("sockdiag_sample_success"), 1)
            self.assertEqual(scrape.source("sockdiag_sample_failures_total"), 0)
            self.assertTrue(self.is_published(scrape))
        self.assertEqual(self.exporter.log.matching(FAILED), [])

    def test_a_short_failure_keeps_the_last_good_series(self):
        with self.fault("ENOBUFS"):
            self.scrape_until(self.has_failed, "sample_success 0")
        self.scrape_until(lambda scrape: not self.has_failed(scrape), "sample_success 1")
        self.assertTrue(self.is_published(self.exporter.scrape()))

    def expect_failure_to_be_published(self):
        before = self.exporter.scrape().source("sockdiag_sample_failures_total")
        scrape = self.scrape_until(self.has_failed, "sample_success 0")
        self.assertTrue(self.is_published(scrape), "the last good series stay until stale")
        self.scrape_until(
            lambda scrape: scrape.source("sockdiag_sample_failures_total") >= before + 5,
            "five more failures",
        )

    def expect_withdrawal(self):
        scrape = self.scrape_until(lambda scrape: not scrape.of_dumps(), "withdrawal")
        self.assertEqual(scrape.value("sockdiag_sample_success", source="listeners"), 0)
        self.assertEqual(scrape.value("sockdiag_sample_success", source="kernel"), 1)
        self.assertIsNotNone(scrape.get("sockdiag_tcp_allocated_sockets"))
        self.assertGreater(scrape.source("sockdiag_sample_timestamp_seconds"), 0)
        self.assertEqual(self.exporter.request("/-/ready").status, 503)
        self.assertEqual(self.exporter.request("/-/healthy").status, 200)

    def expect_recovery(self):
        scrape = self.scrape_until(self.is_published, "the series are back")
        self.assertEqual(scrape.source("sockdiag_sample_success"), 1)
        self.assertEqual(self.exporter.request("/-/ready").status, 200)
        for source in SOURCES:
            self.exporter.log.wait_for(f"{source} {RECOVERED}", self.log_start)

    def expect_one_line_each(self, words):
        lines = self.exporter.log.text_lines()[self.log_start :]
        self.assertEqual(len(lines), 2 * len(SOURCES), lines)
        for source in SOURCES:
            failed, recovered = (line for line in lines if f"{source} sample" in line)
            self.assertRegex(failed, rf"(?i)level=error .*{FAILED}.*({words})")
            self.assertRegex(recovered, f"level=info .*{RECOVERED}")

    def scrape_until(self, condition, what):
        """Scrapes until the condition holds; each scrape on the way has to be consistent."""

        def consistent_scrape():
            scrape = self.exporter.scrape()
            self.expect_all_or_nothing(scrape, time.time())
            return scrape if condition(scrape) else None

        return wait_until(consistent_scrape, what)

    def expect_all_or_nothing(self, scrape, now):
        """The port has its true value or no series at all, and a series while not yet stale."""
        established = scrape.sockets(self.PORT).get("established")
        self.assertIn(established, (None, self.CONNECTIONS))
        age = now - scrape.source("sockdiag_sample_timestamp_seconds")
        if age < MAX_STALENESS_SECONDS:
            self.assertEqual(established, self.CONNECTIONS, f"sample is {age} s old")

    def is_published(self, scrape):
        return scrape.sockets(self.PORT).get("established") == self.CONNECTIONS

    @staticmethod
    def has_failed(scrape):
        return scrape.source("sockdiag_sample_success") == 0


class FailingFromTheFirstSample(FaultyTest):
    def test_it_serves_and_is_not_ready_and_recovers(self):
        self.start_service(8080).connect(4)
        with self.fault("ENOBUFS"):
            exporter = self.launch_faulty_exporter().wait_until_listening()
            exporter.log.wait_for(FAILED)
            self.assertEqual(exporter.request("/-/ready").status, 503)
            self.assertEqual(exporter.request("/-/healthy").status, 200)
            self.assertEqual(exporter.request("/").status, 200)
            self.expect_no_counts(exporter.scrape())
        exporter.scrape_when(
            lambda scrape: scrape.sockets(8080).get("established") == 4, "the true count"
        )
        self.assertEqual(exporter.request("/-/ready").status, 200)
        self.assertEqual(len(exporter.log.matching(FAILED)), 1)
        exporter.log.wait_for(RECOVERED)

    def expect_no_counts(self, scrape):
        self.assertEqual(scrape.of_dumps(), {})
        self.assertIsNone(scrape.get("sockdiag_sample_success", source="listeners"))
        self.assertEqual(scrape.source("sockdiag_sample_success"), 0)
        self.assertGreaterEqual(scrape.source("sockdiag_sample_failures_total"), 1)


class OnceUnderFault(FaultyTest):
    def test_once_exits_1_with_one_line_and_no_counts(self):
        self.start_service(8080).connect(1)
        for name, words in FAULTS.items():
            with self.subTest(name), self.fault(name):
                done = run("--once", environment=self.fault.environment())
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertNotIn(b"sockdiag_tcp_", done.stdout)
                complaints = without_info(done)
                self.assertEqual(len(complaints), 1, done.stderr)
                self.assertRegex(complaints[0], f"(?i){words}")


class VanishingProc(EndToEndTest):
    """Another file system is mounted over /proc while it runs."""

    PRIVATE = ("unshare", "--mount", "--propagation=private")

    def test_what_is_not_of_proc_stays_true_and_the_rest_is_withdrawn(self):
        self.start_service(8080).connect(4)
        self.exporter = self.start_exporter(config=CONFIG, prefix=self.PRIVATE)
        self.in_its_mounts("mount", "-t", "tmpfs", "none", "/proc")
        self.exporter.log.wait_for("kernel sample failed: reading /proc/")
        scrape = self.exporter.scrape_when(
            lambda scrape: scrape.get("sockdiag_tcp_allocated_sockets") is None, "withdrawal"
        )
        self.assertEqual(scrape.source("sockdiag_sample_success", "kernel"), 0)
        self.assertIsNone(scrape.get("process_resident_memory_bytes"))
        self.expect_true_sockets()
        self.in_its_mounts("umount", "/proc")
        self.exporter.log.wait_for("kernel sample recovered")
        self.expect_true_sockets()
        self.assertIsNotNone(self.exporter.scrape().get("process_resident_memory_bytes"))

    def in_its_mounts(self, *command):
        mounts = f"--mount=/proc/{self.exporter.process.pid}/ns/mnt"
        subprocess.run(["nsenter", mounts, *command], check=True)

    def expect_true_sockets(self):
        scrape = self.exporter.fresh_scrape()
        self.assertEqual(scrape.source("sockdiag_sample_success"), 1)
        self.assertEqual(scrape.sockets(8080).get("established"), 4)


class FewDescriptors(EndToEndTest):
    def test_too_low_a_limit_is_refused_at_the_start(self):
        done = run("--web.listen-address=127.0.0.1:0", prefix=["prlimit", "--nofile=40:40"])
        self.assertEqual(done.returncode, 1, done.stderr)
        complaints = without_info(done)
        self.assertEqual(len(complaints), 1, done.stderr)
        self.assertRegex(complaints[0], "(?i)nofile|descriptors|open files")


class FewThreads(EndToEndTest):
    # The log's, the sampler's and the one that reloads; CivetWeb's three; the acceptor's.
    THREADS = 3 + 3 + 1

    def test_without_one_of_its_threads_it_does_not_start(self):
        config = ConfigFile('web: {workers: 2, listen_addresses: ["127.0.0.1:0"]}\n')
        self.addCleanup(config.remove)
        for number in range(1, self.THREADS + 1):
            with self.subTest(number):
                done = run(b"--config.file=" + config.path, environment=thread_fault(number))
                self.assertEqual(done.returncode, 1, done)
                complaints = without_info(done)
                self.assertEqual(len(complaints), 1, done)
                self.assertRegex(complaints[0], "(?i)cannot (start|listen)")

    def test_threads_that_are_not_permitted_hint_at_the_container_engine(self):
        for number in (1, 2):  # the log's, the sampler's
            with self.subTest(number):
                environment = thread_fault(number, "EPERM")
                done = run("--web.listen-address=127.0.0.1:0", environment=environment)
                self.assertEqual(done.returncode, 1, done)
                complaints = without_info(done)
                self.assertEqual(len(complaints), 1, done)
                self.assertRegex(complaints[0], "cannot start .*not permitted .*clone3")

    def test_these_are_all_its_threads(self):
        flags = ("--web.listen-address=127.0.0.1:0",)
        config = "web: {workers: 2}\n"
        environment = thread_fault(self.THREADS + 1)
        self.start_exporter(*flags, config=config, listen=None, environment=environment)


if __name__ == "__main__":
    unittest.main()
