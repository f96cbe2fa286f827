# SPDX-License-Identifier: Apache-2.0
"""Connections that the other end has closed: each cause is found by its own name, on its own port,
and what is too few, too young or still being served is not found."""

import socket
import unittest

from support.connection_states import connect, wait_for_state
from support.findings import FindingsTest, inbound, outbound
from support.parallel import side_by_side
from support.peer import HERE

LINGERING = "sockdiag_tcp_lingering_sockets"
CLOSE_WAIT = "sockdiag_tcp_close_wait_sockets"

# What the other end sent before it closed: a request, or as much as a close_notify of TLS 1.3.
SENT = {"unread_data": b"a request", "unread_goodbye": bytes(24)}

# From so many on a finding holds (findings.close_wait_inbound and close_wait_outbound).
INBOUND, OUTBOUND = 20, 50


def end_by(cause, connections):
    """The other end of each ends its sending, in the way that leaves the cause at this end."""
    for ends in connections:
        ends.there.sendall(SENT.get(cause, b""))
        ends.there.shutdown(socket.SHUT_WR)
    for ends in connections:
        wait_for_state(ends.here, "close_wait")
        if cause == "not_closed":
            ends.here.recv(1)


def close(connections):
    for ends in connections:
        ends.here.close()
        ends.there.close()


class CloseWaitTest(FindingsTest):
    def left_inbound(self, cause, port, count):
        service = self.service_here(port)
        with self.peer.entered():
            connections = [service.established() for _ in range(count)]
        end_by(cause, connections)
        return connections

    def left_outbound(self, cause, port, count):
        service = self.service_there(port)
        connections = [service.established("outbound") for _ in range(count)]
        end_by(cause, connections)
        return connections

    def wait_for_lingering(self, counts, direction="inbound"):
        """{port: how many} have been in CLOSE_WAIT for so long that the rules look at them."""
        labels = {"direction": direction, "state": "close_wait"}
        self.wait_for(
            lambda scrape: all(
                scrape.get(LINGERING, port=str(port), **labels) == count
                for port, count in counts.items()
            ),
            f"lingering {counts}",
        )


class InboundCloseWait(CloseWaitTest):
    def left_by_each_cause(self, count):
        """On ports in the order of the causes. The clients of the last one were not accepted."""
        causes = ("not_closed", "unread_data", "unread_eof", "unread_goodbye")
        self.made = []
        for port, cause in enumerate(causes, start=8080):
            self.made += self.left_inbound(cause, port, count)
        self.behind = self.service_here(8084)
        with self.peer.entered():
            clients = [connect(HERE, 8084) for _ in range(count)]
        for client in clients:
            self.addCleanup(client.close)
            client.shutdown(socket.SHUT_WR)

    def test_each_cause_is_found_by_its_name_for_as_long_as_it_lasts(self):
        self.watch()
        self.left_by_each_cause(INBOUND)
        self.expect(
            inbound("cw_in_not_closed", "warning", 8080),
            *(inbound("cw_in_unread", "warning", port) for port in (8081, 8082, 8083)),
            inbound("cw_in_not_accepted", "warning", 8084),
        )
        close(self.made)
        self.expect(inbound("cw_in_not_accepted", "warning", 8084))
        self.behind.close()
        self.expect()
        self.expect_nothing()

    def test_one_fewer_of_each_is_not_found(self):
        self.watch()
        self.left_by_each_cause(INBOUND - 1)
        self.wait_for_lingering(dict.fromkeys(range(8080, 8085), INBOUND - 1))
        self.expect_nothing()

    def test_two_causes_that_are_too_few_each_are_not_found_together(self):
        self.watch()
        self.left_inbound("not_closed", 8080, INBOUND - 1)
        service = self.service_here(8081)
        with self.peer.entered():
            connections = [service.established() for _ in range(2 * INBOUND - 2)]
        end_by("unread_eof", connections[: INBOUND - 1])
        end_by("not_closed", connections[INBOUND - 1 :])
        self.wait_for_lingering({8081: 2 * INBOUND - 2})
        self.expect_nothing()

    def test_clients_that_have_only_just_left_are_not_found(self):
        self.watch(self.SETTINGS.replace("close_wait: 1s", "close_wait: 1h"))
        self.left_inbound("not_closed", 8080, 3 * INBOUND)
        self.expect_nothing()

    def test_a_client_that_comes_and_goes_on_the_port_of_a_leak_changes_nothing(self):
        self.watch()
        leaked = self.left_inbound("not_closed", 8080, INBOUND + 5)
        self.expect(inbound("cw_in_not_closed", "warning", 8080))
        close(leaked[:10])
        self.expect()

    def half_closed_clients(self):
        """As `nc -N`, tunnels and long polling have them: each still gets data."""
        self.served = self.left_inbound("not_closed", 8080, INBOUND + 5)
        self.repeat(self.serve, 0.05)

    def test_half_closed_clients_that_are_being_served_are_no_leak(self):
        self.watch(self.SETTINGS.replace("close_wait: 1s", "close_wait: 1m"))
        self.half_closed_clients()
        self.expect_nothing()

    def test_nor_are_they_after_a_long_time(self):
        """Their peers acknowledge what they are sent."""
        self.watch()
        self.half_closed_clients()
        self.wait_for_lingering({8080: INBOUND + 5})
        self.expect_nothing()

    def serve(self):
        for ends in self.served:
            ends.here.send(b"more of the answer")
            ends.there.recv(4096, socket.MSG_DONTWAIT | socket.MSG_TRUNC)


class OutboundCloseWait(CloseWaitTest):
    def left_by_each_cause(self, count):
        causes = ("unread_eof", "unread_goodbye", "not_closed", "unread_data")
        return [
            self.left_outbound(cause, port, count) for port, cause in enumerate(causes, start=3000)
        ]

    def test_a_stale_pool_and_a_leak_are_two_findings(self):
        self.watch()
        made = self.left_by_each_cause(OUTBOUND)
        stale = [outbound("cw_out_unread_eof", "info", port) for port in (3000, 3001)]
        leaks = [outbound("cw_out_leak", "warning", port) for port in (3002, 3003)]
        self.expect(*stale, *leaks)
        for connections in made[2:]:
            close(connections)
        self.expect(*stale)
        for connections in made[:2]:
            close(connections)
        self.expect()
        self.expect_nothing()

    def test_one_fewer_of_each_is_not_found(self):
        self.watch()
        self.left_by_each_cause(OUTBOUND - 1)
        self.wait_for_lingering(dict.fromkeys(range(3000, 3004), OUTBOUND - 1), "outbound")
        self.expect_nothing()


load_tests = side_by_side

if __name__ == "__main__":
    unittest.main()
