# SPDX-License-Identifier: Apache-2.0
"""A seccomp filter denies one system call: the exporter serves the truth, or ends with a line, or says
what fails. SWEEP=all denies each with ENOSYS, too."""

import http.client
import os
import unittest

from support.case import EndToEndTest
from support.exporter import Exporter
from support.exposition import Exposition
from support.polling import wait_until

PORT = 8127
CONFIG = "sampling: {interval: 100ms, cpu_budget: 1}\nweb: {workers: 2}\n"
DENY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "support/deny_exec.py")
ERRORS = ("EPERM", "ENOSYS") if os.environ.get("SWEEP") == "all" else ("EPERM",)
CANNOT_LOAD = 127  # the exit status of the dynamic loader

# What the exporter calls from its start to its end, by strace.
CALLS = """
accept accept4 access bind brk clock_gettime clock_nanosleep clone clone3 close dup3
epoll_create1 epoll_ctl epoll_wait eventfd2 fcntl getdents64 getgid getpid getrandom getsockname
getsockopt gettid getuid ioctl kill listen lseek madvise mprotect munmap newfstatat openat poll
prctl pread64 prlimit64 read readlink recvfrom restart_syscall rseq rt_sigprocmask rt_sigsuspend
sched_getaffinity sched_yield sendmsg set_robust_list setitimer setsockopt shutdown socket
timer_create timer_settime timerfd_create timerfd_settime uname wait4
""".split()
# Without this one it can write no line either.
SILENT = "write"
# Without these it runs, and can sample or answer nothing.
SAID = ("recvmsg", "sendto")
# Not among them: futex, mmap and rt_sigreturn, without which the C library ends any process.


class DeniedCalls(EndToEndTest):
    def launch(self, call, error):
        exporter = Exporter(
            config=CONFIG,
            listen=f"127.0.0.1:{PORT}",
            prefix=["/usr/bin/python3", "-B", DENY, call, error],
        )
        self.addCleanup(exporter.dispose)
        exporter.port = PORT
        return exporter

    def serves_truth(self, exporter):
        """Whether a good sample shows its own listener. (The first one may be older.)"""
        try:
            answer = exporter.request()
        except (OSError, http.client.HTTPException):
            return False
        scrape = Exposition(answer.text)
        is_good = scrape.get("sockdiag_sample_success", source="tcp") == 1
        return is_good and scrape.sockets(PORT).get("listen") == 1

    def test_it_serves_the_truth_or_ends_with_a_line(self):
        for call in CALLS:
            for error in ERRORS:
                with self.subTest(call, error=error):
                    self.expect_truth_or_end(self.launch(call, error))

    def expect_truth_or_end(self, exporter):
        try:
            wait_until(
                lambda: not exporter.is_alive() or self.serves_truth(exporter), "truth or the end"
            )
            if exporter.is_alive():
                self.assertEqual(exporter.terminate(), 0)
                return
            self.assertIn(exporter.wait(), (1, 2, CANNOT_LOAD))
            self.assertTrue(exporter.log.lines())
        finally:
            exporter.dispose()

    def test_it_ends_where_it_can_say_nothing(self):
        self.assertEqual(self.launch(SILENT, "EPERM").wait(), 1)

    def test_without_netlink_it_says_so(self):
        for call in SAID:
            with self.subTest(call):
                exporter = self.launch(call, "EPERM")
                exporter.log.wait_for("tcp sample failed: .*seccomp")
                self.assertFalse(self.serves_truth(exporter))
                self.assertEqual(exporter.terminate(), 0)


if __name__ == "__main__":
    unittest.main()
