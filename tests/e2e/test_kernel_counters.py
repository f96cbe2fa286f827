# SPDX-License-Identifier: Apache-2.0
"""What the kernel counts, SYN floods above all, and how the sources that read it fare."""

import os
import socket
import unittest

from support.case import EndToEndTest
from support.connection_states import connect, listen, set_sysctl, start_connecting
from support.exporter import FAST
from support.fault import NetlinkFault
from support.kernel_counters import listen_drops, read_counters, read_sockstat
from support.lifetimes import DIRECTIONS, oldest
from support.network import kernel_counts
from support.packets import (
    NOWHERE_IPV4,
    NOWHERE_IPV6,
    clients_in,
    send_stray_acks,
    send_syns,
    swallow_packets_to_nowhere,
)
from support.polling import wait_until

# metric, without prefix -> its name in /proc/net/netstat or snmp
COUNTERS = {
    "listen_overflows_total": "ListenOverflows",
    "listen_drops_total": "ListenDrops",
    "request_queue_full_drops_total": "TCPReqQFullDrop",
    "request_queue_full_cookies_total": "TCPReqQFullDoCookies",
    "syncookies_sent_total": "SyncookiesSent",
    "syncookies_failed_total": "SyncookiesFailed",
    "time_wait_overflows_total": "TCPTimeWaitOverflow",
    "abort_on_memory_total": "TCPAbortOnMemory",
    "syn_retransmits_total": "TCPSynRetrans",
    "active_opens_total": "ActiveOpens",
    "passive_opens_total": "PassiveOpens",
    "attempt_failures_total": "AttemptFails",
    "embryonic_resets_total": "EmbryonicRsts",
    "established_resets_total": "EstabResets",
}
UNPROVOKED = {"TCPAbortOnMemory"}  # its limits are the host's
LIMITS_OF_THE_HOST = ("sockdiag_tcp_orphans_limit", "sockdiag_tcp_memory_limit_bytes")
TIME_WAIT_LIMIT = "sockdiag_tcp_time_wait_limit_sockets"
UNACCOUNTED = "sockdiag_tcp_unaccounted_sockets"
RETRANSMITTING = "sockdiag_tcp_syn_recv_retransmitting_sockets"
PREFIXES = "sockdiag_tcp_syn_recv_prefixes"
LISTENER_DROPS = "sockdiag_tcp_listener_drops_total"

PORT = 8080


def counter(scrape, name):
    return scrape.value(f"sockdiag_tcp_{name}")


class NowhereTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        swallow_packets_to_nowhere()

    def listen(self, port=PORT, **options):
        listener = listen(port, **options)
        self.addCleanup(listener.close)
        return listener

    def start_connecting(self, address, port):
        self.addCleanup(start_connecting(address, port).close)


class KernelCounters(NowhereTest):
    def provoke_all(self):
        set_sysctl("ipv4/tcp_max_tw_buckets", "3")
        service = self.start_service(8000)
        for _ in range(3):
            service.time_wait()
        for end in service.established():  # the one closed first would have to wait
            end.close()
        set_sysctl("ipv4/tcp_max_tw_buckets", "1000")
        service.established().reset()
        self.start_connecting("127.0.0.1", 7999)  # is refused
        send_syns(["127.0.0.1"], "127.0.0.1", 8000)  # nobody asked: the SYN-ACK is reset
        self.listen(8001, backlog=0)
        for _ in range(5):
            self.start_connecting("127.0.0.1", 8001)
        for port, cookies in ((8002, "1"), (8003, "0")):
            set_sysctl("ipv4/tcp_syncookies", cookies)
            self.listen(port, backlog=16)
            send_syns(clients_in(NOWHERE_IPV4, 24, 1, 50), "127.0.0.1", port)
        set_sysctl("ipv4/tcp_syncookies", "1")
        send_stray_acks("198.18.9.9", range(3000, 3007), "127.0.0.1", 8002)
        provoked = set(COUNTERS.values()) - UNPROVOKED
        wait_until(
            lambda: provoked <= {name for name, value in read_counters().items() if value},
            f"each of {provoked} to be above 0",
        )

    def test_each_is_what_proc_says_at_the_time(self):
        self.provoke_all()
        exporter = self.start_exporter()
        for _ in range(3):
            before = read_counters()
            scrape = exporter.fresh_scrape("kernel")
            after = read_counters()
            for metric, name in COUNTERS.items():
                with self.subTest(metric):
                    self.assertGreaterEqual(counter(scrape, metric), before[name])
                    self.assertLessEqual(counter(scrape, metric), after[name])

    def test_gauges_are_what_proc_says_when_nothing_moves(self):
        exporter = self.start_exporter()
        for direction in DIRECTIONS:
            self.start_service(8080 if direction == "inbound" else 8081).last_ack(direction)
        page = os.sysconf("SC_PAGE_SIZE")

        def published():
            scrape = exporter.fresh_scrape("kernel")
            names = ("orphans", "memory_bytes", "allocated_sockets")
            return [counter(scrape, name) for name in names]

        def is_right():
            told = read_sockstat()
            return published() == [told["orphan"], told["mem"] * page, told["alloc"]]

        self.assertGreaterEqual(read_sockstat()["orphan"], 2)
        wait_until(is_right, "the gauges of sockstat")

    def test_the_limit_of_time_wait_follows_the_kernel(self):
        exporter = self.start_exporter()
        for limit in (131072, 77):
            set_sysctl("ipv4/tcp_max_tw_buckets", str(limit))
            self.assertEqual(exporter.fresh_scrape("kernel").value(TIME_WAIT_LIMIT), limit)

    def test_limits_of_the_host_are_absent_in_a_namespace(self):
        scrape = self.start_exporter().fresh_scrape("kernel")
        for name in LIMITS_OF_THE_HOST:
            self.assertEqual(scrape.family(name), {}, name)

    def test_sockstat_and_the_dump_agree_at_rest(self):
        for port, address in ((8080, "127.0.0.1"), (8090, "::1")):
            service = self.start_service(port, address)
            for direction in DIRECTIONS:
                for make in (
                    service.established,
                    service.time_wait,
                    service.fin_wait1,
                    service.fin_wait2,
                    service.fin_wait2_orphan,
                    service.closing,
                    service.not_closed,
                    service.last_ack,
                ):
                    make(direction)
            service.not_accepted()
        self.start_connecting("198.18.0.1", 8000)
        send_syns(clients_in(NOWHERE_IPV4, 24, 1, 5), "127.0.0.1", 8080)
        for _ in range(3):
            self.assertEqual(self.once().value(UNACCOUNTED), 0)


class SynFlood(NowhereTest):
    CLIENTS = 300

    def flood(self, prefixes=6):
        """Sends so many SYNs and waits until each is half open, answered by a cookie or dropped."""
        clients = clients_in(NOWHERE_IPV4, 24, prefixes, self.CLIENTS // prefixes)
        send_syns(clients, "127.0.0.1", PORT)
        wait_until(
            lambda: self.half_open() + read_counters()["SyncookiesSent"] + listen_drops()
            == self.CLIENTS,
            "the kernel to have seen every SYN",
        )

    def half_open(self):
        return kernel_counts(PORT)["inbound", "syn_recv"]

    def expect(self, exporter, name, value):
        return self.expect_series(exporter, name, value, port=str(PORT))

    def test_cookies_tell_what_syn_recv_does_not(self):
        set_sysctl("ipv4/tcp_syncookies", "1")
        self.listen(backlog=16)
        exporter = self.start_exporter()
        self.flood()
        kernel = read_counters()
        exporter.fresh_scrape("kernel")
        scrape = exporter.fresh_scrape()
        half_open = self.half_open()
        self.assertEqual(scrape.sockets(PORT)["syn_recv"], half_open)
        for metric in ("syncookies_sent_total", "request_queue_full_cookies_total"):
            self.assertEqual(counter(scrape, metric), kernel[COUNTERS[metric]], metric)
            self.assertEqual(counter(scrape, metric) + half_open, self.CLIENTS)
        self.assertEqual(scrape.value(LISTENER_DROPS, port=str(PORT)), 0)

    def test_without_cookies_the_listener_drops_the_rest(self):
        set_sysctl("ipv4/tcp_syncookies", "0")
        self.listen(backlog=16)
        exporter = self.start_exporter()
        self.flood()
        half_open = self.half_open()
        self.expect(exporter, LISTENER_DROPS, self.CLIENTS - half_open)
        scrape = exporter.fresh_scrape("kernel")
        dropped = counter(scrape, "request_queue_full_drops_total")
        self.assertEqual(dropped, self.CLIENTS - half_open)

    def test_clients_that_never_answer_come_from_that_many_prefixes(self):
        set_sysctl("ipv4/tcp_syncookies", "0")
        for address in ("127.0.0.1", "::1"):
            self.listen(address=address)
        self.flood()
        send_syns(clients_in(NOWHERE_IPV6, 64, 3, 10), "::1", PORT)
        exporter = self.start_exporter()
        scrape = self.expect(exporter, RETRANSMITTING, self.CLIENTS + 30)
        self.assertEqual(scrape.value(PREFIXES, port=str(PORT)), 6 + 3)
        self.assertEqual(scrape.sockets(PORT)["syn_recv"], self.CLIENTS + 30)

    def test_the_clients_behind_one_lossy_path_are_one_prefix(self):
        self.listen()
        send_syns(clients_in(NOWHERE_IPV4, 24, 1, 50), "127.0.0.1", PORT)
        scrape = self.expect(self.start_exporter(), RETRANSMITTING, 50)
        self.assertEqual(scrape.value(PREFIXES, port=str(PORT)), 1)

    def test_ipv4_clients_of_a_dual_stack_listener_are_ipv4(self):
        self.listen(address="::")
        self.flood(prefixes=3)
        scrape = self.expect(self.start_exporter(), RETRANSMITTING, self.CLIENTS)
        self.assertEqual(scrape.value(PREFIXES, port=str(PORT)), 3)

    def test_a_client_that_has_answered_is_not_asked_again(self):
        listener = self.listen()
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 100)
        self.addCleanup(connect("127.0.0.1", PORT).close)
        exporter = self.start_exporter()
        scrape = exporter.scrape_when(
            lambda scrape: oldest(scrape, PORT, "syn_recv") > 1.5, "longer than the first timeout"
        )
        self.assertEqual(scrape.sockets(PORT)["syn_recv"], 1)
        self.assertEqual(scrape.value(RETRANSMITTING, port=str(PORT)), 0)
        self.assertEqual(scrape.value(PREFIXES, port=str(PORT)), 0)


class Sources(EndToEndTest):
    SOURCES = ("tcp", "listeners", "kernel")

    def test_each_tells_of_its_samples(self):
        exporter = self.start_exporter()
        for source in self.SOURCES:
            with self.subTest(source):
                scrape = exporter.fresh_scrape(source)
                self.assertEqual(scrape.source("sockdiag_sample_success", source), 1)
                self.assertEqual(scrape.source("sockdiag_sample_failures_total", source), 0)
                self.assertGreater(scrape.source("sockdiag_sample_duration_seconds", source), 0)
                self.assertGreater(scrape.source("sockdiag_sample_cpu_seconds_total", source), 0)
                self.assertGreater(scrape.source("sockdiag_sample_interval_seconds", source), 0)

    def test_the_interval_of_the_listeners_follows_a_reload(self):
        exporter = self.start_exporter()
        interval = "sockdiag_sample_interval_seconds"
        for text, seconds in (("250ms", 0.25), ("1m", 60), ("100ms", 0.1)):
            exporter.reload(FAST + f"listeners: {{interval: {text}, peak_window: 1h}}\n")
            self.expect_series(exporter, interval, seconds, source="listeners")

    def test_netlink_that_fails_costs_the_kernel_nothing(self):
        fault = NetlinkFault()
        self.addCleanup(fault.remove)
        exporter = self.launch_exporter(environment=fault.environment())
        exporter.wait_until_listening().wait_until_ready()
        with fault("ENOBUFS"):
            for source in ("tcp", "listeners"):
                self.expect_series(exporter, "sockdiag_sample_success", 0, source=source)
            scrape = exporter.fresh_scrape("kernel")
            self.assertEqual(scrape.source("sockdiag_sample_success", "kernel"), 1)
        for source in self.SOURCES:
            self.expect_series(exporter, "sockdiag_sample_success", 1, source=source)


if __name__ == "__main__":
    unittest.main()
