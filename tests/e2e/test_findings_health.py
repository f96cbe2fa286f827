# SPDX-License-Identifier: Apache-2.0
"""Hosts that are well, quiet and busy, and what is often taken for a fault: nothing that anybody
would have to act on is found of them."""

import unittest

from support.connection_states import set_sysctl
from support.findings import FindingsTest, inbound
from support.packets import NOWHERE_IPV4, clients_in, send_syns, swallow_packets_to_nowhere
from support.parallel import side_by_side
from support.peer import HERE

LINGERING = "sockdiag_tcp_lingering_sockets"
USED = "sockdiag_tcp_ephemeral_ports_used"
PORT = 8080


class HealthyHost(FindingsTest):
    def request(self, service):
        """A connection of a client that comes, asks, gets its answer and closes."""
        ends = service.established()
        ends.there.sendall(b"a request")
        ends.here.recv(100)
        ends.here.sendall(b"an answer")
        ends.there.recv(100)
        ends.there.close()
        ends.here.close()

    def lingering(self, state, count):
        labels = {"direction": "inbound", "port": str(PORT), "state": state}
        return lambda scrape: (scrape.get(LINGERING, **labels) or 0) >= count

    def test_a_quiet_one_with_the_defaults(self):
        services = [self.service_here(port) for port in (22, 80, 443)]
        self.watch("web: {request_timeout: 1m}\n")
        with self.peer.entered():
            for each in services:
                each.connect(2)
        self.expect_nothing(seconds=45)

    def test_idle_connections_are_nothing_however_many(self):
        """Such as web sockets, or pools at their server."""
        service = self.service_here(PORT)
        self.watch()
        with self.peer.entered():
            service.connect(500)
        self.wait_for(lambda scrape: scrape.sockets(PORT).get("established") == 500, "connections")
        self.expect_nothing()

    def make_busy(self):
        """Some clients a second, of which some have gone before they got their answer."""
        service = self.service_here(443)
        self.repeat(lambda: self.request(service), 0.02, there=True)

    def leave_noise(self, syns, last_acks):
        """Handshakes that nobody completes, and clients that have vanished."""
        swallow_packets_to_nowhere()
        service = self.service_here(PORT)
        with self.peer.entered():
            made = [service.close_wait_with_full_window() for _ in range(last_acks)]
        for ends in made:
            ends.here.close()
        self.wait_for(self.lingering("last_ack", last_acks), "LAST_ACKs")
        send_syns(clients_in(NOWHERE_IPV4, 24, syns, 1), HERE, PORT)
        self.wait_for(self.lingering("syn_recv", syns), "SYN_RECVs")

    def test_a_busy_one_with_the_noise_of_every_day(self):
        self.make_busy()
        self.watch()
        self.leave_noise(syns=9, last_acks=49)
        self.expect_nothing()

    def test_more_noise_is_still_none_beside_many_clients(self):
        self.make_busy()
        self.watch()
        self.leave_noise(syns=15, last_acks=60)
        self.expect_to_stay(besides=["syn_unanswered", "close_unacked"])

    def test_time_waits_that_are_used_again_leave_enough_ports(self):
        """Over loopback they are by default: half of the range stays in TIME_WAIT, not more."""
        service = self.start_service(5432)
        self.watch()
        set_sysctl("ipv4/ip_local_port_range", "40000 40099")

        def query():
            ends = service.established("outbound")
            ends.here.close()
            ends.there.close()

        self.repeat(query, 0.04)
        self.wait_for(lambda scrape: scrape.get(USED, rank="1") >= 50, "half of the ports")
        self.expect_nothing()


class SlowClients(FindingsTest):
    def test_downloads_that_the_server_has_closed_are_acknowledged(self):
        """The rest of each answer is in its send queue, and its client takes it slowly."""
        service = self.service_here(PORT)
        self.watch()
        with self.peer.entered():
            made = [service.fin_wait1() for _ in range(60)]
        for ends in made:
            ends.here.close()

        def read():
            for ends in made:
                ends.there.recv(300)

        self.repeat(read, 0.5)
        labels = {"direction": "inbound", "port": str(PORT), "state": "fin_wait1"}
        self.wait_for(lambda scrape: scrape.get(LINGERING, **labels) == 60, "FIN_WAIT1s")
        self.expect_nothing()


class Ipv6(FindingsTest):
    def test_a_leak_is_found_there_as_well(self):
        service = self.start_service(PORT, "::1")
        self.watch()
        made = service.close_waits(25)
        for ends in made:
            ends.here.recv(1)
        self.expect(inbound("cw_in_not_closed", "warning", PORT))
        for ends in made:
            ends.here.close()
        self.expect()


load_tests = side_by_side

if __name__ == "__main__":
    unittest.main()
