# SPDX-License-Identifier: Apache-2.0
"""No picture is older than what draws it, and none is large."""

import unittest

from pictures import DRAWN_FROM, ROOT, digests, record_of

_MOST_BYTES = 150 * 1024


class Pictures(unittest.TestCase):
    maxDiff = None

    def test_none_is_older_than_what_draws_it(self):
        for picture in DRAWN_FROM:
            with self.subTest(picture):
                self.assertEqual(
                    record_of(picture).read_text(encoding="utf-8"),
                    digests(picture),
                    "make it anew: .ci/browser/picture draws deploy/page.png",
                )

    def test_each_pattern_finds_something(self):
        for picture, patterns in DRAWN_FROM.items():
            for pattern in patterns:
                with self.subTest(f"{picture} {pattern}"):
                    self.assertTrue(list(ROOT.glob(pattern)))

    def test_none_is_large(self):
        for picture in DRAWN_FROM:
            with self.subTest(picture):
                self.assertLessEqual((ROOT / picture).stat().st_size, _MOST_BYTES)
