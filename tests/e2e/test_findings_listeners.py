# SPDX-License-Identifier: Apache-2.0
"""Listeners that do not keep up, or are gone: full accept queues, bursts and lost listeners are
told from each other and from queues that are only well used."""

import threading
import unittest

from support.connection_states import accept_queue_of, listen, start_connecting
from support.findings import IMPATIENT, FindingsTest, inbound
from support.kernel_counters import listen_drops
from support.parallel import side_by_side
from support.peer import HERE
from support.polling import wait_until

DROPS = "sockdiag_tcp_listener_drops_total"
PEAK = "sockdiag_tcp_accept_queue_peak_sockets"
SOCKETS = "sockdiag_tcp_sockets"
PORT, BACKLOG = 8080, 16
FULL = BACKLOG + 1  # the kernel lets in one more


class ListenerTest(FindingsTest):
    def clients(self, count, port=PORT):
        """Over there, none of which waits to be connected."""
        with self.peer.entered():
            made = [start_connecting(HERE, port) for _ in range(count)]
        for client in made:
            self.addCleanup(client.close)
        return made

    def wait_for_queue(self, service, length):
        wait_until(lambda: accept_queue_of(service.listener) == length, f"a queue of {length}")

    def accept(self, service, count):
        for _ in range(count):
            service.listener.accept()[0].close()


class FullAcceptQueue(ListenerTest):
    def test_it_is_critical_while_clients_are_turned_away_and_ends_once_accepted(self):
        """Nobody calls accept(), so that the CPU is idle all the while."""
        service = self.service_here(PORT, BACKLOG)
        self.watch()
        clients = self.clients(FULL + 20)
        self.wait_for_queue(service, FULL)
        self.expect(inbound("acceptq_full", "critical", PORT))
        for client in clients[FULL:]:  # those that are still waiting to get in
            client.close()
        self.accept(service, FULL)
        self.expect()
        self.expect_nothing()

    def test_the_queue_of_another_port_is_not_full(self):
        full, other = self.service_here(PORT, BACKLOG), self.service_here(8081, BACKLOG)
        self.watch()
        self.clients(FULL + 5)
        self.clients(BACKLOG // 2 - 1, 8081)
        self.wait_for_queue(full, FULL)
        self.wait_for_queue(other, BACKLOG // 2 - 1)
        self.expect(inbound("acceptq_full", "critical", PORT))

    def test_a_queue_that_is_well_used_is_not_full(self):
        service = self.service_here(PORT, BACKLOG)
        self.watch()
        self.clients(13)  # 0.81
        self.wait_for_queue(service, 13)
        self.expect_nothing()

    def test_a_stuck_worker_of_several_that_share_the_port(self):
        """With SO_REUSEPORT each has a queue of its own; the kernel goes on filling that of the one
        that no longer accepts."""
        self.watch()
        stuck, working = (listen(PORT, HERE, BACKLOG, reuse_port=True) for _ in range(2))
        self.addCleanup(stuck.close)
        accepting = threading.Thread(target=accept_until_closed, args=(working,))
        accepting.start()
        self.addCleanup(accepting.join)
        self.addCleanup(lambda: working.shutdown(2))
        self.clients(6 * FULL)
        wait_until(lambda: accept_queue_of(stuck) == FULL, "a full queue")
        self.expect(inbound("acceptq_full", "critical", PORT))


def accept_until_closed(listener):
    held = []
    try:
        while True:
            held.append(listener.accept()[0])
    except OSError:
        for each in [listener, *held]:
            each.close()


class Bursts(ListenerTest):
    # Long enough for the rules to see how fast drops come, and to end within the test.
    SETTINGS = IMPATIENT.replace("peak_window: 4s", "peak_window: 15s")

    def burst(self, service, count):
        """One that the listener works off as soon as a poll has seen it."""
        clients = self.clients(count)
        self.wait_for_queue(service, min(count, FULL))
        self.wait_for(
            lambda scrape: scrape.get(PEAK, port=str(PORT)) == min(count, FULL), "the peak"
        )
        for client in clients[FULL:]:
            client.close()
        self.accept(service, min(count, FULL))

    def test_one_that_just_fills_the_queue_is_for_information(self):
        service = self.service_here(PORT, BACKLOG)
        self.watch()
        self.burst(service, FULL)
        self.expect(inbound("acceptq_bursts", "info", PORT))
        self.expect()
        self.expect_nothing()

    def test_a_smaller_one_is_nothing(self):
        service = self.service_here(PORT, BACKLOG)
        self.watch()
        self.burst(service, BACKLOG)
        self.expect_nothing()

    def test_one_that_is_turned_away_in_part_is_a_warning(self):
        service = self.service_here(PORT, BACKLOG)
        self.watch()
        self.burst(service, FULL + 20)
        self.assertGreater(listen_drops(), 0)
        self.expect(inbound("acceptq_bursts", "warning", PORT))
        self.expect()


class LostListener(ListenerTest):
    SETTINGS = IMPATIENT + "ports: {inbound: [8080, 8081]}\n"

    def test_it_is_critical_where_the_port_is_configured_and_ends_with_a_new_one(self):
        """Which port of the others has lost its listener takes minutes to know."""
        services = [self.service_here(port) for port in (PORT, 8082)]
        self.service_here(8081)
        self.watch()
        self.expect_nothing(seconds=10)
        for each in services:
            each.listener.close()
        self.expect(inbound("listener_lost", "critical", PORT))
        self.service_here(PORT)
        self.expect()

    def test_connections_that_outlive_their_listener_do_not_hide_it(self):
        service = self.service_here(PORT)
        self.watch()
        with self.peer.entered():
            service.connect(5)
        self.wait_for(
            lambda scrape: scrape.sockets(PORT).get("established") == 5, "the connections"
        )
        service.listener.close()
        self.expect(inbound("listener_lost", "critical", PORT))

    def test_a_listener_that_is_replaced_is_not_lost(self):
        service = self.service_here(PORT)
        self.watch()
        for _ in range(5):
            service.listener.close()
            service = self.service_here(PORT)
            self.expect_to_stay(seconds=3)
        self.expect_nothing()


load_tests = side_by_side

if __name__ == "__main__":
    unittest.main()
