# SPDX-License-Identifier: Apache-2.0
"""Why sockets are in CLOSE_WAIT, and which sockets stay in states they should pass."""

import collections
import threading
import time
import unittest

from support.case import EndToEndTest
from support.connection_states import Service, close_into, set_sysctl, start_connecting
from support.exporter import FAST
from support.lifetimes import (
    DIRECTIONS,
    LINGERING,
    OLDEST,
    PASSING,
    THRESHOLD,
    oldest,
    place,
    with_lifetimes,
    with_thresholds,
)
from support.network import kernel_sockets
from support.packets import NOWHERE_IPV4, clients_in, send_syns, swallow_packets_to_nowhere

SOCKETS = "sockdiag_tcp_sockets"
CLOSE_WAIT = "sockdiag_tcp_close_wait_sockets"
ORPHANED = "sockdiag_tcp_fin_wait2_orphaned_sockets"

CAUSES = ("not_accepted", "unread_data", "unread_goodbye", "unread_eof", "not_closed")
PORT = 8080


def causes_of(scrape, direction, port):
    """{cause: sockets} of a port; empty where it never had a CLOSE_WAIT."""
    return {
        key[0]: value
        for key, value in scrape.family(CLOSE_WAIT).items()
        if key[1:] == (direction, str(port))
    }


class CausesOfCloseWait(EndToEndTest):
    MADE = {"unread_data": 2, "unread_eof": 3, "not_closed": 4, "unread_goodbye": 5}

    def make_causes(self, port, address):
        service = self.start_service(port, address)
        for cause, count in self.MADE.items():
            for direction in DIRECTIONS:
                for _ in range(count):
                    getattr(service, cause)(direction)
        service.not_accepted()

    def expect_causes_to_sum_up(self, scrape):
        sums = collections.Counter()
        for (_, direction, port), value in scrape.family(CLOSE_WAIT).items():
            sums[direction, port] += value
        states = scrape.family(SOCKETS).items()
        expected = {key[:2]: value for key, value in states if key[2] == "close_wait"}
        self.assertEqual({key: sums[key] for key in expected}, expected)

    def test_each_cause_is_told_at_both_ends_and_in_both_families(self):
        ports = {8080: "127.0.0.1", 8081: "::1"}
        for port, address in ports.items():
            self.make_causes(port, address)
        scrape = self.start_exporter().fresh_scrape()
        for port in ports:
            inbound = {"not_accepted": 1, **self.MADE}
            self.assertEqual(causes_of(scrape, "inbound", port), inbound, port)
            self.assertEqual(causes_of(scrape, "outbound", port), self.MADE)
        self.expect_causes_to_sum_up(scrape)

    def test_the_causes_of_folded_ports_are_counted_under_other(self):
        ports = range(8080, 8083)
        for port in ports:
            self.make_causes(port, "127.0.0.1")
        scrape = self.once("ports: {max_ports: 1}\n")
        self.expect_causes_to_sum_up(scrape)
        for cause, count in self.MADE.items():
            seats = [n for key, n in scrape.family(CLOSE_WAIT).items() if key[0] == cause]
            self.assertEqual(sum(seats), len(DIRECTIONS) * len(ports) * count, cause)
            for direction in DIRECTIONS:
                folded = causes_of(scrape, direction, "other")[cause]
                self.assertGreaterEqual(folded, (len(ports) - 1) * count)

    def test_the_cause_follows_what_the_application_does(self):
        service = self.start_service(PORT)
        exporter = self.start_exporter()
        # Reading the last byte takes the FIN along where the kernel has put both in one buffer.
        for cause in ("unread_data", "unread_goodbye", "unread_eof"):
            ends = getattr(service, cause)()
            self.expect_alone(exporter, cause)
            while ends.here.recv(100):
                pass
            self.expect_alone(exporter, "not_closed")
            ends.here.close()
            self.expect_alone(exporter, None)

    def expect_alone(self, exporter, cause):
        expected = {each: int(each == cause) for each in CAUSES}
        self.assertEqual(causes_of(exporter.fresh_scrape(), "inbound", PORT), expected)

    def test_details_appear_with_their_first_socket_and_stay(self):
        service = self.start_service(PORT)
        config = FAST + "ports: {inbound: [22], outbound: [5432]}\n"
        exporter = self.start_exporter(config=config)
        self.assertEqual(self.details(exporter.fresh_scrape()), set())
        ends = service.not_closed()
        made = {(cause, "inbound", str(PORT)) for cause in CAUSES}
        made |= {("inbound", str(PORT), "close_wait"), ("outbound", str(PORT), "fin_wait2")}
        made |= {("outbound", str(PORT))}
        self.assertEqual(self.details(exporter.fresh_scrape()), made)
        ends.reset()
        scrape = exporter.fresh_scrape()
        self.assertEqual(self.details(scrape), made)
        self.assertEqual(set(causes_of(scrape, "inbound", PORT).values()), {0})

    def details(self, scrape):
        """The label values of the details, but for those of the exporter's own connections."""
        ports = {str(PORT), "22", "5432", "other"}
        families = (CLOSE_WAIT, LINGERING, ORPHANED)
        return {key for name in families for key in scrape.family(name) if ports & set(key)}


class Churn(threading.Thread):
    """CLOSE_WAITs that come and go on a port, some of them open at any time."""

    OPEN_AT_A_TIME = 5

    def __init__(self, port, short_seconds):
        super().__init__()
        self._service = Service(port, "127.0.0.2")
        self._short_seconds = short_seconds
        self._open = collections.deque()  # (when it began to be made, its ends)
        self._late = 0
        self._stopping = threading.Event()
        self.start()

    def not_short(self):
        """How many have lived long for want of a CPU: the exporter may call these lingering."""
        return self._late + sum(self._is_late(since) for since, _ in tuple(self._open))

    def _is_late(self, since):
        return time.monotonic() - since >= self._short_seconds

    def run(self):
        while not self._stopping.is_set():
            since = time.monotonic()
            self._open.append((since, self._service.close_wait()))
            if len(self._open) > self.OPEN_AT_A_TIME:
                self._end_oldest()
        while self._open:
            self._end_oldest()

    def _end_oldest(self):
        since, ends = self._open[0]
        ends.reset()
        self._late += self._is_late(since)
        self._open.popleft()

    def stop(self):
        self._stopping.set()
        self.join()
        self._service.close()


class OneLeakAmongMany(EndToEndTest):
    THRESHOLD_SECONDS = 0.5

    def test_only_the_leak_lingers_while_others_come_and_go(self):
        labels = place(PORT, state="close_wait")
        self.start_service(PORT).not_closed()
        churn = Churn(PORT, self.THRESHOLD_SECONDS)
        self.addCleanup(churn.stop)
        exporter = self.start_exporter(config=with_lifetimes(close_wait="500ms"))
        exporter.scrape_when(lambda scrape: scrape.value(LINGERING, **labels) >= 1, "the leak")
        in_close_wait = []
        for _ in range(20):
            scrape = exporter.fresh_scrape()
            lingering = scrape.value(LINGERING, **labels)
            self.assertGreaterEqual(lingering, 1)
            self.assertLessEqual(lingering, 1 + churn.not_short())
            in_close_wait.append(scrape.value(SOCKETS, **labels))
        self.assertGreater(max(in_close_wait), 1)


class LingeringStates(EndToEndTest):
    RECIPES = ("fin_wait1", "fin_wait2", "fin_wait2_orphan", "closing", "not_closed", "last_ack")
    SYN_SENT_PORT, SYN_RECV_PORT = 8000, 8001

    def setUp(self):
        super().setUp()
        swallow_packets_to_nowhere()
        self.ports = [self.SYN_SENT_PORT, self.SYN_RECV_PORT]
        for address in ("198.18.0.1", "2001:db8::1"):
            self.addCleanup(start_connecting(address, self.SYN_SENT_PORT).close)
        self.start_service(self.SYN_RECV_PORT)
        send_syns(clients_in(NOWHERE_IPV4, 24, 1, 3), "127.0.0.1", self.SYN_RECV_PORT)
        for name in self.RECIPES:
            for address in ("127.0.0.1", "::1"):
                for direction in DIRECTIONS:
                    self.make(name, address, direction)

    def make(self, name, address, direction):
        port = self.SYN_RECV_PORT + len(self.ports)
        self.ports.append(port)
        getattr(self.start_service(port, address), name)(direction)

    def kernel_has(self):
        """{(direction, port, state): sockets} of the ports made, counted from /proc."""
        counts = collections.Counter()
        for local, remote, state in (found.ports_and_state for found in kernel_sockets()):
            if state in PASSING and local in self.ports:
                counts["inbound", str(local), state] += 1
            elif state in PASSING and remote in self.ports:
                counts["outbound", str(remote), state] += 1
        return dict(counts)

    def lingering(self, scrape):
        found = scrape.family(LINGERING).items()
        return {key: value for key, value in found if value and int(key[1]) in self.ports}

    def test_every_passing_state_lingers_from_its_threshold_on(self):
        self.assertEqual({key[2] for key in self.kernel_has()}, set(PASSING))
        exporter = self.start_exporter(config=with_thresholds("1d"))
        exporter.scrape_when(
            lambda scrape: all(scrape.family(OLDEST).get(key, 0) >= 0.1 for key in self.kernel_has()),
            "an age of every socket",
        )
        self.assertEqual(self.lingering(exporter.scrape()), {})
        exporter.reload(with_thresholds("100ms"))
        exporter.scrape_when(
            lambda scrape: self.lingering(scrape) == self.kernel_has(), "every socket lingers"
        )

    def test_folded_ports_linger_and_age_under_other(self):
        config = with_thresholds("100ms") + "ports: {max_ports: 1}\n"
        exporter = self.start_exporter(config=config)
        made = collections.Counter()
        for (direction, _, state), count in self.kernel_has().items():
            made[direction, state] += count
        exporter.scrape_when(lambda scrape: self.all_lingering(scrape) >= made, f"{made} to linger")
        for direction in DIRECTIONS:
            self.assertGreater(oldest(exporter.scrape(), "other", "fin_wait2", direction), 0)

    def all_lingering(self, scrape):
        """{(direction, state): sockets}, ports of the exporter itself included."""
        sums = collections.Counter()
        for (direction, _, state), value in scrape.family(LINGERING).items():
            sums[direction, state] += value
        return sums

    def test_thresholds_are_told_and_follow_a_reload(self):
        exporter = self.start_exporter()
        defaults = (10, 5, 10, 90, 10, 60, 10)
        for seconds, config in (
            (dict(zip(PASSING, defaults)), FAST),
            ({**dict(zip(PASSING, defaults)), "syn_recv": 0.25}, with_lifetimes(syn_recv="250ms")),
            (dict.fromkeys(PASSING, 86400), with_thresholds("1d")),
        ):
            exporter.reload(config)
            expected = {(state,): value for state, value in seconds.items()}
            exporter.scrape_when(
                lambda scrape, told=expected: scrape.family(THRESHOLD) == told, "the thresholds"
            )


class OrphanedFinWait2(EndToEndTest):
    def expect_orphans_among_half_closed(self):
        for direction, port in zip(DIRECTIONS, (8080, 8081)):
            service = self.start_service(port)
            for _ in range(3):
                service.fin_wait2(direction)
            service.fin_wait2_orphan(direction)
            close_into("fin_wait2", service.established(direction))
        scrape = self.start_exporter().fresh_scrape()
        for direction, port in zip(DIRECTIONS, (8080, 8081)):
            self.assertEqual(scrape.sockets(port, direction)["fin_wait2"], 5)
            self.assertEqual(scrape.value(ORPHANED, **place(port, direction)), 2)

    def test_those_the_application_has_closed_are_told_from_half_closed_ones(self):
        self.expect_orphans_among_half_closed()

    def test_those_with_a_timeout_beyond_that_of_time_wait_are_told_as_well(self):
        set_sysctl("ipv4/tcp_fin_timeout", "120")  # the kernel keeps them as full sockets first
        self.expect_orphans_among_half_closed()


if __name__ == "__main__":
    unittest.main()
