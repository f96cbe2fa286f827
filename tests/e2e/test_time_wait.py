# SPDX-License-Identifier: Apache-2.0
"""TIME_WAITs begun: each counted once, however often it is sampled."""

import subprocess
import unittest

from support.case import EndToEndTest
from support.connection_states import port_of, wait_for_row
from support.fault import NetlinkFault
from support.lifetimes import DIRECTIONS, place
from support.network import kernel_counts, kernel_sockets
from support.packets import send_stray_acks, swallow_packets_to_nowhere
from support.polling import wait_until

STARTED = "sockdiag_tcp_time_wait_started_total"
FAILURES = "sockdiag_sample_failures_total"
PORT = 8080


class TimeWaitsStarted(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.service = self.start_service(PORT)

    def make(self, count, direction="inbound"):
        for _ in range(count):
            self.service.time_wait(direction)

    def expect(self, exporter, started, direction="inbound"):
        """So many, in a sample that began after this call, with those of /proc still waiting."""
        scrape = exporter.fresh_scrape()
        self.assertEqual(scrape.value(STARTED, **place(PORT, direction)), started, direction)
        waiting = kernel_counts(PORT)[direction, "time_wait"]
        self.assertEqual(scrape.sockets(PORT, direction)["time_wait"], waiting)

    def test_each_active_close_counts_once_at_the_end_that_closed(self):
        exporter = self.start_exporter()
        for batch in range(1, 4):
            self.make(5, "inbound")
            self.make(3, "outbound")
            self.expect(exporter, 5 * batch, "inbound")
            self.expect(exporter, 3 * batch, "outbound")
        for _ in range(10):
            self.expect(exporter, 15, "inbound")
            self.expect(exporter, 9, "outbound")

    def test_many_between_two_samples_are_all_counted(self):
        exporter = self.start_exporter()
        self.make(300)
        self.expect(exporter, 300)

    def test_both_families_are_counted(self):
        service = self.start_service(PORT, "::1")
        exporter = self.start_exporter()
        for direction in DIRECTIONS:
            self.make(2, direction)
            service.time_wait(direction)
            self.expect(exporter, 3, direction)

    def test_those_from_before_the_first_sample_are_not_counted(self):
        self.make(5)
        exporter = self.start_exporter()
        self.expect(exporter, 0)
        self.make(3)
        self.expect(exporter, 3)

    def test_those_begun_while_samples_fail_are_counted_by_the_next(self):
        fault = NetlinkFault()
        self.addCleanup(fault.remove)
        exporter = self.launch_exporter(environment=fault.environment())
        exporter.wait_until_listening().wait_until_ready()
        self.make(4)
        self.expect(exporter, 4)
        for name, started in (("ENOBUFS", 10), ("LATER_ENOBUFS", 16)):
            with self.subTest(name):
                failures = exporter.scrape().source(FAILURES)
                with fault(name):
                    self.make(6)
                    exporter.scrape_when(
                        lambda scrape, before=failures: scrape.source(FAILURES) >= before + 3, name
                    )
                self.expect(exporter, started)
                self.expect(exporter, started)

    def test_those_begun_early_in_a_long_failure_are_counted_at_its_end(self):
        fault = NetlinkFault()
        self.addCleanup(fault.remove)
        exporter = self.launch_exporter(environment=fault.environment())
        exporter.wait_until_listening().wait_until_ready()
        with fault("ENOBUFS"):
            self.make(5)
            wait_until(lambda: age_of_oldest() >= 8, "TIME_WAITs of 8 s")
        self.expect(exporter, 5)

    def test_a_reload_neither_loses_nor_repeats_any(self):
        exporter = self.start_exporter()
        self.make(4)
        self.expect(exporter, 4)
        exporter.reload("sampling: {interval: 500ms, cpu_budget: 1}\n")
        self.make(4)
        self.expect(exporter, 8)
        self.expect(exporter, 8)

    def test_an_orphan_in_fin_wait2_counts_once_it_waits(self):
        exporter = self.start_exporter()
        ends = self.service.established()
        numbers = port_of(ends.here), port_of(ends.there)
        ends.here.close()
        wait_for_row("fin_wait2", *numbers)
        self.expect(exporter, 0)
        ends.there.close()
        wait_for_row("time_wait", *numbers)
        self.expect(exporter, 1)
        self.expect(exporter, 1)

    def test_another_connection_between_the_same_addresses_counts_again(self):
        exporter = self.start_exporter()
        for started in (1, 2, 3):
            self.service.time_wait(local=("127.0.0.1", 5000))
            self.assertEqual(kernel_counts(PORT)["inbound", "time_wait"], 1)
            self.expect(exporter, started)

    def expect_one_count_after_a_stray_segment(self, seconds):
        """Such as a FIN sent again because its acknowledgement was lost."""
        swallow_packets_to_nowhere()
        client = "198.18.0.1"
        ip_address("add", client)
        exporter = self.start_exporter()
        self.service.time_wait(local=(client, 5000))
        ip_address("del", client)  # so that nobody is there to answer the answer with a reset
        self.expect(exporter, 1)
        wait_until(lambda: age_of_oldest() >= seconds, f"a wait of {seconds} s")
        send_stray_acks(client, [5000], "127.0.0.1", PORT)
        wait_until(lambda: age_of_oldest() < seconds, "the wait to start again")
        self.expect(exporter, 1)

    def test_a_stray_segment_that_soon_restarts_the_wait_counts_no_other(self):
        self.expect_one_count_after_a_stray_segment(0.5)

    def test_a_stray_segment_that_restarts_the_wait_late_counts_no_other(self):
        self.expect_one_count_after_a_stray_segment(12)


def age_of_oldest():
    """Seconds since a TIME_WAIT of the port began, or began again."""
    waiting = [s for s in kernel_sockets() if (s.local_port, s.state) == (PORT, "time_wait")]
    return max(60 - found.timer_ticks / 100 for found in waiting)


def ip_address(action, address):
    subprocess.run(["ip", "address", action, f"{address}/32", "dev", "lo"], check=True)


if __name__ == "__main__":
    unittest.main()
