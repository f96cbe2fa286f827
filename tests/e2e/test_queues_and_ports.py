# SPDX-License-Identifier: Apache-2.0
"""What runs out: room in accept queues, and ephemeral ports."""

import re
import socket
import subprocess
import unittest

from support.case import EndToEndTest
from support.connection_states import (
    accept_queue_of,
    connect,
    listen,
    port_of,
    set_sysctl,
    start_connecting,
)
from support.exporter import FAST
from support.kernel_counters import listen_drops
from support.network import kernel_sockets
from support.polling import wait_until

QUEUE = "sockdiag_tcp_accept_queue_sockets"
LIMIT = "sockdiag_tcp_accept_queue_limit_sockets"
PEAK = "sockdiag_tcp_accept_queue_peak_sockets"
DROPS = "sockdiag_tcp_listener_drops_total"

PORT = 8080


def with_listeners(peak_window, sampling="100ms"):
    return (
        f"sampling: {{interval: {sampling}, cpu_budget: 1}}\n"
        f"listeners: {{interval: 100ms, peak_window: {peak_window}}}\n"
    )


class ListenerTest(EndToEndTest):
    def listen(self, port=PORT, **options):
        listener = listen(port, **options)
        self.addCleanup(listener.close)
        return listener

    def accept(self, listener, count):
        for _ in range(count):
            listener.accept()[0].close()

    def connect(self, count):
        for _ in range(count):
            self.addCleanup(connect("127.0.0.1", PORT).close)

    def expect(self, exporter, name, value, port=PORT):
        return self.expect_series(exporter, name, value, port=str(port))


class AcceptQueuePeak(ListenerTest):
    def test_a_queue_drained_between_two_scrapes_leaves_its_peak(self):
        listener = self.listen()
        exporter = self.start_exporter(config=with_listeners("1h"))
        self.connect(20)
        self.expect(exporter, PEAK, 20)
        self.accept(listener, 20)
        exporter.fresh_scrape("listeners")
        scrape = exporter.fresh_scrape()
        self.assertEqual(scrape.value(QUEUE, port=str(PORT)), 0)
        self.assertEqual(scrape.value(PEAK, port=str(PORT)), 20)

    def test_the_peak_falls_to_what_is_left_when_the_window_has_passed(self):
        listener = self.listen()
        exporter = self.start_exporter(config=with_listeners("1s"))
        self.connect(20)
        self.expect(exporter, PEAK, 20)
        self.accept(listener, 17)
        self.expect(exporter, PEAK, 3)
        self.accept(listener, 3)
        self.expect(exporter, PEAK, 0)

    def test_the_window_follows_a_reload(self):
        listener = self.listen()
        exporter = self.start_exporter(config=with_listeners("1h"))
        self.connect(20)
        self.expect(exporter, PEAK, 20)
        self.accept(listener, 20)
        exporter.reload(with_listeners("1s"))
        self.expect(exporter, PEAK, 0)

    def test_it_is_seen_though_the_next_dump_is_an_hour_away(self):
        listener = self.listen()
        exporter = self.start_exporter(config=with_listeners("1h", sampling="1h"))
        stamp = exporter.scrape().source("sockdiag_sample_timestamp_seconds")
        self.connect(20)
        scrape = self.expect(exporter, PEAK, 20)
        self.assertEqual(scrape.source("sockdiag_sample_timestamp_seconds"), stamp)
        self.accept(listener, 20)

    def test_a_full_queue_holds_one_more_than_its_limit(self):
        self.listen(backlog=4)
        exporter = self.start_exporter(config=with_listeners("1h"))
        for _ in range(10):
            self.addCleanup(start_connecting("127.0.0.1", PORT).close)
        scrape = self.expect(exporter, PEAK, 5)
        self.assertEqual(scrape.value(LIMIT, port=str(PORT)), 4)


class DropsTest(ListenerTest):
    BACKLOG = 2

    def setUp(self):
        super().setUp()
        self.listener = self.listen(backlog=self.BACKLOG)
        self.start_counting()

    def start_counting(self):
        self.before = listen_drops()
        self.exporter = self.start_exporter(config=with_listeners("1m"))
        self.exporter.fresh_scrape("listeners")
        self.seen = [0.0]

    def drops(self):
        """What the kernel has dropped since the exporter started."""
        return listen_drops() - self.before

    def overflow(self, count=10, port=PORT):
        """Drops at least so many SYNs, and stops there."""
        target = listen_drops() + count
        clients = [
            start_connecting("127.0.0.1", port) for _ in range(count + 2 * (self.BACKLOG + 1))
        ]
        wait_until(lambda: listen_drops() >= target, "dropped SYNs")
        for client in clients:
            client.close()

    def expect_all_drops(self):
        """Scrapes until they are what the kernel counts; none on the way may be fewer."""
        self.exporter.scrape_when(
            lambda scrape: self.note(scrape) == self.drops(), f"the drops, after {self.seen}"
        )
        self.assertEqual(self.seen, sorted(self.seen))

    def note(self, scrape):
        self.seen.append(scrape.value(DROPS, port=str(PORT)))
        return self.seen[-1]


class ListenerDrops(DropsTest):
    def test_they_are_those_of_the_kernel(self):
        self.listen(8081)
        self.overflow()
        self.expect_all_drops()
        self.expect(self.exporter, DROPS, 0, port=8081)

    def test_those_from_before_the_exporter_started_do_not_count(self):
        self.overflow()
        self.start_counting()
        self.expect(self.exporter, DROPS, 0)
        self.overflow()
        self.expect_all_drops()

    def test_they_never_fall_when_the_listener_is_closed_and_opened_anew(self):
        for _ in range(3):
            self.overflow()
            self.expect_all_drops()
            self.listener.close()
            self.exporter.fresh_scrape("listeners")
            self.expect_all_drops()
            self.listener = self.listen(backlog=self.BACKLOG)
        self.exporter.fresh_scrape("listeners")
        self.expect_all_drops()
        self.assertGreaterEqual(self.seen[-1], 30)

    def test_a_listener_replaced_between_two_polls_counts_from_its_beginning(self):
        self.overflow()
        self.expect_all_drops()
        self.listener.close()
        self.listener = self.listen(backlog=self.BACKLOG)
        self.overflow()
        self.expect_all_drops()

    def test_a_long_interval_between_polls_loses_none(self):
        self.exporter.reload(FAST + "listeners: {interval: 1m, peak_window: 1h}\n")
        self.overflow()
        self.exporter.reload(with_listeners("1m"))
        self.expect_all_drops()

    def test_a_port_not_seen_before_has_those_from_before_its_first_dump(self):
        self.listener.close()
        self.exporter.reload(with_listeners("1m", sampling="2s"))
        self.exporter.fresh_scrape()
        self.listener = self.listen(8082, backlog=self.BACKLOG)
        self.overflow(port=8082)
        self.exporter.fresh_scrape("listeners")
        self.exporter.fresh_scrape()
        self.expect(self.exporter, DROPS, self.drops(), port=8082)

    def test_a_group_that_shares_the_port_is_added_up(self):
        self.listener.close()
        group = [self.listen(backlog=self.BACKLOG, reuse_port=True) for _ in range(2)]
        clients = [start_connecting("127.0.0.1", PORT) for _ in range(60)]
        full = self.BACKLOG + 1
        wait_until(lambda: all(accept_queue_of(each) == full for each in group), "full queues")
        for client in clients[40:]:
            client.close()
        scrape = self.expect(self.exporter, QUEUE, 2 * full)
        self.assertEqual(scrape.value(LIMIT, port=str(PORT)), 2 * self.BACKLOG)
        self.expect(self.exporter, PEAK, 2 * full)
        for client in clients:
            client.close()
        self.expect_all_drops()
        group[0].close()
        self.exporter.fresh_scrape("listeners")
        self.expect_all_drops()


class DropsThatAreNone(DropsTest):
    """A listener with TCP_DEFER_ACCEPT counts each connection that it has answered as a drop."""

    DEFERRING = 8081

    def setUp(self):
        super().setUp()
        self.deferring = self.listen(self.DEFERRING)
        self.deferring.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 30)
        self.exporter.fresh_scrape()
        self.exporter.fresh_scrape("listeners")

    def answer(self, count):
        for _ in range(count):
            with connect("127.0.0.1", self.DEFERRING) as client:
                client.sendall(b"a request")
                self.deferring.accept()[0].close()

    def own_counter(self):
        """Of the deferring socket, as ss shows it."""
        command = ["ss", "-Htnlm", f"sport = :{self.DEFERRING}"]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return int(re.search(r"skmem:\(.*,d(\d+)\)", text)[1])

    def test_a_port_that_defers_has_none(self):
        self.answer(100)
        self.exporter.fresh_scrape("listeners")
        self.expect(self.exporter, DROPS, 0, port=self.DEFERRING)
        self.assertEqual(self.own_counter(), 100)
        self.assertEqual(self.drops(), 0)

    def test_the_port_with_a_full_queue_beside_it_has_all(self):
        for _ in range(3):
            self.answer(20)
            self.overflow()
            self.answer(20)
            self.expect_all_drops()
        self.expect(self.exporter, DROPS, 0, port=self.DEFERRING)
        self.assertEqual(self.own_counter(), 120)


class EphemeralPorts(EndToEndTest):
    PORTS = "sockdiag_tcp_ephemeral_ports"
    USED = "sockdiag_tcp_ephemeral_ports_used"
    NAMED = "sockdiag_tcp_destination_ephemeral_ports_used"
    RANGE = range(40010, 40200)

    def setUp(self):
        super().setUp()
        set_sysctl("ipv4/ip_local_port_range", f"40000 {self.RANGE[-1]}")
        set_sysctl("ipv4/ip_local_reserved_ports", f"1000,40000-{self.RANGE[0] - 1},50000")
        set_sysctl("ipv4/tcp_tw_reuse", "0")

    def in_use(self, port):
        """How many ephemeral ports connections to a port have, counted from /proc."""
        rows = kernel_sockets()
        return len({row.local_port for row in rows if row.remote_port == port} & set(self.RANGE))

    def expect_ranks(self, scrape, *values):
        expected = {(str(rank),): value for rank, value in enumerate(values, start=1)}
        self.assertEqual(scrape.family(self.USED), expected)

    def use_most_ports(self):
        service = self.start_service(8080)
        for name, count in {"established": 140, "time_wait": 21, "close_wait": 10}.items():
            for _ in range(count):
                getattr(service, name)("outbound")
        for port, address, count in ((8081, "127.0.0.2", 30), (8082, "::1", 10)):
            self.use(port, address, count)

    def use(self, port, address, count, local=None):
        service = self.start_service(port, address)
        for _ in range(count):
            service.established("outbound", local)
        return service

    def test_the_busiest_destinations_are_ranked_without_names(self):
        self.use_most_ports()
        self.assertEqual(self.in_use(8080), 171)  # of 190: 90 %
        scrape = self.once()
        self.assertEqual(scrape.value(self.PORTS), 190)
        self.expect_ranks(scrape, self.in_use(8080), 30, 10, 0, 0)
        self.assertEqual(scrape.family(self.NAMED), {})

    def test_names_are_exported_on_request(self):
        self.use_most_ports()
        scrape = self.once("ephemeral_ports: {export_addresses: true, busiest: 3}\n")
        self.expect_ranks(scrape, 171, 30, 10)
        named = {("127.0.0.1:8080",): 171, ("127.0.0.2:8081",): 30, ("[::1]:8082",): 10}
        self.assertEqual(scrape.family(self.NAMED), named)

    def test_each_source_address_has_all_the_ports(self):
        service = self.use(8080, "127.0.0.1", 20)
        for _ in range(15):
            service.established("outbound", ("127.0.0.7", 0))
        scrape = self.once("ephemeral_ports: {export_addresses: true}\n")
        self.expect_ranks(scrape, 20, 15, 0, 0, 0)
        self.assertEqual(scrape.value(self.NAMED, destination="127.0.0.1:8080"), 20)

    def test_an_ipv4_mapped_destination_is_the_ipv4_one(self):
        self.use(8080, "127.0.0.1", 10)
        for _ in range(5):
            self.addCleanup(connect("::ffff:127.0.0.1", 8080).close)
        self.assertEqual(self.in_use(8080), 15)
        scrape = self.once("ephemeral_ports: {export_addresses: true}\n")
        self.expect_ranks(scrape, 15, 0, 0, 0, 0)
        self.assertEqual(scrape.family(self.NAMED), {("127.0.0.1:8080",): 15})

    def test_connections_to_a_listener_in_the_range_use_no_port_at_its_end(self):
        self.use(40100, "127.0.0.1", 12)
        self.expect_ranks(self.once(), 12, 0, 0, 0, 0)

    def test_ports_outside_the_range_are_not_counted(self):
        service = self.use(8080, "127.0.0.1", 3)
        for local in (30000, 39999, 40000, 40009, 40200, 50000):
            ends = service.established("outbound", ("127.0.0.1", local))
            self.assertEqual(port_of(ends.here), local)
        self.expect_ranks(self.once(), 3, 0, 0, 0, 0)

    def test_the_number_of_ranks_and_the_names_follow_a_reload(self):
        self.use(8080, "127.0.0.1", 1)
        exporter = self.start_exporter(listen="127.0.0.1:9200")
        for config, ranks, is_named in (
            ("ephemeral_ports: {busiest: 2, export_addresses: true}\n", 2, True),
            ("ephemeral_ports: {busiest: 100}\n", 100, False),
            ("", 5, False),
        ):
            exporter.reload(FAST + config)
            scrape = exporter.fresh_scrape()
            self.assertEqual(len(scrape.family(self.USED)), ranks)
            self.assertEqual(bool(scrape.family(self.NAMED)), is_named)


if __name__ == "__main__":
    unittest.main()
