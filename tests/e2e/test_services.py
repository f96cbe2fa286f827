# SPDX-License-Identifier: Apache-2.0
"""Which port is the service's where no listener tells, and which ports have series."""

import socket
import subprocess
import unittest

from support.case import EndToEndTest
from support.connection_states import connect, listen, set_sysctl
from support.exporter import FAST
from support.network import kernel_sockets

SOCKETS = "sockdiag_tcp_sockets"

_IP_TRANSPARENT = 19
_TPROXY_RULES = """
table ip redirected {
  chain incoming {
    type filter hook prerouting priority mangle
    tcp dport { 443, 8080 } tproxy to :15006 accept
  }
}
"""


class ServiceTest(EndToEndTest):
    def listen(self, port, **options):
        listener = listen(port, **options)
        self.addCleanup(listener.close)
        return listener

    def connect(self, listener, address, port, count):
        """Connections as pairs of both ends."""
        pairs = [(connect(address, port), listener.accept()[0]) for _ in range(count)]
        for end in (end for pair in pairs for end in pair):
            self.addCleanup(end.close)
        return pairs

    def expect_sockets(self, exporter, value, direction, port, state="established"):
        return self.expect_series(
            exporter, SOCKETS, value, direction=direction, port=str(port), state=state
        )


class WithoutListener(ServiceTest):
    def test_connections_redirected_by_tproxy_are_inbound_on_the_port_that_clients_called(self):
        subprocess.run(["ip", "route", "add", "local", "198.51.100.0/24", "dev", "lo"], check=True)
        subprocess.run(["nft", "-f", "-"], input=_TPROXY_RULES.encode(), check=True)
        proxy = socket.socket()
        self.addCleanup(proxy.close)
        proxy.setsockopt(socket.IPPROTO_IP, _IP_TRANSPARENT, 1)
        proxy.bind(("0.0.0.0", 15006))
        proxy.listen(64)
        for client, _ in self.connect(proxy, "198.51.100.7", 443, 30)[:10]:
            client.shutdown(socket.SHUT_WR)
        self.connect(proxy, "198.51.100.7", 8080, 20)
        scrape = self.once()
        inbound = {"direction": "inbound"}
        self.assertEqual(scrape.value(SOCKETS, port="443", state="established", **inbound), 20)
        self.assertEqual(scrape.value(SOCKETS, port="443", state="close_wait", **inbound), 10)
        self.assertEqual(scrape.value(SOCKETS, port="8080", state="established", **inbound), 20)
        self.assertEqual(scrape.sockets(443, "outbound")["fin_wait2"], 10)
        self.assertEqual(scrape.value("sockdiag_tcp_folded_ports", direction="outbound"), 0)

    def test_the_direction_comes_from_a_listener_that_only_a_poll_has_seen(self):
        exporter = self.start_exporter(
            config="sampling: {interval: 2s, cpu_budget: 1}\nlisteners: {interval: 100ms}\n"
        )
        listener = self.listen(50051)
        self.connect(listener, "127.0.0.1", 50051, 1)
        exporter.fresh_scrape("listeners")
        listener.close()
        self.expect_sockets(exporter, 1, "inbound", 50051)

    def test_a_new_service_is_known_by_its_sockets_from_the_next_sample_on(self):
        exporter = self.start_exporter(config=FAST + "ports: {port_retention: 0s}\n")
        listener = self.listen(50051)
        self.connect(listener, "127.0.0.1", 50051, 20)
        listener.close()
        self.expect_sockets(exporter, 20, "inbound", 50051)
        self.expect_sockets(exporter, 20, "outbound", 50051)

    def test_a_wide_ephemeral_range_hides_no_service(self):
        set_sysctl("ipv4/ip_local_port_range", "1024 65535")
        for port, count in ((3306, 120), (6379, 40), (8443, 5)):
            listener = self.listen(port)
            self.connect(listener, "127.0.0.1", port, count)
            listener.close()
        scrape = self.once()
        for direction in ("inbound", "outbound"):
            named = {port: number for (d, port, state), number in scrape.family(SOCKETS).items()
                     if d == direction and state == "established" and number}
            self.assertEqual(named, {"3306": 120, "6379": 40, "8443": 5})


class Seats(ServiceTest):
    def test_an_idle_port_yields_its_seat_to_one_that_leaks(self):
        for port in range(9001, 9013):
            self.listen(port)
        leaking = self.listen(9020)
        exporter = self.start_exporter(config=FAST + "ports: {max_ports: 10}\n")
        self.assertIsNone(exporter.scrape().get(
            SOCKETS, direction="inbound", port="9020", state="listen"))
        for client, _ in self.connect(leaking, "127.0.0.1", 9020, 40):
            client.close()
        scrape = self.expect_sockets(exporter, 40, "inbound", 9020, "close_wait")
        ports = {port for (direction, port, _) in scrape.family(SOCKETS) if direction == "inbound"}
        self.assertEqual(len(ports), 10 + 1)

    def test_a_configured_idle_port_keeps_its_series_when_it_is_removed_from_the_file(self):
        exporter = self.start_exporter(config=FAST + "ports: {inbound: [8443]}\n")
        self.expect_sockets(exporter, 0, "inbound", 8443)
        exporter.reload(FAST + "ports: {inbound: [9443]}\n")
        self.expect_sockets(exporter, 0, "inbound", 9443)
        scrape = exporter.fresh_scrape()
        self.assertEqual(scrape.sockets(8443, "inbound")["listen"], 0)


class LocalEphemeralPorts(ServiceTest):
    USED = "sockdiag_tcp_local_ephemeral_ports_used"

    def test_they_are_counted_once_over_all_destinations(self):
        set_sysctl("ipv4/ip_local_port_range", "40000 40099")
        for port, address in ((8080, "127.0.0.2"), (8081, "127.0.0.3")):
            listener = self.listen(port, address=address)
            for local in range(40000, 40030):
                self.addCleanup(connect(address, port, local=("127.0.0.1", local)).close)
                self.addCleanup(listener.accept()[0].close)
        in_range = {row.local_port for row in kernel_sockets()} & set(range(40000, 40100))
        self.assertEqual(len(in_range), 30)
        scrape = self.once()
        self.assertEqual(scrape.value(self.USED), 30)
        self.assertEqual(scrape.value("sockdiag_tcp_ephemeral_ports"), 100)


if __name__ == "__main__":
    unittest.main()
