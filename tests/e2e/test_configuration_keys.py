# SPDX-License-Identifier: Apache-2.0
"""The bounds of the keys about listeners, lifetimes and ephemeral ports, and what refuses them."""

import re
import unittest

from support.case import EndToEndTest
from support.exporter import FAST, ConfigFile, run
from support.lifetimes import PASSING

# key -> (lowest, highest, values just outside)
DURATIONS = {
    ("listeners", "interval"): ("100ms", "1m", ("99ms", "60001ms")),
    ("listeners", "peak_window"): ("1s", "1h", ("999ms", "1h1ms")),
    **{("lifetimes", state): ("100ms", "1d", ("99ms", "24h1ms")) for state in PASSING},
}
COUNTS = {
    ("lifetimes", "max_sockets"): ("1000", "10000000", ("999", "10000001")),
    ("ephemeral_ports", "busiest"): ("1", "100", ("0", "101")),
    ("owners", "max_owners"): ("1", "1000", ("0", "1001")),
    ("owners", "max_ports"): ("1", "3000", ("0", "3001")),
    ("namespaces", "max_namespaces"): ("1", "10000", ("0", "10001")),
    ("namespaces", "max_ports"): ("1", "3000", ("0", "3001")),
}
FLAGS = {
    ("ephemeral_ports", "export_addresses"): ("true", "false", ("1", "perhaps")),
    ("owners", "enabled"): ("true", "false", ("1", "perhaps")),
}

NO_DURATIONS = ("5", "1.5s", "-5s", "5x", "99999999999999999999s", "[5s]", "{a: b}", '""')
NO_COUNTS = ("-1", "1.5", "many", "18446744073709551617", "5s", "[1000]", "{a: b}", "1e6x")
NO_FLAGS = ("[true]", "{a: b}", '""')

# What lets each of the two have every value.
NEIGHBOURS = {"interval": "peak_window: 1h", "peak_window": "interval: 100ms"}


def all_keys():
    for rows, absurd in ((DURATIONS, NO_DURATIONS), (COUNTS, NO_COUNTS), (FLAGS, NO_FLAGS)):
        for (section, key), (lowest, highest, outside) in rows.items():
            yield section, key, (lowest, highest), (*outside, *absurd)


class ConfigurationKeys(EndToEndTest):
    def check(self, document):
        file = ConfigFile(document)
        self.addCleanup(file.remove)
        return run("--config.check", b"--config.file=" + file.path)

    def expect_refusal(self, document, position, words):
        done = self.check(document)
        self.assertEqual((done.returncode, done.stdout), (2, b""), done)
        lines = done.stderr.decode().splitlines()
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], rf"sockdiag_exporter\.yml:{position}: .*{words}")

    def test_values_outside_the_bounds_are_refused_with_their_place(self):
        for section, key, _, refused in all_keys():
            for value in refused:
                with self.subTest(f"{section}.{key}: {value}"):
                    document = f"{section}:\n  {key}: {value}\n"
                    self.expect_refusal(document, f"2:{len(key) + 5}", re.escape(key))

    def test_the_bounds_are_accepted_and_named_in_a_refusal(self):
        for section, key, bounds, refused in all_keys():
            for value in bounds:
                with self.subTest(f"{section}.{key}: {value}"):
                    neighbour = NEIGHBOURS.get(key, "")
                    done = self.check(f"{section}:\n  {key}: {value}\n  {neighbour}\n")
                    self.assertEqual((done.returncode, done.stderr), (0, b""), done)
            if bounds[0] != "true":
                document = f"{section}:\n  {key}: {refused[0]}\n"
                self.expect_refusal(document, r"2:\d+", rf"\b{bounds[0]}\b.*\b{bounds[1]}\b")

    def test_a_window_shorter_than_the_time_between_polls_is_refused(self):
        for text in ("interval: 10s, peak_window: 9s", "peak_window: 1s, interval: 1m"):
            with self.subTest(text):
                self.expect_refusal(f"listeners: {{{text}}}\n", r"1:\d+", "peak_window")
        for text in ("interval: 10s, peak_window: 10s", "interval: 1m"):
            with self.subTest(text):
                self.assertEqual(self.check(f"listeners: {{{text}}}\n").returncode, 0)

    def test_misspelt_keys_are_told_the_right_ones(self):
        for document, position, right in (
            ("lifetimes: {close_wiat: 1m}\n", "1:13", "close_wait"),
            ("lifetimes: {max_socket: 1000}\n", "1:13", "max_sockets"),
            ("listeners: {peak_windw: 1m}\n", "1:13", "peak_window"),
            ("ephemeral_ports: {export_adresses: true}\n", "1:19", "export_addresses"),
            ("lifetime: {}\n", "1:1", "lifetimes"),
            ("ephemeral_port: {}\n", "1:1", "ephemeral_ports"),
        ):
            with self.subTest(document):
                self.expect_refusal(document, position, f"did you mean .*{right}")

    def test_states_that_sockets_may_stay_in_have_no_lifetime(self):
        for state in ("established", "listen", "time_wait", "close"):
            with self.subTest(state):
                self.expect_refusal(f"lifetimes:\n  {state}: 1m\n", "2:3", f"unknown key.*{state}")

    def test_a_bad_reload_leaves_the_keys_in_force(self):
        good = FAST + "lifetimes: {close_wait: 7s}\nlisteners: {interval: 300ms}\n"
        exporter = self.start_exporter(config=good)
        for bad in ("listeners: {interval: 9s, peak_window: 1s}\n", "lifetimes: {close_wait: 1}\n"):
            self.assertRegex(exporter.reload(FAST + bad), r"level=error .*:2:\d+: ")
            scrape = exporter.fresh_scrape()
            threshold = "sockdiag_tcp_lingering_threshold_seconds"
            self.assertEqual(scrape.value(threshold, state="close_wait"), 7)
            interval = scrape.source("sockdiag_sample_interval_seconds", "listeners")
            self.assertEqual(interval, 0.3)


if __name__ == "__main__":
    unittest.main()
