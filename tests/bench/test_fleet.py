# SPDX-License-Identifier: Apache-2.0
"""How rules are read, pages are played, and figures are extrapolated."""

import unittest

from benchmark.fleet_pages import Recording
from benchmark.fleet_report import at_fleet
from benchmark.fleet_rules import Look, looks, seconds


class ReadingRules(unittest.TestCase):
    def expect_looks(self, expression, *expected):
        self.assertEqual(list(looks(expression, {"a", "b"})), list(expected))

    def test_durations(self):
        self.assertEqual(seconds("1d2h30m5s"), 95405)
        self.assertRaises(ValueError, seconds, "1x")

    def test_an_instant_looks_back_five_minutes(self):
        self.expect_looks("a > 3", Look("a", 300, 0))

    def test_windows_and_offsets(self):
        self.expect_looks(
            'min_over_time(a{x="1"}[15m] offset 6h) > on (x) b offset 1d',
            Look('a{x="1"}', 22500, 21600),
            Look("b", 86700, 86400),
        )

    def test_matchers_over_several_lines(self):
        self.expect_looks('a{\n  x="1"\n}[1h]', Look('a{\n  x="1"\n}', 3600, 0))

    def test_subqueries(self):
        self.expect_looks("present_over_time(a[7d:30m])", Look("a", 604800, 0))
        self.expect_looks(
            "max_over_time(rate(a[5m])[1h:1m] offset 1h) > b",
            Look("a", 7500, 0),
            Look("b", 7500, 0),
        )

    def test_what_is_no_metric_is_left_out(self):
        self.expect_looks("sum without (x) (rate(a[5m])) unless c", Look("a", 300, 0))


def page(total, gauge, *more):
    lines = ["# TYPE t_total counter", f't_total{{x="a b"}} {total}', f"g {gauge}"]
    return "\n".join([*lines, "sockdiag_sample_timestamp_seconds 5", *more, ""])


class PlayingPages(unittest.TestCase):
    def setUp(self):
        self.recording = Recording([page(10, 1), page(20, 2.5), page(30, 3, "late 7")])

    def test_pages_come_again_and_counters_go_on(self):
        self.assertEqual(
            [self.recording.page(number, 99.5).splitlines()[1:3] for number in range(5)],
            [
                ['t_total{x="a b"} 10', "g 1"],
                ['t_total{x="a b"} 20', "g 2.5"],
                ['t_total{x="a b"} 30', "g 3"],
                ['t_total{x="a b"} 40', "g 1"],
                ['t_total{x="a b"} 50', "g 2.5"],
            ],
        )

    def test_samples_are_new(self):
        self.assertIn("sockdiag_sample_timestamp_seconds 99.5\n", self.recording.page(4, 99.5))

    def test_all_pages_have_the_series_of_the_last(self):
        self.assertIn("late 7\n", self.recording.page(0, 1.0))
        self.assertEqual((self.recording.series, self.recording.not_zero), (4, 4))


class Extrapolating(unittest.TestCase):
    def test_what_was_measured_is_taken(self):
        self.assertEqual(at_fleet({50: 1, 1000: 7}), 7)

    def test_one_size_is_in_proportion(self):
        self.assertEqual(at_fleet({50: 1}), 20)

    def test_two_sizes_are_a_line(self):
        self.assertAlmostEqual(at_fleet({50: 150, 200: 300}), 1100)

    def test_more_hosts_never_cost_less(self):
        self.assertEqual(at_fleet({50: 3, 200: 2}), 3)


if __name__ == "__main__":
    unittest.main()
