# SPDX-License-Identifier: Apache-2.0
"""A /proc that hides or mangles files, and kernels too old for some of what is told: what can be
known is shown, what cannot is absent, and a line says why."""

import unittest

from support.case import EndToEndTest, without_info
from support.exporter import AS_NOBODY, run
from support.exposition import Exposition

PORT = 8080
CONNECTIONS = 4

RANGE = "/proc/sys/net/ipv4/ip_local_port_range"
RESERVED = "/proc/sys/net/ipv4/ip_local_reserved_ports"
UNACCOUNTED = "sockdiag_tcp_unaccounted_sockets"
STARTED = "sockdiag_tcp_time_wait_started_total"
FOLLOWED = {
    STARTED,
    "sockdiag_tcp_lingering_sockets",
    "sockdiag_tcp_oldest_socket_seconds",
    "sockdiag_tcp_unfollowed_sockets",
}
DROPS = "sockdiag_tcp_listener_drops_total"
EPHEMERAL = {
    "sockdiag_tcp_ephemeral_ports",
    "sockdiag_tcp_ephemeral_ports_used",
    "sockdiag_tcp_local_ephemeral_ports_used",
}
READ_FROM_SYS = {"sockdiag_tcp_time_wait_limit_sockets"}  # in a network namespace
READ_FROM_STAT = {"process_start_time_seconds"}

ON_AN_OLD_KERNEL = ["setarch", "--uname-2.6"]  # uname(2) says 2.6.40 and more

HIDE_ALL_BUT_PROCESSES = "mount -t proc -o subset=pid proc /proc"
HIDE_OTHERS_PROCESSES = "mount -t proc -o hidepid=2 proc /proc"
HIDE_SYS = "mount -t tmpfs none /proc/sys"
# A sanitizer reads these of its own process.
HIDE_ALL = """
mount -t tmpfs none /mnt && mkdir /mnt/proc && mount --bind /proc /mnt/proc &&
mount -t tmpfs none /proc && mkdir /proc/self &&
for each in maps exe environ; do ln -s /mnt/proc/self/$each /proc/self/$each; done
"""
HIDE_THREAD_SELF = """
mount -t tmpfs none /mnt && mkdir /mnt/proc && mount --bind /proc /mnt/proc &&
mount -t tmpfs none /proc && for each in self sys stat; do ln -s /mnt/proc/$each /proc/$each; done
"""


def with_file(path, text):
    """The file at that path says something else."""
    return f"""
    mount -t tmpfs none /mnt && printf '{text}' >/mnt/file && mount --bind /mnt/file {path}
    """


def with_counters(name, text):
    """One of the files with counters says something else; the others are copies. (A mount over a
    file of the real ones does not last.)"""
    return f"""
    {HIDE_THREAD_SELF}
    mkdir -p /proc/thread-self/net && cd /mnt/proc/self/net
    cp netstat snmp sockstat sockstat6 if_inet6 /proc/thread-self/net && cd /
    printf '{text}' >/proc/thread-self/net/{name}
    """


def with_time_wait_length(text):
    """The kernel has a tcp_tw_timeout beside the settings that it really has."""
    return f"""
    mount -t tmpfs none /mnt && cp {RANGE} {RESERVED} /mnt &&
    printf '{text}' >/mnt/tcp_tw_timeout && mount --bind /mnt /proc/sys/net/ipv4
    """


def after(script):
    """A command prefix that changes the mounts that the program sees, and nobody else."""
    return ["unshare", "--mount", "sh", "-ec", script + '\nexec "$@"', "sh"]


class OldAndHiddenKernels(EndToEndTest):
    def setUp(self):
        super().setUp()
        # One that is followed, so that what is told of such is there.
        self.start_service(PORT).connect(CONNECTIONS + 1).half_close_clients(1)
        self.everything, complaints = self.sample([])
        self.assertEqual(complaints, [])

    def sample(self, prefix):
        """A sample with the connections in it, and what was said about the rest."""
        # The leak sanitizer looks for /proc/PID/task.
        done = run("--once", prefix=prefix, environment={"ASAN_OPTIONS": "detect_leaks=0"})
        self.assertEqual(done.returncode, 0, done.stderr)
        exposition = Exposition(done.stdout.decode())
        self.assertEqual(exposition.sockets(PORT)["established"], CONNECTIONS)
        self.assertEqual(exposition.source("sockdiag_sample_success"), 1)
        return exposition, without_info(done)

    def expect_missing(self, exposition, families):
        """Exactly those families, of all that a sample here has; and perhaps that it is blind."""
        before, now = (
            {name for name, _ in each.starting_with("")} for each in (self.everything, exposition)
        )
        self.assertEqual(before - now, set(families))
        self.assertEqual(now - before - {"sockdiag_findings"}, set())

    def expect_problems(self, prefix, *problems, missing, also_failing=()):
        """The source of counters fails with those, in one line, and costs those families. Other
        sources that fail say so in one line each."""
        exposition, complaints = self.sample(prefix)
        self.assertEqual(exposition.source("sockdiag_sample_success", "kernel"), 0)
        failing = {line.partition('msg="')[2].partition(" sample failed")[0] for line in complaints}
        self.assertEqual(failing, {"kernel", *also_failing})
        self.assertEqual(len(complaints), len(failing), complaints)
        said = complaints[-1].partition("kernel sample failed: ")[2].rstrip('"').split("; ")
        self.assertEqual(len(said), len(problems), said)
        for line, problem in zip(said, problems, strict=True):
            self.assertIn(problem, line)
        self.expect_missing(exposition, missing)
        return exposition

    def expect_nothing_wrong(self, prefix):
        exposition, complaints = self.sample(prefix)
        self.assertEqual(complaints, [])
        self.assertEqual(exposition.source("sockdiag_sample_success", "kernel"), 1)
        self.expect_missing(exposition, [])
        return exposition

    def test_proc_subset_pid_costs_what_is_read_from_sys_and_stat(self):
        for as_user in ([], AS_NOBODY):
            with self.subTest(as_user):
                exposition = self.expect_problems(
                    after(HIDE_ALL_BUT_PROCESSES) + as_user,
                    f"{RANGE}: No such file or directory",
                    f"{RESERVED}: No such file or directory",
                    missing=EPHEMERAL | READ_FROM_SYS | READ_FROM_STAT,
                )
                self.assertEqual(exposition.value(UNACCOUNTED), 0)

    def test_a_masked_sys_costs_what_is_read_from_it(self):
        self.expect_problems(
            after(HIDE_SYS),
            f"{RANGE}: No such file or directory",
            f"{RESERVED}: No such file or directory",
            missing=EPHEMERAL | READ_FROM_SYS,
        )

    def test_other_processes_hidden_cost_nothing(self):
        self.expect_nothing_wrong(after(HIDE_OTHERS_PROCESSES) + AS_NOBODY)

    def test_no_thread_self_costs_nothing(self):
        self.expect_nothing_wrong(after(HIDE_THREAD_SELF))

    def test_no_ipv6_costs_nothing(self):
        script = with_counters("netstat", "TcpExt:\\nTcpExt:\\n")
        script += "cp /mnt/proc/self/net/netstat /proc/thread-self/net\n"
        script += "rm /proc/thread-self/net/sockstat6 /proc/thread-self/net/if_inet6"
        self.assertEqual(self.expect_nothing_wrong(after(script)).value(UNACCOUNTED), 0)

    def test_no_proc_at_all_leaves_the_dump(self):
        exposition, complaints = self.sample(after(HIDE_ALL))
        for name in ("netstat", "snmp", "sockstat"):
            self.assertIn(f"/proc/self/net/{name}: No such file", complaints[-1])
        self.assertIsNone(exposition.get(UNACCOUNTED))
        self.assertEqual(exposition.family(DROPS), {})
        self.assertIsNotNone(exposition.get("sockdiag_tcp_accept_queue_sockets", port=str(PORT)))

    def test_a_range_that_makes_no_sense_costs_the_ephemeral_ports(self):
        for text in ("x", "5 4\\n", "", "1 2 3\\n"):
            with self.subTest(text):
                self.expect_problems(after(with_file(RANGE, text)), RANGE, missing=EPHEMERAL)

    def test_a_negative_number_in_sockstat_costs_its_own_row(self):
        text = "TCP: inuse 9 orphan 0 tw 0 alloc 9 mem -3\\n"
        self.expect_problems(
            after(with_counters("sockstat", text)),
            "an unsigned number as TCP mem, got ",
            missing=["sockdiag_tcp_memory_bytes"],
        )

    def test_a_bad_pair_of_lines_costs_its_own_group(self):
        text = "TcpExt: ListenDrops\\nTcpExt: 1 2\\nIpExt: InNoRoutes\\nIpExt: 1\\n"
        exposition = self.expect_problems(
            after(with_counters("netstat", text)),
            "as many values as names, got 2 for 1",
            missing={
                name
                for name, _ in self.everything.starting_with("sockdiag_tcp_")
                if name.endswith("_total")
                and not name.endswith(("_opens_total", "_failures_total"))
                and name not in (STARTED, "sockdiag_tcp_established_resets_total")
            },
            also_failing=["listeners"],
        )
        self.assertEqual(exposition.value("sockdiag_tcp_passive_opens_total"), CONNECTIONS + 1)

    def test_a_total_that_is_not_told_is_missed_aloud(self):
        for name, text, problem in (
            ("sockstat", "TCP: orphan 0 alloc 9 mem 1\\n", "sockstat: expected TCP inuse"),
            ("sockstat6", "", "sockstat6: expected whole lines"),
            ("sockstat6", "UDP6: inuse 0\\n", "sockstat6: expected TCP6 inuse"),
        ):
            with self.subTest(problem):
                prefix = after(with_counters(name, text))
                self.expect_problems(prefix, problem, missing=[UNACCOUNTED])

    def test_a_problem_that_stays_is_logged_once(self):
        exporter = self.start_exporter(prefix=after(HIDE_ALL_BUT_PROCESSES))
        for _ in range(3):
            scrape = exporter.fresh_scrape()
        failures = "sockdiag_sample_failures_total"
        exporter.scrape_when(lambda s: s.source(failures, "kernel") > 5, "more failures")
        self.assertEqual(scrape.sockets(PORT)["established"], CONNECTIONS)
        self.assertEqual(len(exporter.log.matching("level=(error|warning)")), 1)

    def test_on_an_old_kernel_nothing_that_follows_sockets_is_told(self):
        exposition, complaints = self.sample(ON_AN_OLD_KERNEL)
        self.expect_missing(
            exposition, FOLLOWED | {UNACCOUNTED, DROPS}
        )
        self.assertEqual(exposition.source("sockdiag_sample_success", "kernel"), 1)
        self.assertEqual(len(complaints), 1, complaints)
        self.assertRegex(complaints[0], r"level=warning .*on Linux 2\.6.*no ages")
        exporter = self.start_exporter(prefix=ON_AN_OLD_KERNEL)
        for _ in range(3):
            exporter.fresh_scrape()
        self.assertEqual(len(exporter.log.matching("level=(error|warning)")), 1)


class LengthOfTimeWait(EndToEndTest):
    """The kernel's are of 60 s here, whatever the setting says."""

    def started_with(self, text):
        service = self.start_service(PORT)
        exporter = self.start_exporter(prefix=after(with_time_wait_length(text)))
        service.time_wait()
        scrape = exporter.fresh_scrape()
        self.assertEqual(scrape.sockets(PORT)["time_wait"], 1)
        return scrape.value(STARTED, direction="inbound", port=str(PORT)), exporter

    def test_a_shorter_length_still_counts_starts(self):
        self.assertEqual(self.started_with("5\\n")[0], 1)

    def test_what_looks_old_by_the_length_in_force_has_not_begun(self):
        self.assertEqual(self.started_with("600\\n")[0], 0)

    def test_a_length_that_makes_no_sense_is_a_problem_and_taken_for_60_s(self):
        started, exporter = self.started_with("0\\n")
        self.assertEqual(started, 1)
        exporter.log.wait_for("kernel sample failed: .*tcp_tw_timeout: expected seconds")


if __name__ == "__main__":
    unittest.main()
