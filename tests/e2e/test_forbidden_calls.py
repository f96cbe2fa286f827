# SPDX-License-Identifier: Apache-2.0
"""What the process itself gave up, as the kernel tells it of each of its threads."""

import os

from support.case import EndToEndTest
from support.exporter import FAST
from support.sandbox import UNIT, Sandbox


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

    def test_it_adds_the_filter_to_that_of_the_unit(self):
        sandbox = Sandbox(UNIT)
        self.addCleanup(sandbox.remove)
        environment = {"ASAN_OPTIONS": "detect_leaks=0"}  # which ptraces
        exporter = self.start_exporter(
            config=None, prefix=sandbox.command(), environment=environment
        )
        exporter.wait_until_ready()
        filters = {thread["Seccomp_filters"] for thread in statuses(exporter.process.pid)}
        self.assertEqual(filters, {"2"})
        self.assertEqual(exporter.log.matching("level=(warning|error)"), [])
