# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus scrapes the real binary."""

import unittest

from support.case import EndToEndTest
from support.exporter import FAST, run
from support.exposition import Exposition
from support.fault import NetlinkFault
from support.network import kernel_sockets
from support.prometheus import check_metrics


class ScrapedByPrometheus(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.start_service(8080).connect(7).half_close_clients(3)
        self.start_service(9443, backlog=128).connect_without_accept(2)
        self.exporter = self.start_exporter()
        self.prometheus = self.start_prometheus(self.exporter)
        self.prometheus.wait_for("up", 1)

    def test_target_is_healthy_and_has_no_scrape_error(self):
        target = self.prometheus.target()
        self.assertEqual((target["health"], target["lastError"]), ("up", ""))

    def test_series_have_the_values_of_the_sockets_made_here(self):
        rows = {
            'sockdiag_tcp_sockets{direction="inbound",port="8080",state="listen"}': 1,
            'sockdiag_tcp_sockets{direction="inbound",port="8080",state="established"}': 4,
            'sockdiag_tcp_sockets{direction="inbound",port="8080",state="close_wait"}': 3,
            'sockdiag_tcp_sockets{direction="outbound",port="8080",state="established"}': 4,
            'sockdiag_tcp_sockets{direction="outbound",port="8080",state="fin_wait2"}': 3,
            'sockdiag_tcp_sockets{direction="inbound",port="8080",state="syn_recv"}': 0,
            'sockdiag_tcp_sockets{direction="inbound",port="9443",state="established"}': 2,
            'sockdiag_tcp_accept_queue_sockets{port="9443"}': 2,
            'sockdiag_tcp_accept_queue_limit_sockets{port="9443"}': 128,
            'sockdiag_tcp_accept_queue_sockets{port="8080"}': 0,
            'sockdiag_sample_success{source="tcp"}': 1,
        }
        for series, expected in rows.items():
            with self.subTest(series):
                self.assertEqual(self.prometheus.value(series), expected)

    def test_utilization_is_length_over_limit(self):
        utilization = 'sockdiag_tcp_accept_queue_utilization_ratio{port="9443"}'
        self.assertAlmostEqual(self.prometheus.value(utilization), 2 / 128)

    def test_sums_over_labels_count_each_socket_once(self):
        by_port = self.prometheus.value("sum(sockdiag_tcp_sockets{port=~'8080|9443'})")
        witnesses = [s for s in kernel_sockets() if {s.local_port, s.remote_port} & {8080, 9443}]
        self.assertEqual(by_port, len(witnesses))
        self.assertEqual(
            self.prometheus.value("sum(sockdiag_tcp_sockets) - sum(sockdiag_tcp_family_sockets)"), 0
        )

    def test_every_state_of_a_port_is_there(self):
        states = "count(sockdiag_tcp_sockets{direction='inbound',port='8080'})"
        self.assertEqual(self.prometheus.value(states), 10)

    def test_vanished_sockets_go_down_to_zero_and_not_away(self):
        close_wait = "sockdiag_tcp_sockets{direction='inbound',port='8088',state='close_wait'}"
        service = self.start_service(8088).connect(2).half_close_clients(2)
        self.prometheus.wait_for(close_wait, 2)
        service.close()
        self.prometheus.wait_for(close_wait, 0)


class SampleFailsUnderPrometheus(EndToEndTest):
    SERIES = 'sockdiag_tcp_sockets{direction="inbound",port="8080",state="established"}'

    def setUp(self):
        super().setUp()
        self.fault = NetlinkFault()
        self.addCleanup(self.fault.remove)
        self.start_service(8080).connect(5)
        self.exporter = self.start_exporter(
            config="sampling: {interval: 100ms, cpu_budget: 1, max_staleness: 3s}\n"
            "listeners: {interval: 100ms}\n",
            environment=self.fault.environment(),
        )
        self.prometheus = self.start_prometheus(self.exporter)
        self.prometheus.wait_for(self.SERIES, 5)

    def test_up_stays_1_and_the_series_go_stale_and_come_back(self):
        with self.fault("ENOBUFS"):
            self.prometheus.wait_for('sockdiag_sample_success{source="tcp"}', 0)
            self.prometheus.wait_for(self.SERIES, None)
            self.prometheus.wait_for("sockdiag_tcp_listener_drops_total{port='8080'}", None)
            self.assertEqual(self.prometheus.query('{__name__=~"sockdiag_tcp_.*",port!=""}'), [])
        self.prometheus.wait_for('sockdiag_sample_success{source="tcp"}', 1)
        self.prometheus.wait_for(self.SERIES, 5)
        self.assertEqual(self.prometheus.value("min_over_time(up[10m])"), 1)
        self.assertEqual(self.prometheus.value(f"min_over_time({self.SERIES}[10m])"), 5)
        self.assertEqual(self.prometheus.value(f"max_over_time({self.SERIES}[10m])"), 5)


class AgreesWithTheKernel(EndToEndTest):
    def test_counts_of_each_port_equal_proc_net_tcp(self):
        self.start_service(8080).connect(7).half_close_clients(3)
        self.start_service(8081).connect(20)
        self.start_service(8082, address="::1").connect(4).half_close_clients(1)
        scrape = self.start_exporter().fresh_scrape()
        for port in (8080, 8081, 8082):
            with self.subTest(port=port):
                self.assert_sockets_match_the_kernel(scrape, port)

    def test_total_equals_all_rows_of_proc_net_tcp(self):
        self.start_service(8180).connect(6).half_close_clients(2)
        self.start_service(8182, address="::1").connect(3)
        done = run("--once")  # listens nowhere, so the namespace is quiet
        self.assertEqual(done.returncode, 0, done.stderr)
        families = Exposition(done.stdout.decode()).starting_with("sockdiag_tcp_family_sockets")
        self.assertEqual(sum(families.values()), len(kernel_sockets()))


class CheckedByPromtool(EndToEndTest):
    def test_promtool_has_nothing_to_say(self):
        fault = NetlinkFault()
        self.addCleanup(fault.remove)
        self.start_service(8080).connect(1)
        exporter = self.start_exporter(
            config=FAST + "ports: {inbound: [22], outbound: [5432]}\n",
            environment=fault.environment(),
        )
        exporter.fresh_scrape()
        self.assertEqual(check_metrics(exporter.request().body), (0, ""))
        with fault("ENOBUFS"):
            exporter.scrape_when(
                lambda scrape: scrape.source("sockdiag_sample_success") == 0, "a failing sample"
            )
            self.assertEqual(check_metrics(exporter.request().body), (0, ""))

    def test_promtool_has_nothing_to_say_about_once(self):
        self.assertEqual(check_metrics(run("--once").stdout), (0, ""))

    def test_promtool_would_say_it(self):
        status, words = check_metrics(b"# TYPE bad counter\nbad 1\n")
        self.assertNotEqual(status, 0)
        self.assertIn("bad", words)


if __name__ == "__main__":
    unittest.main()
