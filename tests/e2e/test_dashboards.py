# SPDX-License-Identifier: Apache-2.0
"""Every panel of the Grafana dashboards has something to show when every state is there."""

import unittest

from support.case import EndToEndTest
from support.connection_states import set_sysctl, start_connecting
from support.dashboards import (
    GONE_INSTANCE,
    GONE_JOB,
    INSTANCE,
    JOB,
    OTHER_JOB,
    STAND_INS,
    DashboardPrometheus,
    annotations,
    choices,
    queries,
)
from support.lifetimes import DIRECTIONS, with_thresholds
from support.network import STATES
from support.packets import NOWHERE_IPV4, clients_in, send_syns, swallow_packets_to_nowhere
from support.polling import wait_until

CONFIG = with_thresholds("100ms") + (
    "ephemeral_ports: {export_addresses: true}\nfindings: {close_wait_inbound: 1}\n"
)
PORT, SYN_SENT_PORT, SYN_RECV_PORT, FULL_PORT, FLOODED_PORT, CLOSING_PORT = range(8080, 8086)
BOTH_ENDS = (
    "established",
    "fin_wait1",
    "fin_wait2",
    "fin_wait2_orphan",
    "closing",
    "last_ack",
    "unread_data",
    "unread_goodbye",
    "unread_eof",
    "not_closed",
)
EXPECTED_CHOICES = {
    "job": {JOB, GONE_JOB},
    "instance": {INSTANCE, GONE_INSTANCE},
    "port": {str(PORT)},
    "direction": {"outbound"},
    "namespace": {"shop"},
    "pod": {"cart-7d9"},
    "container": {"app"},
    "unit": {"web.service"},
}
MADE = set(STATES.values()) - {"close"}  # bound sockets without a peer are not asked for


class DashboardTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        swallow_packets_to_nowhere()
        set_sysctl("ipv4/tcp_syncookies", "1")
        self.make_what_stays()
        self.exporter = self.start_exporter(config=CONFIG)
        self.prometheus = DashboardPrometheus(self.exporter.port)
        self.addCleanup(self.prometheus.stop)
        self.prometheus.wait_until_ready()

    def make_what_stays(self):
        service = self.start_service(PORT)
        for direction in DIRECTIONS:
            for name in BOTH_ENDS:
                getattr(service, name)(direction)
        service.not_accepted()
        self.start_service(FULL_PORT, backlog=2)
        self.start_service(FLOODED_PORT, backlog=16)
        self.start_service(SYN_RECV_PORT)
        self.closing = self.start_service(CLOSING_PORT)
        self.connect("198.18.0.1", SYN_SENT_PORT)

    def connect(self, address, port):
        self.addCleanup(start_connecting(address, port).close)

    def make_what_passes(self):
        """Half-open connections time out, and rates are of what happens between two scrapes."""
        for direction in DIRECTIONS:
            self.closing.time_wait(direction)
        self.connect("127.0.0.1", FULL_PORT)
        send_syns(clients_in(NOWHERE_IPV4, 24, 2, 3), "127.0.0.1", SYN_RECV_PORT)
        send_syns(clients_in(NOWHERE_IPV4, 24, 1, 50), "127.0.0.1", FLOODED_PORT)

    def wait_for_data(self, asked):
        """{query: its series}, each when it first has any."""
        found = {}

        def each_has_data():
            self.make_what_passes()
            for query in asked:
                found[query] = found.get(query) or self.prometheus.query(query.expression)
            return all(found.values())

        try:
            wait_until(each_has_data, "data")
        except AssertionError:
            self.fail(f"no data: {[query for query in asked if not found[query]]}")
        return found


class Dashboards(DashboardTest):
    def test_every_query_has_data_with_the_labels_that_are_shown(self):
        asked = [*queries(), *annotations()]
        for query, series in self.wait_for_data(asked).items():
            with self.subTest(query.dashboard, panel=query.panel, asks=query.expression):
                for labels, _ in series:
                    self.assertLessEqual(set(query.labels), set(labels))
        self.expect_that_stand_ins_were_needed()
        self.expect_every_state()
        self.expect_choices()
        self.expect_that_a_job_that_is_all_down_counts()

    def expect_that_stand_ins_were_needed(self):
        scrape = self.exporter.scrape()
        for name in STAND_INS:
            self.assertEqual(scrape.family(name), {}, name)

    def expect_every_state(self):
        """The workload is what it says, or a panel may have shown a zero for all it knows."""
        asked = [query for query in queries() if query.panel.startswith("Sockets by state")]
        self.assertEqual(len(asked), 2)
        for query in asked:
            wait_until(lambda one=query: self.states_made(one) == MADE, f"{MADE} in {query}")

    def states_made(self, query):
        counts = {labels["state"]: n for labels, n in self.prometheus.query(query.expression)}
        self.assertEqual(set(counts), MADE, query)
        return {state for state, count in counts.items() if count}

    def expect_choices(self):
        for (dashboard, label), expression in choices().items():
            with self.subTest(dashboard, variable=label):
                self.expect_offered(label, expression)

    def expect_offered(self, label, expression):
        def offered():
            return {labels.get(label) for labels, _ in self.prometheus.query(expression)}

        expected = EXPECTED_CHOICES[label]
        wait_until(lambda: expected <= offered(), f"{expected} offered by {expression}")
        self.assertNotIn(OTHER_JOB, offered())

    def expect_that_a_job_that_is_all_down_counts(self):
        asked = {query.panel: query.expression for query in queries()}
        self.assertEqual(self.prometheus.value(asked["Exporters down"]), 1)
        down = self.prometheus.query(asked["Exporters down by host"])
        self.assertEqual([labels["job"] for labels, _ in down], [GONE_JOB])


if __name__ == "__main__":
    unittest.main()
