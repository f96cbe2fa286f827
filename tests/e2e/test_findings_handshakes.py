# SPDX-License-Identifier: Apache-2.0
"""Handshakes that are not completed: a flood, clients that are too many for the backlog, a lossy
path, probes; here and at the peers that this host calls."""

import select
import subprocess
import unittest

from support.connection_states import set_sysctl, start_connecting
from support.findings import FindingsTest, Found, inbound, outbound
from support.parallel import side_by_side
from support.kernel_counters import read_counters
from support.packets import NOWHERE_IPV4, clients_in, send_syns, swallow_packets_to_nowhere
from support.peer import HERE, THERE
from support.polling import wait_until

SOCKETS = "sockdiag_tcp_sockets"
LINGERING = "sockdiag_tcp_lingering_sockets"
COOKIES = "sockdiag_tcp_request_queue_full_cookies_total"
REFUSED = "sockdiag_tcp_attempt_failures_total"
PORT = 8080


class HandshakeTest(FindingsTest):
    def setUp(self):
        super().setUp()
        swallow_packets_to_nowhere()

    def call(self, count, port=PORT, address=HERE):
        """Clients over there that are not waited for."""
        with self.peer.entered():
            made = [start_connecting(address, port) for _ in range(count)]
        for client in made:
            self.addCleanup(client.close)
        return made

    def count_grows_by(self, name, number):
        before = read_counters()[name]
        wait_until(lambda: read_counters()[name] >= before + number, f"{number} more {name}")


class Floods(HandshakeTest):
    def setUp(self):
        super().setUp()
        self.service = self.service_here(PORT, backlog=32)
        self.forged = (str(NOWHERE_IPV4[number]) for number in range(256, 100_000))

    def flood(self):
        send_syns([next(self.forged) for _ in range(20)], HERE, PORT)

    def test_forged_syns_are_a_flood_until_they_cease(self):
        self.watch()
        flood = self.repeat(self.flood, 0.1)
        self.count_grows_by("TCPReqQFullDoCookies", 50)
        self.expect(inbound("syn_flood", "critical", PORT))
        flood.stop()
        self.expect(besides=["syn_unanswered"])  # of what it has left

    def test_without_cookies_it_is_one_as_well(self):
        set_sysctl("ipv4/tcp_syncookies", "0")
        self.watch()
        self.repeat(self.flood, 0.1)
        self.count_grows_by("TCPReqQFullDrop", 50)
        self.expect(inbound("syn_flood", "critical", PORT))

    def test_clients_that_answer_their_cookies_are_real(self):
        """Few SYNs that nobody answers fill a short queue; the others are customers."""
        service = self.service_here(8081, backlog=2)
        self.watch()
        send_syns(clients_in(NOWHERE_IPV4, 24, 3, 1), HERE, 8081)

        def customer():
            with self.peer.entered():
                clients = [start_connecting(HERE, 8081)]
            for each in clients:
                service.listener.accept()[0].close()
                each.close()

        customers = self.repeat(customer, 0.02)
        self.count_grows_by("TCPReqQFullDoCookies", 50)
        self.expect(Found("syn_backlog_short", "warning"))
        customers.stop()
        self.expect()


class LossyPath(HandshakeTest):
    def lose(self, what):
        """Over there, what goes out from now on."""
        rule = f"add rule ip loss outgoing {what} drop"
        chain = "add chain ip loss outgoing { type filter hook output priority 0; }"
        with self.peer.entered():
            for command in ("add table ip loss", chain, rule):
                subprocess.run(["nft", command], check=True)

    def find_again(self):
        with self.peer.entered():
            subprocess.run(["nft", "delete table ip loss"], check=True)

    def wait_for_lingering(self, state, count, port=PORT, direction="inbound"):
        labels = {"direction": direction, "port": str(port), "state": state}
        self.wait_for(lambda scrape: scrape.get(LINGERING, **labels) == count, f"{count} {state}")

    # The last ACK of a handshake has nothing but ACK.
    ONLY_ACKS = "tcp flags & (syn | ack | fin | rst) == ack"

    def handshakes_not_completed(self, count):
        self.service_here(PORT)
        self.watch()
        self.lose(self.ONLY_ACKS)
        self.call(count)
        self.wait_for_lingering("syn_recv", count)

    def test_many_handshakes_that_are_not_completed_are_a_warning(self):
        self.handshakes_not_completed(60)
        self.expect(inbound("syn_unanswered", "warning", PORT))
        self.find_again()
        self.expect()

    def test_some_are_for_information(self):
        self.handshakes_not_completed(12)
        self.expect(inbound("syn_unanswered", "info", PORT))
        self.find_again()
        self.expect()
        self.expect_nothing()

    def test_few_are_nothing(self):
        self.handshakes_not_completed(9)
        self.expect_nothing()

    def test_fins_that_are_not_acknowledged(self):
        closing, followed = self.service_here(PORT), self.service_here(8081)
        with self.peer.entered():
            first = [closing.established() for _ in range(60)]
            second = [followed.established() for _ in range(60)]
        self.watch()
        for ends in second:
            ends.there.shutdown(1)
        wait_until(lambda: all(is_readable(ends.here) for ends in second), "ends of streams")
        self.lose("tcp flags ack")
        for ends in first + second:
            ends.here.close()
        self.wait_for_lingering("fin_wait1", 60)
        self.wait_for_lingering("last_ack", 60, 8081)
        self.expect(
            inbound("close_unacked", "warning", PORT), inbound("close_unacked", "warning", 8081)
        )
        self.find_again()
        self.expect()

    def test_few_fins_that_are_not_acknowledged_are_nothing(self):
        service = self.service_here(PORT)
        with self.peer.entered():
            made = [service.established() for _ in range(49)]
        self.watch()
        self.lose("tcp flags ack")
        for ends in made:
            ends.here.close()
        self.wait_for_lingering("fin_wait1", 49)
        self.expect_nothing()

    def test_syns_that_peers_do_not_answer(self):
        self.watch()
        clients = [start_connecting(str(NOWHERE_IPV4[9]), 5432) for _ in range(10)]
        self.wait_for_lingering("syn_sent", 10, 5432, "outbound")
        self.expect(outbound("syn_sent_unanswered", "warning", 5432))
        for client in clients:
            client.close()
        self.expect()
        self.expect_nothing()

    def test_nine_of_them_are_nothing(self):
        self.watch()
        for _ in range(9):
            self.addCleanup(start_connecting(str(NOWHERE_IPV4[9]), 5432).close)
        self.wait_for_lingering("syn_sent", 9, 5432, "outbound")
        self.expect_nothing()


class Crawler(HandshakeTest):
    def test_dead_hosts_among_many_that_answer_are_nothing(self):
        """As crawlers and mail relays have them all day."""
        service = self.service_there(80)
        self.watch()
        for _ in range(40):
            service.established("outbound")
        self.repeat(lambda: service.established("outbound").reset(), 0.05)
        for _ in range(30):
            self.addCleanup(start_connecting(str(NOWHERE_IPV4[9]), 80).close)
        labels = {"direction": "outbound", "port": "80", "state": "syn_sent"}
        self.wait_for(lambda scrape: scrape.get(LINGERING, **labels) == 30, "30 SYN_SENT")
        self.expect_nothing()


def is_readable(connection):
    """Whether there is something to read, such as the end of the stream."""
    return bool(select.select([connection], [], [], 0)[0])


class Refusals(HandshakeTest):
    def setUp(self):
        super().setUp()
        self.service = self.service_there(3000)

    def succeed(self):
        ends = self.service.established("outbound")
        ends.reset()

    def be_refused(self):
        start_connecting(THERE, 3001).close()

    def test_connections_that_are_refused(self):
        self.watch()
        refusals = self.repeat(self.be_refused, 0.1)
        self.count_grows_by("AttemptFails", 10)
        self.expect(Found("connect_refused", "warning"))
        refusals.stop()
        self.expect()
        self.expect_nothing()

    def test_probes_of_one_dead_backend_among_many_live_ones_are_nothing(self):
        self.watch()
        self.repeat(self.succeed, 0.02)
        self.repeat(self.be_refused, 2)
        self.count_grows_by("AttemptFails", 2)
        self.expect_to_stay()

    def test_probes_that_a_load_balancer_resets_are_not_refused_by_us(self):
        """SYN, SYN-ACK, RST, as half-open health checks do: here they are failed attempts, too."""
        self.service_here(PORT)
        self.watch()
        self.repeat(lambda: send_syns([THERE], HERE, PORT), 0.1)
        self.count_grows_by("EmbryonicRsts", 10)
        self.expect_nothing()


load_tests = side_by_side

if __name__ == "__main__":
    unittest.main()
