# SPDX-License-Identifier: Apache-2.0
"""A real node_exporter takes the output of --once."""

import unittest

from support.case import EndToEndTest
from support.exporter import run
from support.node_exporter import NodeExporter


class TextfileCollector(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.start_service(8080).connect(3)
        self.node_exporter = NodeExporter()
        self.addCleanup(self.node_exporter.dispose)

    def scrape_with(self, *flags):
        done = run("--once", *flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.node_exporter.write("sockdiag.prom", done.stdout)
        return self.node_exporter.scrape()

    def test_takes_one_sample_without_the_process(self):
        scrape = self.scrape_with("--once.process=false")
        self.assertEqual(scrape.value("node_textfile_scrape_error"), 0)
        established = {"direction": "inbound", "port": "8080", "state": "established"}
        self.assertEqual(scrape.value("sockdiag_tcp_sockets", **established), 3)
        self.assertEqual(self.node_exporter.log.matching("level=error"), [])

    # The flag has a reason as long as this holds.
    def test_refuses_what_it_says_of_itself_as_well(self):
        self.scrape_with()
        self.node_exporter.log.wait_for("process_start_time_seconds")


if __name__ == "__main__":
    unittest.main()
