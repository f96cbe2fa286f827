# SPDX-License-Identifier: Apache-2.0
"""How long sockets have been in their states: never too long, and counted on through trouble."""

import time
import unittest

from support.case import EndToEndTest
from support.connection_states import close_into, seconds_since_last_ack, wait_for_state
from support.exporter import FAST
from support.fault import NetlinkFault
from support.lifetimes import DIRECTIONS, LINGERING, oldest, place, with_lifetimes
from support.polling import wait_until

FAILURES = "sockdiag_sample_failures_total"
PORT = 8080
OLD_SECONDS = 0.5  # tells a socket that was followed from one just found
JIFFY_SECONDS = 0.01  # what the kernel's own ages are exact to, with its coarsest clock


class AgeTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.service = self.start_service(PORT)

    def start_faulty_exporter(self, **options):
        self.fault = NetlinkFault()
        self.addCleanup(self.fault.remove)
        return self.launch_exporter(environment=self.fault.environment(), **options)


class Ages(AgeTest):
    def wait_until_old(self, exporter, state="close_wait"):
        exporter.scrape_when(
            lambda scrape: oldest(scrape, PORT, state) >= OLD_SECONDS, f"an old {state}"
        )

    def fresh_age(self, exporter, since, state="close_wait", direction="inbound"):
        """The published age of the one socket, which got its state after `since`."""
        age = oldest(exporter.fresh_scrape(), PORT, state, direction)
        self.assertLessEqual(age, time.monotonic() - since)
        return age

    def expect_age_to_count_from(self, exporter, first_seen, since):
        """It is what has passed since the sample that found the socket, at least."""
        asked = time.monotonic()
        self.assertGreaterEqual(self.fresh_age(exporter, since), asked - first_seen)

    def make_and_see(self, exporter):
        """A CLOSE_WAIT; when it was made at the earliest, and seen at the latest."""
        since = time.monotonic()
        self.service.close_wait()
        exporter.fresh_scrape()
        return since, time.monotonic()

    def test_an_age_grows_and_never_exceeds_the_truth(self):
        exporter = self.start_exporter()
        for direction in DIRECTIONS:
            with self.subTest(direction):
                since = time.monotonic()
                ends = self.service.close_wait(direction)
                ages = [self.fresh_age(exporter, since, direction=direction) for _ in range(5)]
                self.assertEqual(ages, sorted(set(ages)))
                ends.reset()

    def test_it_is_the_age_of_the_oldest(self):
        exporter = self.start_exporter()
        since, first_seen = self.make_and_see(exporter)
        self.wait_until_old(exporter)
        for _ in range(3):
            self.service.close_wait()
        self.expect_age_to_count_from(exporter, first_seen, since)

    def test_a_reload_does_not_reset_it(self):
        exporter = self.start_exporter()
        since, first_seen = self.make_and_see(exporter)
        self.wait_until_old(exporter)
        for config in (with_lifetimes(close_wait="2m", max_sockets=1000), FAST):
            self.assertIn("configuration reloaded", exporter.reload(config))
            self.expect_age_to_count_from(exporter, first_seen, since)

    def test_a_longer_interval_does_not_reset_it(self):
        exporter = self.start_exporter()
        since, first_seen = self.make_and_see(exporter)
        exporter.reload(FAST.replace("100ms", "2s"))
        self.expect_age_to_count_from(exporter, first_seen, since)

    def test_failed_samples_do_not_reset_it(self):
        exporter = self.start_faulty_exporter().wait_until_listening().wait_until_ready()
        since, first_seen = self.make_and_see(exporter)
        for name in ("ENOBUFS", "LATER_ENOBUFS", "SOCKET_EMFILE"):
            with self.subTest(name):
                failures = exporter.scrape().source(FAILURES)
                with self.fault(name):
                    exporter.scrape_when(
                        lambda scrape, before=failures: scrape.source(FAILURES) >= before + 3, name
                    )
                self.expect_age_to_count_from(exporter, first_seen, since)

    def test_last_ack_after_close_wait_starts_anew(self):
        exporter = self.start_exporter()
        ends = self.service.close_wait_with_full_window()
        self.wait_until_old(exporter)
        since = time.monotonic()
        close_into("last_ack", ends)
        self.fresh_age(exporter, since, "last_ack")
        self.assertEqual(oldest(exporter.scrape(), PORT, "close_wait"), 0)

    def test_fin_wait2_after_fin_wait1_starts_anew(self):
        exporter = self.start_exporter()
        ends = self.service.fin_wait1()
        self.wait_until_old(exporter, "fin_wait1")
        since = time.monotonic()
        while ends.there.recv(65536):
            pass
        wait_for_state(ends.here, "fin_wait2")
        self.fresh_age(exporter, since, "fin_wait2")
        self.assertEqual(oldest(exporter.scrape(), PORT, "fin_wait1"), 0)

    def test_fin_wait2_keeps_its_age_when_the_application_closes(self):
        exporter = self.start_exporter()
        ends = self.service.fin_wait2()
        self.wait_until_old(exporter, "fin_wait2")
        close_into("fin_wait2", ends)
        self.assertGreaterEqual(oldest(exporter.fresh_scrape(), PORT, "fin_wait2"), OLD_SECONDS)

    def test_another_connection_between_the_same_addresses_starts_anew(self):
        exporter = self.start_exporter()
        ends = self.service.close_wait()
        local = ends.there.getsockname()
        self.wait_until_old(exporter)
        ends.reset()
        since = time.monotonic()
        self.service.close_wait(local=local)
        self.fresh_age(exporter, since)


class FoundAtTheStart(AgeTest):
    """A CLOSE_WAIT cannot have got an acknowledgement since its FIN, unless it still sends."""

    def make_old(self):
        """CLOSE_WAITs at both ends; when they were made at the earliest, and their ages."""
        since = time.monotonic()
        made = {direction: self.service.not_closed(direction) for direction in DIRECTIONS}
        wait_until(
            lambda: all(seconds_since_last_ack(ends.here) >= OLD_SECONDS for ends in made.values()),
            "old CLOSE_WAITs",
        )
        return since, {way: seconds_since_last_ack(ends.here) for way, ends in made.items()}

    def expect_true_ages(self, scrape, since, known):
        for direction, seconds in known.items():
            age = oldest(scrape, PORT, "close_wait", direction)
            self.assertGreaterEqual(age, seconds - JIFFY_SECONDS, direction)
            self.assertLessEqual(age, time.monotonic() - since + JIFFY_SECONDS, direction)

    def test_an_old_close_wait_has_its_age_in_the_first_sample(self):
        since, known = self.make_old()
        exporter = self.start_exporter(config="sampling: {interval: 1h}\n")
        self.expect_true_ages(exporter.scrape(), since, known)

    def test_one_never_accepted_has_its_age_too(self):
        since = time.monotonic()
        client = self.service.not_accepted()  # hears of its FIN's arrival just after it
        wait_until(lambda: seconds_since_last_ack(client) >= OLD_SECONDS, "an old CLOSE_WAIT")
        known = {"inbound": seconds_since_last_ack(client)}
        self.expect_true_ages(self.start_exporter().scrape(), since, known)

    def test_once_knows_it_and_what_lingers(self):
        since, known = self.make_old()
        with self.subTest("by default"):
            self.expect_true_ages(self.once(), since, known)
        with self.subTest("with a threshold"):
            scrape = self.once(with_lifetimes(close_wait="100ms", fin_wait2="100ms"))
            for direction in DIRECTIONS:
                labels = place(PORT, direction)
                self.assertEqual(scrape.value(LINGERING, **labels, state="close_wait"), 1)
                self.assertEqual(scrape.value(LINGERING, **labels, state="fin_wait2"), 0)

    def test_a_restart_forgets_nothing(self):
        since, known = self.make_old()
        for _ in range(2):
            exporter = self.start_exporter()
            self.expect_true_ages(exporter.fresh_scrape(), since, known)
            self.assertEqual(exporter.terminate(), 0)

    def test_failures_before_the_first_good_sample_do_not_matter(self):
        since, known = self.make_old()
        exporter = self.start_faulty_exporter()
        with self.fault("ENOBUFS"):
            exporter.wait_until_listening()
            exporter.log.wait_for("tcp sample failed")
        exporter.wait_until_ready()
        self.expect_true_ages(exporter.fresh_scrape(), since, known)

    def test_other_states_count_from_the_first_sample(self):
        self.make_old()
        launched = time.monotonic()
        exporter = self.start_exporter()
        for direction in DIRECTIONS:
            age = oldest(exporter.fresh_scrape(), PORT, "fin_wait2", direction)
            self.assertLessEqual(age, time.monotonic() - launched)


if __name__ == "__main__":
    unittest.main()
