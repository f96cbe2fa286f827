# SPDX-License-Identifier: Apache-2.0
"""How many series a host has: they are what a fleet pays for."""

import pathlib
import re
import unittest

from support.case import EndToEndTest
from support.connection_states import connect, end_sending, listen, wait_for_state
from support.exporter import FAST
from support.exposition import Exposition
from support.peer import HERE, THERE, Peer

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "deploy/prometheus/README.md"

DETAILS = {
    "sockdiag_tcp_close_wait_sockets",
    "sockdiag_tcp_lingering_sockets",
    "sockdiag_tcp_oldest_socket_seconds",
    "sockdiag_tcp_fin_wait2_orphaned_sockets",
    "sockdiag_tcp_syn_recv_retransmitting_sockets",
    "sockdiag_tcp_syn_recv_prefixes",
    "sockdiag_tcp_receive_queue_bytes",
    "sockdiag_tcp_send_queue_bytes",
    "sockdiag_http_requests_total",  # one for each answer that was ever given
    "sockdiag_findings",
    "sockdiag_owner_info",
    "sockdiag_tcp_listener_info",
    "sockdiag_tcp_owner_close_wait_sockets",
    "sockdiag_tcp_owner_lingering_sockets",
    "sockdiag_tcp_owner_sockets",
}
# Absent outside of the initial network namespace.
HOST_WIDE = {
    "sockdiag_tcp_orphans_limit",
    "sockdiag_tcp_memory_limit_bytes",
    "sockdiag_tcp_memory_pressure_bytes",
}


class Host:
    """Services of this host that the peer calls, and services of the peer that this host calls."""

    def __init__(self, peer, listening, called):
        self._peer, self._held = peer, []
        self.inbound = [self._accepted(7000 + i) for i in range(listening)]
        self.outbound = [self._called(8000 + i) for i in range(called)]

    def _hold(self, endpoint):
        self._held.append(endpoint)
        return endpoint

    def _accepted(self, port):
        """A connection to a port of this host: (this end, the peer's)."""
        listener = self._hold(listen(port, HERE))
        with self._peer.entered():
            client = self._hold(connect(HERE, port))
        return self._hold(listener.accept()[0]), client

    def _called(self, port):
        """A connection to a port of the peer: (this end, the peer's)."""
        with self._peer.entered():
            listener = self._hold(listen(port, THERE))
        client = self._hold(connect(THERE, port))
        return client, self._hold(listener.accept()[0])

    def close(self):
        for each in self._held:
            each.close()


def leave_open(ends):
    here, there = ends
    end_sending(there, "fin_wait2")
    wait_for_state(here, "close_wait")


class SeriesOfAHost(EndToEndTest):
    OWN = 9200  # the exporter's: with its connections it is other, or they would be counted or not
    CONFIG = FAST + f"ports: {{exclude: [{OWN}]}}\n"
    # And details of states that pass by while a busy machine makes the connections.
    MOST = 1158 + 24

    def setUp(self):
        super().setUp()
        self.peer = Peer()
        self.addCleanup(self.peer.close)

    def make_host(self, listening, called):
        host = Host(self.peer, listening, called)
        self.addCleanup(host.close)
        return host

    def page(self):
        exporter = self.start_exporter(config=self.CONFIG, listen=f"127.0.0.1:{self.OWN}")
        exporter.fresh_scrape()
        return exporter.request().text

    def make_busy_host(self, listening=30):
        host = self.make_host(listening, called=40)
        for ends in (*host.inbound[:2], host.outbound[0]):
            leave_open(ends)
        end_sending(host.inbound[2][0], "fin_wait2")
        for _, there in (*host.inbound[3:6], *host.outbound[3:6]):
            there.sendall(b"unread")

    def test_thirty_listeners_and_forty_services_have_no_more_than_documented(self):
        self.make_busy_host()
        text = self.page()
        scrape = Exposition(text)
        self.assertEqual(ports_in(scrape, "inbound"), 30)
        self.assertEqual(ports_in(scrape, "outbound"), 40)
        self.assertLessEqual(len(scrape), self.MOST)

    def test_the_documented_formula_is_true_without_services(self):
        self.expect_formula_and_no_finding(self.page())

    def test_the_documented_formula_is_true_with_all_seats_taken(self):
        self.make_host(listening=100, called=100)
        self.expect_formula_and_no_finding(self.page())

    def test_the_documented_formula_leaves_details_out(self):
        self.make_busy_host()
        self.expect_formula(self.page())

    def expect_formula_and_no_finding(self, text):
        self.expect_formula(text)
        self.assertEqual(Exposition(text).family("sockdiag_findings"), {})

    def expect_formula(self, text):
        scrape = Exposition(text)
        per_inbound, per_outbound, rest = documented_formula()
        expected = per_inbound * ports_in(scrape, "inbound")
        expected += per_outbound * ports_in(scrape, "outbound")
        expected += rest - len(HOST_WIDE) + 3  # of other, which listens: its accept queue
        details = sum(len(scrape.family(name)) for name in DETAILS)
        self.assertEqual(len(scrape) - details, expected)


class LeftOut(EndToEndTest):
    EXCLUDE = FAST + "metrics: {exclude: [process_*, sockdiag_tcp_orphans, sockdiag_sample_*]}\n"

    def expect_families(self, exporter, expected):
        exporter.scrape_when(lambda scrape: families_in(scrape) == expected, "those families")

    def test_excluded_families_go_and_come_with_a_reload(self):
        exporter = self.start_exporter()
        whole = families_in(exporter.fresh_scrape())
        self.assertIn("configuration reloaded", exporter.reload(self.EXCLUDE))
        left = {
            name
            for name in whole
            if not name.startswith(("process_", "sockdiag_sample_")) and name != "sockdiag_tcp_orphans"
        }
        self.expect_families(exporter, left)
        self.assertIn("configuration reloaded", exporter.reload(FAST))
        self.expect_families(exporter, whole)

    def test_once_leaves_them_out_too(self):
        scrape = self.once(self.EXCLUDE)
        for prefix in ("process_", "sockdiag_sample_", "sockdiag_tcp_orphans"):
            self.assertEqual(scrape.starting_with(prefix), {})

    def test_excluded_ports_are_other_in_both_directions(self):
        self.start_service(9100).connect(3)
        self.start_service(8080).connect(2)
        scrape = self.once("ports: {exclude: [9000-9200]}\n")
        for direction in ("inbound", "outbound"):
            self.assertEqual(scrape.sockets(9100, direction), {})
            self.assertEqual(scrape.sockets("other", direction)["established"], 3)
            self.assertEqual(scrape.sockets(8080, direction)["established"], 2)


def families_in(scrape):
    """Without details: a connection of the tests' own may bring some at any time."""
    return {name for name, _ in scrape.starting_with("")} - DETAILS


def ports_in(scrape, direction):
    started = scrape.family("sockdiag_tcp_time_wait_started_total")
    return sum(where == direction and port != "other" for where, port in started)


def documented_formula():
    text = DOCUMENT.read_text(encoding="utf-8")
    found = re.search(r"(\d+) × inbound ports \+ (\d+) × outbound ports \+ (\d+) \+ details", text)
    return tuple(int(number) for number in found.groups())


if __name__ == "__main__":
    unittest.main()
