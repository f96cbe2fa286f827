# SPDX-License-Identifier: Apache-2.0
"""The reader of expositions refuses what Prometheus might take otherwise."""

import unittest

from support.exposition import Exposition, split_sample

GOOD = """\
# HELP a_total What it is.
# TYPE a_total counter
a_total{x="1",y="quote \\" slash \\\\ line \\n"} 3
a_total{y="",x="2"} 4.5e+1
# TYPE b gauge
b +Inf
# TYPE c gauge
"""


class Expositions(unittest.TestCase):
    def test_series_are_read_with_their_labels(self):
        exposition = Exposition(GOOD)
        self.assertEqual(exposition.value("a_total", x="2", y=""), 45)
        self.assertEqual(exposition.value("b"), float("inf"))
        self.assertIsNone(exposition.get("a_total", x="1"))
        self.assertEqual(len(exposition), 3)

    def test_types_are_those_of_all_families(self):
        self.assertEqual(Exposition(GOOD).types, {"a_total": "counter", "b": "gauge", "c": "gauge"})

    def test_what_is_malformed_or_twice_is_refused(self):
        rows = {
            "a line without an end": "a 1",
            "an empty line": "\n",
            "no value": "a\n",
            "a word for a value": "a x\n",
            "a time": "a 1 1\n",
            "a label without quotes": "a{x=1} 1\n",
            "a quote that is not closed": 'a{x="1} 1\n',
            "an unknown escape": 'a{x="\\t"} 1\n',
            "a name that begins with a digit": "1a 1\n",
            "a series twice": 'a{x="1",y="2"} 1\na{y="2",x="1"} 1\n',
            "a family twice": "# TYPE a gauge\n# TYPE a counter\n",
        }
        for what, text in rows.items():
            with self.subTest(what):
                self.assertRaises(ValueError, Exposition, text)

    def test_a_line_is_split_into_series_and_value(self):
        self.assertEqual(split_sample('a{x="b c"} 2'), ('a{x="b c"}', 2))
        self.assertEqual(split_sample("a 2"), ("a", 2))
        self.assertIsNone(split_sample("# TYPE a gauge"))
        self.assertRaises(ValueError, split_sample, "a")


if __name__ == "__main__":
    unittest.main()
