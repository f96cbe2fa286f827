# SPDX-License-Identifier: Apache-2.0
"""What the process itself gave up, as the kernel tells it of each of its threads."""

import os

from support.case import EndToEndTest
from support.exporter import FAST


def statuses(process):
    for task in os.listdir(f"/proc/{process}/task"):
        with open(f"/proc/{process}/task/{task}/status", encoding="ascii") as file:
            yield dict(map(str.strip, line.split(":", 1)) for line in file)


class ForbiddenCalls(EndToEndTest):
    def test_each_thread_has_the_filter_and_gains_no_privilege(self):
        exporter = self.start_exporter(config=FAST)
        exporter.wait_until_ready()
        threads = list(statuses(exporter.process.pid))
        self.assertGreater(len(threads), 60)
        self.assertEqual({thread["Seccomp"] for thread in threads}, {"2"})
        self.assertEqual({thread["NoNewPrivs"] for thread in threads}, {"1"})

    def test_it_scrapes_reloads_and_ends_as_before(self):
        exporter = self.start_exporter(config=FAST)
        exporter.wait_until_ready()
        self.assertIn("configuration reloaded", exporter.reload(FAST + "log: {level: info}\n"))
        exporter.fresh_scrape()
        self.assertEqual(exporter.log.matching("level=(warning|error)"), [])
        self.assertEqual(exporter.terminate(), 0)
