# SPDX-License-Identifier: Apache-2.0
"""A host with pods that is well: no finding, and none of the shipped alerts, not even pending."""

import time

from support.cgroups import Cgroup
from support.connection_states import connect, listen
from support.exporter import run
from support.polling import wait_until
from support.prometheus import ShippedPrometheus
from test_namespaces import NamespacesTest, Opener, PRIVILEGED, UNITS

PORT = 10293  # which the shipped configuration scrapes
OWNER = "sockdiag-e2e-healthy.service"
SOURCES = {"tcp", "listeners", "kernel", "owners", "namespaces"}
EVALUATIONS = 3


class HealthyHost(NamespacesTest):
    def setUp(self):
        super().setUp()
        cgroup = Cgroup(OWNER)
        self.addCleanup(cgroup.remove)
        with cgroup.entered():
            listener = listen(8080)
        client = connect("127.0.0.1", 8080)
        for each in (listener, client, listener.accept()[0]):
            self.addCleanup(each.close)
        for unit in UNITS:
            self.start_container(unit)

    def start_opener(self):
        opener = Opener(f"--path.procfs={self.view.path}", prefix=PRIVILEGED)
        self.addCleanup(opener.dispose)
        return opener.wait_until_listening()

    def start(self, **namespaces):
        words = ", ".join(f"{key}: {value}" for key, value in namespaces.items())
        config = f"namespaces: {{{words}}}\n"
        return self.start_exporter(
            f"--path.procfs={self.view.path}", config=config, listen=f"127.0.0.1:{PORT}"
        )

    def expect_nothing_wrong(self, exporter, status):
        scrape = self.expect_status(exporter, status, len(UNITS))
        self.assertEqual({name: scrape.source("sockdiag_sample_success", name) for name in SOURCES},
                         dict.fromkeys(SOURCES, 1))
        self.assertEqual(
            scrape.value("sockdiag_tcp_owner_sockets", direction="inbound", port="8080",
                         state="established", unit=OWNER), 1)
        self.assertEqual(scrape.family("sockdiag_findings"), {})
        done = run("diagnose", "--url", f"http://127.0.0.1:{PORT}")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.expect_no_alert()

    def expect_no_alert(self):
        prometheus = ShippedPrometheus(f"# TYPE nothing gauge\nnothing 1 {int(time.time()) - 60}\n# EOF\n")
        self.addCleanup(prometheus.stop)
        prometheus.wait_until_ready()
        seen = {}

        def all_evaluated():
            for group in prometheus.groups():
                seen.setdefault(group["name"], set()).add(group["lastEvaluation"])
            return min(map(len, seen.values())) > EVALUATIONS

        prometheus.wait_for(f'up{{instance="localhost:{PORT}"}}', 1)
        wait_until(all_evaluated, "each group of rules is evaluated")
        self.assertEqual(prometheus.alerts(), [])

    def test_with_counters_of_pods(self):
        self.expect_nothing_wrong(self.start(collect="counters"), "counted")

    def test_with_sockets_of_pods(self):
        opener = self.start_opener()
        exporter = self.start(collect="sockets", opener_socket=opener.path)
        self.expect_nothing_wrong(exporter, "sampled")
