# SPDX-License-Identifier: Apache-2.0
"""What OpenSSL leaves unread in idle connections that servers have closed, and its cause."""

import os
import re
import unittest

from support.case import EndToEndTest
from support.network import kernel_sockets
from support.polling import wait_until
from support.tls_peers import TlsPeers, tls12_suites

CLOSE_WAIT = "sockdiag_tcp_close_wait_sockets"
SOCKETS = "sockdiag_tcp_sockets"
HEADER = "../../include/sockdiag/core/close_wait_cause.hpp"
FIRST_PORT = 2000

TLS13_SUITES = (
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_CCM_SHA256",
    "TLS_AES_128_CCM_8_SHA256",
)
# The frames of HTTP/2: a length, GOAWAY, stream 0, the last stream, no error, a text or none.
GOAWAY = "000008" "07" "00" "00000000" "00000001" "00000000"
GOAWAY_WITH_TEXT = GOAWAY.replace("000008", "00000f", 1) + b"timeout".hex()
HTTP2 = {"nginx and Go": [GOAWAY], "Envoy": [GOAWAY, GOAWAY], "Apache": [GOAWAY_WITH_TEXT]}


def table_of_lengths():
    """The rows of kGoodbyeLengths."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), HEADER)
    with open(path, encoding="ascii") as header:
        rows = header.read().partition("kGoodbyeLengths = ")[2].partition("});")[0]
    return [int(length) for length in re.findall(r"^ +(\d+), +// ", rows, re.MULTILINE)]


def unread(port):
    """The receive queue of the connection to a port that is in CLOSE_WAIT."""
    found = [s for s in kernel_sockets() if (s.remote_port, s.state) == (port, "close_wait")]
    return found[0].receive_queue if found else None


class TlsGoodbyes(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.queues = {}  # {port: bytes}

    def connect(self, connections, **options):
        """Adds a port to each, and returns what was left unread, in their order."""
        ports = range(FIRST_PORT + len(self.queues), 9999)
        connections = [{"port": port, **each} for port, each in zip(ports, connections)]
        peers = TlsPeers(connections, **options)
        self.addCleanup(peers.close)
        for each, suite in zip(connections, peers.suites, strict=True):
            self.assertEqual(suite, each.get("suite", options.get("tls13_suite")))
            wait_until(lambda port=each["port"]: unread(port), "CLOSE_WAIT")
            self.queues[each["port"]] = unread(each["port"])
        return [self.queues[each["port"]] for each in connections]

    def cause_of(self, scrape, port):
        labels = {"direction": "outbound", "port": str(port)}
        of_port = ("outbound", str(port))
        family = scrape.family(CLOSE_WAIT).items()
        found = {key[0]: value for key, value in family if key[1:] == of_port}
        self.assertEqual(sum(found.values()), scrape.value(SOCKETS, state="close_wait", **labels))
        return [cause for cause, count in found.items() if count]

    def expect_causes(self, expected):
        scrape = self.once("ports: {max_ports: 1000}\n")
        causes = {port: self.cause_of(scrape, port) for port in self.queues}
        self.assertEqual(causes, dict.fromkeys(self.queues, [expected]), self.queues)

    def close_notifies(self):
        for suite, has_mac in tls12_suites().items():
            for encrypt_then_mac in (True, False) if has_mac else (True,):
                yield {
                    "version": "TLSv1_2",
                    "suite": suite,
                    "encrypt_then_mac": encrypt_then_mac,
                }

    def http2_goodbyes(self, connection):
        """CBC is forbidden there (RFC 9113, appendix A), and CCM_8 is for small devices."""
        return [{**connection, "records": records} for records in HTTP2.values()]

    def test_each_suite_leaves_a_length_of_the_table_and_no_row_is_left_out(self):
        close_notifies = list(self.close_notifies())
        has_mac = tls12_suites()
        http2 = [
            each
            for each in close_notifies
            if not has_mac[each["suite"]] and "CCM8" not in each["suite"]
        ]
        lengths = set(self.connect(close_notifies + sum(map(self.http2_goodbyes, http2), [])))
        for suite in TLS13_SUITES:
            tls13 = [{"version": "TLSv1_3"}]
            if "CCM_8" not in suite:
                tls13 += self.http2_goodbyes(tls13[0])
            lengths |= set(self.connect(tls13, tls13_suite=suite))
        self.assertEqual(sorted(lengths), table_of_lengths())
        self.expect_causes("unread_goodbye")

    def test_tickets_that_a_client_never_read_are_data(self):
        connections = [{"version": "TLSv1_3", "reads": False}]
        self.connect(connections, tls13_suite=TLS13_SUITES[0])
        self.expect_causes("unread_data")


if __name__ == "__main__":
    unittest.main()
