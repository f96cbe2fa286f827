# SPDX-License-Identifier: Apache-2.0
"""Other network namespaces of the host: their counters without any privilege, and their sockets
through the real sockdiag_opener."""

import os
import subprocess

from support.case import EndToEndTest
from support.exporter import AS_NOBODY
from support.host_view import HostView
from support.opener import CAPABILITIES, Container, Opener, as_nobody, inode_of
from support.polling import wait_until

STATUSES = "sockdiag_namespaces"
KERNEL_SOCKETS = "sockdiag_tcp_kernel_sockets"
SOCKETS = "sockdiag_tcp_sockets"
SUCCESS = "sockdiag_sample_success"
MORE_THAN_A_TURN = 60  # namespaces
UNITS = ("a.service", "b.service", "c.service")
PRIVILEGED = ["unshare", "--net", "--", *as_nobody(*CAPABILITIES)]
PRIVILEGED_IN_VAIN = [*as_nobody(), "unshare", "--user", "--map-root-user", "--net", "--"]
HIDE_OTHERS_PROCESSES = [
    *("unshare", "--mount", "sh", "-ec"),
    'mount -t proc -o hidepid=2 proc /proc && exec "$@"',
    "sh",
]


def kernel_numbers(pid, name, group):
    """{name: value} of a line pair, or of a line of pairs, in a file of a process's namespace."""
    with open(f"/proc/{pid}/net/{name}", encoding="ascii") as file:
        lines = [line.split()[1:] for line in file if line.startswith(f"{group}:")]
    names, values = lines if len(lines) == 2 else (lines[0][::2], lines[0][1::2])
    return dict(zip(names, map(int, values), strict=True))


def counts_by_state(pid):
    """{state number: sockets} of both families in a process's namespace."""
    counts = {}
    for name in ("tcp", "tcp6"):
        with open(f"/proc/{pid}/net/{name}", encoding="ascii") as table:
            for line in table.readlines()[1:]:
                state = int(line.split()[3], 16)
                counts[state] = counts.get(state, 0) + 1
    return counts


def config_with(collect, **more):
    settings = {"collect": collect, "cpu_budget": 1, **more}
    words = ", ".join(f"{key}: {value}" for key, value in settings.items())
    return f"sampling: {{interval: 100ms, cpu_budget: 1}}\nnamespaces: {{{words}}}\n"


class NamespacesTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.view = HostView()
        self.addCleanup(self.view.remove)

    def start_container(self, unit):
        container = Container()
        self.addCleanup(container.end)
        self.view.add(container.pid, f"/system.slice/{unit}")
        return container

    def start_exporter_with(self, collect, prefix=AS_NOBODY, procfs=None, **more):
        flags = (f"--path.procfs={procfs or self.view.path}",)
        return self.start_exporter(*flags, config=config_with(collect, **more), prefix=prefix)

    def expect_status(self, exporter, status, count):
        return self.expect_series(exporter, STATUSES, count, status=status)


class Counters(NamespacesTest):
    def test_each_namespace_has_those_that_proc_has_of_it(self):
        containers = {unit: self.start_container(unit) for unit in UNITS}
        self.view.add(os.getpid(), "/system.slice/own.service")  # in the exporter's namespace
        exporter = self.start_exporter_with("counters")
        scrape = self.expect_status(exporter, "counted", len(UNITS))
        for unit, container in containers.items():
            snmp = kernel_numbers(container.pid, "snmp", "Tcp")
            self.assertEqual(snmp["PassiveOpens"], 1)
            sockstat = kernel_numbers(container.pid, "sockstat", "TCP")
            expected = {
                (KERNEL_SOCKETS, "open"): sockstat["inuse"],
                (KERNEL_SOCKETS, "connected"): snmp["CurrEstab"],
                (KERNEL_SOCKETS, "time_wait"): sockstat["tw"],
            }
            found = {(name, kind): scrape.get(name, kind=kind, unit=unit) for name, kind in expected}
            self.assertEqual(found, expected)
            self.assertEqual(scrape.value("sockdiag_tcp_passive_opens_total", unit=unit), 1)
            self.assertIsNone(scrape.get("sockdiag_tcp_orphans", unit=unit))
        self.assertIsNone(scrape.get(KERNEL_SOCKETS, kind="open", unit="own.service"))

    def test_the_real_proc_is_seen_without_any_privilege(self):
        self.start_container(UNITS[0])
        exporter = self.start_exporter_with("counters", procfs="/proc")
        scrape = exporter.scrape_when(
            lambda scrape: (scrape.get(STATUSES, status="counted") or 0) >= 1, "one namespace"
        )
        self.assertEqual(scrape.source(SUCCESS, "namespaces"), 1)

    def test_a_host_that_hides_processes_shows_no_namespace(self):
        self.start_container(UNITS[0])
        prefix = [*HIDE_OTHERS_PROCESSES, *AS_NOBODY]
        exporter = self.start_exporter_with("counters", prefix=prefix, procfs="/proc")
        scrape = self.expect_status(exporter, "counted", 0)
        self.assertEqual(scrape.source(SUCCESS, "namespaces"), 1)

    def test_nothing_is_looked_for_unless_it_is_wanted(self):
        scrape = self.start_exporter(f"--path.procfs={self.view.path}").fresh_scrape("kernel")
        self.assertIsNone(scrape.get(STATUSES, status="counted"))
        self.assertIsNone(scrape.get(SUCCESS, source="namespaces"))


    def test_one_sample_has_all_however_long_it_takes(self):
        units = [f"{number}.service" for number in range(MORE_THAN_A_TURN)]
        for unit in units:
            process = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE)
            self.addCleanup(process.communicate)
            wait_until(lambda pid=process.pid: inode_of(pid) != inode_of("self"), "a namespace")
            self.view.add(process.pid, f"/system.slice/{unit}")
        scrape = self.once(config_with("counters") + f"path: {{procfs: {self.view.path}}}\n")
        self.assertEqual(scrape.value(STATUSES, status="counted"), len(units))
        for unit in units:
            self.assertEqual(scrape.value(KERNEL_SOCKETS, kind="open", unit=unit), 0)


class Sockets(NamespacesTest):
    def start_opener(self, path=None, prefix=PRIVILEGED):
        opener = Opener(f"--path.procfs={self.view.path}", prefix=prefix, path=path)
        self.addCleanup(opener.dispose)
        return opener.wait_until_listening()

    def start_exporter_with_opener(self):
        self.opener = self.start_opener()
        return self.start_exporter_with("sockets", opener_socket=self.opener.path)

    def test_they_are_those_that_proc_has(self):
        containers = {unit: self.start_container(unit) for unit in UNITS}
        exporter = self.start_exporter_with_opener()
        scrape = self.expect_status(exporter, "sampled", len(UNITS))
        for unit, container in containers.items():
            self.assertEqual(counts_by_state(container.pid), {1: 2, 10: 1})
            inbound = {"direction": "inbound", "port": str(container.port), "unit": unit}
            self.assertEqual(scrape.value(SOCKETS, state="listen", **inbound), 1)
            self.assertEqual(scrape.value(SOCKETS, state="established", **inbound), 1)
            self.assertIsNone(scrape.get(SOCKETS, state="close_wait", **inbound))

    def test_a_namespace_that_ends_takes_its_series_along_and_is_not_kept(self):
        container = self.start_container(UNITS[0])
        self.start_container(UNITS[1])
        link = ["ip", "link", "add", "outside", "type", "veth", "peer", "name", "inside"]
        subprocess.run([*link, "netns", str(container.pid)], check=True)
        exporter = self.start_exporter_with_opener()
        self.expect_status(exporter, "sampled", 2)
        container.end()
        wait_until(
            lambda: subprocess.run(
                ["ip", "link", "show", "outside"], capture_output=True, check=False
            ).returncode,
            "the namespace to be gone with its interface",
        )
        scrape = self.expect_status(exporter, "sampled", 1)
        self.assertEqual(scrape.value(STATUSES, status="failed"), 0)
        self.assertIsNone(scrape.get(KERNEL_SOCKETS, kind="open", unit=UNITS[0]))
        self.assertIsNotNone(scrape.get(KERNEL_SOCKETS, kind="open", unit=UNITS[1]))

    def test_without_an_opener_the_counters_go_on_until_it_is_back(self):
        self.start_container(UNITS[0])
        exporter = self.start_exporter_with_opener()
        self.expect_status(exporter, "sampled", 1)
        path = self.opener.path
        self.opener.process.kill()
        self.opener.process.wait()
        scrape = self.expect_status(exporter, "counted", 1)
        self.assertEqual(scrape.source(SUCCESS, "namespaces"), 0)
        self.assertEqual(scrape.source(SUCCESS), 1)
        self.assertEqual(len(exporter.log.matching("namespaces sample failed")), 1)
        os.remove(path)
        self.start_opener(path)
        scrape = self.expect_status(exporter, "sampled", 1)
        self.assertEqual(scrape.source(SUCCESS, "namespaces"), 1)
        self.assertEqual(len(exporter.log.matching("namespaces sample recovered")), 1)

    def test_an_opener_without_rights_fails_the_source(self):
        self.start_container(UNITS[0])
        self.opener = self.start_opener(prefix=PRIVILEGED_IN_VAIN)
        exporter = self.start_exporter_with("sockets", opener_socket=self.opener.path)
        scrape = self.expect_status(exporter, "failed", 1)
        self.assertEqual(scrape.source(SUCCESS, "namespaces"), 0)
        self.assertIsNotNone(scrape.get(KERNEL_SOCKETS, kind="open", unit=UNITS[0]))
        (line,) = exporter.log.matching("namespaces sample failed")
        self.assertIn("sockdiag_opener cannot open it: Permission denied", line)

    def test_they_are_forgotten_when_nobody_wants_them_any_longer(self):
        self.start_container(UNITS[0])
        without = self.start_exporter("--namespaces.collect=none").open_descriptors()
        exporter = self.start_exporter_with_opener()
        self.expect_status(exporter, "sampled", 1)
        exporter.reload(config_with("none"))
        scrape = exporter.fresh_scrape()
        self.assertIsNone(scrape.get(STATUSES, status="sampled"))
        self.assertIsNone(scrape.get(KERNEL_SOCKETS, kind="open", unit=UNITS[0]))
        wait_until(lambda: exporter.open_descriptors() <= without, "the opener to be left alone")
        exporter.reload(config_with("sockets", opener_socket=self.opener.path))
        self.expect_status(exporter, "sampled", 1)

    def test_no_descriptor_is_left_after_visits(self):
        self.start_container(UNITS[0])
        exporter = self.start_exporter_with_opener()
        self.expect_status(exporter, "sampled", 1)
        exporter.fresh_scrape("namespaces")
        before = exporter.open_descriptors()
        for _ in range(3):
            exporter.fresh_scrape("namespaces")
        # A visit may be under way.
        wait_until(lambda: exporter.open_descriptors() <= before, "all of them to be closed")
