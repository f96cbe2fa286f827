# SPDX-License-Identifier: Apache-2.0
"""The systemd unit, judged by systemd's own tools and run as it says."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

DEPLOY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../deploy/systemd")
UNIT = os.path.join(DEPLOY, "sockdiag_exporter.service")
BINARY = os.environ["SOCKDIAG_EXPORTER"]
WORST_EXPOSURE = 15  # tenths
# Of the package, and only there once it is installed.
PACKAGED_BINARY = "/usr/bin/sockdiag_exporter"


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def analyze(*arguments):
    return subprocess.run(
        ["systemd-analyze", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


class UnitTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="sockdiag_unit_")
        self.addCleanup(self.directory.cleanup)

    def copy(self, change=lambda text: text):
        """The unit with the binary under test, and whatever else is to be changed."""
        path = os.path.join(self.directory.name, os.path.basename(UNIT))
        with open(path, "w", encoding="ascii") as file:
            file.write(change(read(UNIT).replace(PACKAGED_BINARY, BINARY)))
        return path

    def verify(self, path):
        done = analyze("verify", "--man=no", path)
        return done.returncode, done.stdout

    def test_systemd_has_nothing_to_say(self):
        self.assertEqual(self.verify(self.copy()), (0, ""))

    def test_systemd_would_say_it(self):
        path = self.copy(lambda text: text.replace("NoNewPrivileges=yes", "NoNewPrivilege=yes"))
        status, words = self.verify(path)
        self.assertIn("NoNewPrivilege", words, status)

    def test_its_exposure_is_small(self):
        done = analyze("security", "--offline=true", f"--threshold={WORST_EXPOSURE}", self.copy())
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_exposure_would_be_seen(self):
        path = self.copy(lambda text: re.sub("^Protect.*$", "", text, flags=re.MULTILINE))
        done = analyze("security", "--offline=true", f"--threshold={WORST_EXPOSURE}", path)
        self.assertNotEqual(done.returncode, 0)

    def test_the_environment_file_it_reads_is_the_one_that_is_shipped(self):
        self.assertIn("EnvironmentFile=-/etc/default/sockdiag_exporter\n", read(UNIT))
        done = subprocess.run(
            ["sh", "-euc", '. "$1"; printf "%s" "$ARGS"', "sh", f"{DEPLOY}/sockdiag_exporter.default"],
            capture_output=True,
            check=True,
        )
        self.assertEqual((done.stdout, done.stderr), (b"", b""))

    def test_its_check_before_a_reload_is_the_start_with_a_check(self):
        start = re.search(r"^ExecStart=(\S+) (.*)$", read(UNIT), re.MULTILINE)
        check, kill = re.findall(r"^ExecReload=(.*)$", read(UNIT), re.MULTILINE)
        self.assertEqual(check, f"{start[1]} --config.check {start[2]}")
        self.assertIn('kill -HUP "$MAINPID"', kill)

    def test_the_files_it_names_are_accepted_by_the_program(self):
        config = os.path.join(self.directory.name, "sockdiag_exporter.yml")
        shutil.copy(os.path.join(DEPLOY, "../../config/sockdiag_exporter.yml"), config)
        command = re.search(r"^ExecReload=(\S+ --config.check .*)$", read(UNIT), re.MULTILINE)[1]
        words = command.replace("/etc/sockdiag_exporter", self.directory.name).split()
        arguments = [word for word in words[1:] if word != "$ARGS"]
        done = subprocess.run([BINARY, *arguments], capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, b"ok\n"), done.stderr)


if __name__ == "__main__":
    unittest.main()
