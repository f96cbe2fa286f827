# SPDX-License-Identifier: Apache-2.0
"""The README shows twelve lines of `diagnose` during a leak, as the program prints them to root
today, and a mark where it cuts them.

Run with --write to put them there anew."""

import pathlib
import re
import sys
import unittest

from support.case import EndToEndTest
from support.exporter import ConfigFile, run
from support.polling import wait_until

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"
COMMAND = "# sockdiag_exporter diagnose\n"
BLOCK = re.compile(rf"(?<=^```\n){re.escape(COMMAND)}(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)
LINES = 12
CUT = "  …\n"

# A socket lingers after a second, so that nobody waits for a minute.
CONFIG = """
sampling: {interval: 100ms, cpu_budget: 1}
lifetimes: {close_wait: 1s}
"""


def masked(text):
    """Without numbers and ages, which differ from run to run, and where they make lines end."""
    return re.sub(r"\d[\d.]*(?:\s+(?:ms|s|min|h|d)\b)?|\s+", " ", text)


class Diagnose(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.be_called("checkout")
        service = self.start_service(8080)
        for _ in range(60):
            service.not_closed()
        service.connect(12)
        self.config = ConfigFile(CONFIG)
        self.addCleanup(self.config.remove)

    def be_called(self, name):
        """The process that leaks is this one."""
        comm = pathlib.Path("/proc/self/comm")
        self.addCleanup(comm.write_text, comm.read_text())
        comm.write_text(name)

    def excerpt(self):
        """The beginning of the finding: what was seen, what it means, what to do first."""
        report = wait_until(self._report_of_the_leak, "a leak is found").splitlines(keepends=True)
        begin = next(i for i, line in enumerate(report) if line.startswith("WARNING"))
        return "".join(report[begin : begin + LINES]) + CUT

    def _report_of_the_leak(self):
        done = run("diagnose", b"--config.file=" + self.config.path, "--for=0s", "--lang=en")
        text = done.stdout.decode()
        return text if "cw_in_not_closed" in text else None

    def test_the_readme_shows_what_is_printed(self):
        shown = BLOCK.search(README.read_text(encoding="utf-8"))[1]
        self.assertEqual(len(shown.splitlines()), LINES + 1)
        self.assertEqual(masked(shown), masked(self.excerpt()))

    def write(self):
        text = README.read_text(encoding="utf-8")
        excerpt = COMMAND + self.excerpt()
        README.write_text(BLOCK.sub(lambda _: excerpt, text), encoding="utf-8")


if __name__ == "__main__":
    if "--write" in sys.argv:
        Diagnose.test_the_readme_shows_what_is_printed = Diagnose.write
        sys.argv.remove("--write")
    unittest.main()
