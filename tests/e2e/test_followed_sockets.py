# SPDX-License-Identifier: Apache-2.0
"""How many sockets are followed at a time, and what is said when there are more."""

import resource
import unittest

from support.case import EndToEndTest
from support.lifetimes import with_lifetimes

UNFOLLOWED = "sockdiag_tcp_unfollowed_sockets"
PORT = 8080


class FollowedSockets(EndToEndTest):
    LIMIT, CONNECTIONS = 1000, 600  # each connection is a CLOSE_WAIT and a FIN_WAIT2

    def setUp(self):
        super().setUp()
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(20_000, limits[1]), limits[1]))
        self.service = self.start_service(PORT)

    def exceed_the_limit(self):
        self.ends = self.service.close_waits(self.CONNECTIONS)
        self.exporter = self.start_exporter(config=with_lifetimes(max_sockets=self.LIMIT))
        self.expect_series(self.exporter, UNFOLLOWED, 2 * self.CONNECTIONS - self.LIMIT)

    def lines(self, level):
        return len(self.exporter.log.matching(f"level={level} .*lifetimes.max_sockets"))

    def expect_an_end(self):
        self.expect_series(self.exporter, UNFOLLOWED, 0)
        self.exporter.log.wait_for("level=info .*lifetimes.max_sockets")
        self.exporter.fresh_scrape()
        self.assertEqual((self.lines("warning"), self.lines("info")), (1, 1))

    def test_sockets_beyond_the_limit_are_told_once_until_they_are_gone(self):
        self.exceed_the_limit()
        for _ in range(3):
            self.exporter.fresh_scrape()
        self.assertEqual((self.lines("warning"), self.lines("info")), (1, 0))
        for ends in self.ends:
            ends.reset()
        self.expect_an_end()

    def test_a_higher_limit_follows_them_all(self):
        self.exceed_the_limit()
        self.exporter.reload(with_lifetimes(max_sockets=2 * self.LIMIT))
        self.expect_an_end()

    def test_sockets_that_are_gone_make_room_at_once(self):
        config = with_lifetimes(max_sockets=self.LIMIT).replace("100ms", "1s")
        self.exporter = self.start_exporter(config=config)
        for _ in range(3):  # never more than 600 passing sockets at a time
            ends = self.service.close_waits(300)
            self.assertEqual(self.exporter.fresh_scrape().value(UNFOLLOWED), 0)
            for each in ends:
                each.reset()
        self.assertEqual((self.lines("warning"), self.lines("info")), (0, 0))


if __name__ == "__main__":
    unittest.main()
