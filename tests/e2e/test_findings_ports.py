# SPDX-License-Identifier: Apache-2.0
"""Connections per request, at the end that closes first, and what runs out because of them."""

import unittest

from support.connection_states import set_sysctl
from support.findings import FindingsTest, Found, inbound, outbound
from support.network import kernel_counts
from support.parallel import side_by_side
from support.polling import wait_until

STARTED = "sockdiag_tcp_time_wait_started_total"
PASSIVE_OPENS = "sockdiag_tcp_passive_opens_total"
LINGERING = "sockdiag_tcp_lingering_sockets"
USED = "sockdiag_tcp_ephemeral_ports_used"
PORT = 8080


class TimeWaitTest(FindingsTest):
    def requests(self, service, direction, pause, first="here"):
        """One connection for each; `first` names the end that closes first."""

        def request():
            ends = service.established(direction)
            for end in (ends.here, ends.there) if first == "here" else (ends.there, ends.here):
                end.close()

        return self.repeat(request, pause, there=direction == "inbound")

    def wait_for_starts(self, count, direction, port=PORT):
        labels = {"direction": direction, "port": str(port)}
        self.wait_for(lambda scrape: (scrape.get(STARTED, **labels) or 0) >= count, "TIME_WAITs")


class ActiveCloses(TimeWaitTest):
    # 125 a second at most, of which a busy machine leaves enough.
    OFTEN = 0.008
    # 25 a second at most.
    SELDOM = 0.04

    def test_a_server_that_closes_first(self):
        self.watch()
        requests = self.requests(self.service_here(PORT), "inbound", self.OFTEN)
        self.expect(inbound("tw_server", "info", PORT))
        requests.stop()
        self.expect_end()

    def test_a_client_that_closes_first(self):
        self.watch()
        requests = self.requests(self.service_there(PORT), "outbound", self.OFTEN)
        self.expect(outbound("tw_client", "info", PORT))
        requests.stop()
        self.expect_end()

    def test_few_of_both_are_nothing(self):
        self.watch()
        self.requests(self.service_here(PORT), "inbound", self.SELDOM)
        self.requests(self.service_there(3000), "outbound", self.SELDOM)
        self.wait_for_starts(200, "inbound")
        self.wait_for_starts(200, "outbound", 3000)
        self.expect_nothing()

    def test_a_server_whose_clients_close_first_is_nothing(self):
        self.watch()
        self.requests(self.service_here(PORT), "inbound", self.OFTEN, first="there")
        self.wait_for(lambda scrape: scrape.value(PASSIVE_OPENS) >= 1000, "clients")
        self.expect_nothing()


class TimeWaitLimit(TimeWaitTest):
    LIMIT = 1000  # connections of a scrape may leave a few of their own

    def make(self, count):
        set_sysctl("ipv4/tcp_max_tw_buckets", str(self.LIMIT))
        service = self.service_here(PORT)
        with self.peer.entered():
            for _ in range(count):
                ends = service.established()
                ends.here.close()
                ends.there.close()
        wait_until(lambda: kernel_counts(PORT)["inbound", "time_wait"] == count, "TIME_WAITs")

    def test_near_the_limit_it_is_found_until_the_limit_is_raised(self):
        self.make(850)
        self.watch()
        self.expect(Found("tw_limit", "warning"))
        set_sysctl("ipv4/tcp_max_tw_buckets", "10000")
        self.expect()

    def test_below_it_is_not(self):
        self.make(770)
        self.watch()
        self.expect_nothing()


class HeldFinWait2(FindingsTest):
    def make(self, count):
        service = self.service_here(PORT)
        self.watch()
        with self.peer.entered():
            made = [service.established() for _ in range(count)]
        for ends in made:
            ends.here.shutdown(1)
        labels = {"direction": "inbound", "port": str(PORT), "state": "fin_wait2"}
        self.wait_for(lambda scrape: scrape.get(LINGERING, **labels) == count, "FIN_WAIT2s")
        return made

    def test_peers_that_never_close(self):
        made = self.make(100)
        self.expect(inbound("fin_wait2_held", "warning", PORT))
        for ends in made[:5]:
            ends.there.close()
        self.expect()
        self.expect_nothing()

    def test_fewer_of_them_are_nothing(self):
        self.make(99)
        self.expect_nothing()


class EphemeralPorts(FindingsTest):
    def setUp(self):
        super().setUp()
        self.service = self.service_there(5432)
        self.watch()  # before its listener could take a port of the range
        set_sysctl("ipv4/ip_local_port_range", "40000 40199")
        self.made = []

    def use(self, count):
        """So many in all."""
        while len(self.made) > count:
            self.made.pop().reset()
        while len(self.made) < count:
            self.made.append(self.service.established("outbound"))
        self.wait_for(lambda scrape: scrape.get(USED, rank="1") == count, f"{count} in use")

    def test_most_in_use_is_a_warning_and_nearly_all_critical(self):
        self.use(165)
        self.expect(Found("ports_short", "warning"))
        self.use(195)
        self.expect(Found("ports_short", "critical"))
        self.use(165)
        self.expect(Found("ports_short", "warning"))
        self.use(100)
        self.expect()
        self.expect_nothing()

    def test_fewer_are_nothing(self):
        self.use(159)
        self.expect_nothing()

    def test_time_waits_use_them_up_as_well(self):
        set_sysctl("ipv4/tcp_tw_reuse", "0")
        for _ in range(165):
            ends = self.service.established("outbound")
            ends.here.close()
            ends.there.close()
        self.expect(Found("ports_short", "warning"))


load_tests = side_by_side

if __name__ == "__main__":
    unittest.main()
