# SPDX-License-Identifier: Apache-2.0
"""The systemd units, judged by systemd's own tools, and the exporter's run as it says."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

DEPLOY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../deploy/systemd")
UNIT = os.path.join(DEPLOY, "sockdiag_exporter.service")
BINARY = os.environ["SOCKDIAG_EXPORTER"]
OPENER_UNIT = os.path.join(DEPLOY, "sockdiag_opener.service")
SOCKET_UNIT = os.path.join(DEPLOY, "sockdiag_opener.socket")
WORST_EXPOSURE = 15  # tenths
# Of the package, and only there once it is installed.
PACKAGED_BINARIES = "/usr/bin/"
BUILT_BINARIES = os.path.dirname(BINARY) + "/"
README = os.path.join(DEPLOY, "../README.md")


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


def drop_in():
    """What deploy/README.md says to add to the exporter's unit."""
    with open(README, encoding="utf-8") as file:
        return re.search(r"\n# systemctl edit sockdiag_exporter\n(\[Service\]\nProtectProc[^`]*)```", file.read())[1]


def with_drop_in(text):
    return text.replace("[Install]", f"{drop_in()}\n[Install]")


class UnitTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="sockdiag_unit_")
        self.addCleanup(self.directory.cleanup)

    def copy(self, change=lambda text: text, unit=UNIT):
        """The unit with the binary under test, and whatever else is to be changed."""
        path = os.path.join(self.directory.name, os.path.basename(unit))
        with open(path, "w", encoding="ascii") as file:
            file.write(change(read(unit).replace(PACKAGED_BINARIES, BUILT_BINARIES)))
        return path

    def verify(self, *paths):
        done = analyze("verify", "--man=no", *paths)
        return done.returncode, done.stdout

    def test_systemd_has_nothing_to_say(self):
        units = [self.copy(unit=unit) for unit in (UNIT, OPENER_UNIT, SOCKET_UNIT)]
        self.assertEqual(self.verify(*units), (0, ""))

    def test_systemd_would_say_it(self):
        path = self.copy(lambda text: text.replace("NoNewPrivileges=yes", "NoNewPrivilege=yes"))
        status, words = self.verify(path)
        self.assertIn("NoNewPrivilege", words, status)

    def test_its_exposure_is_small(self):
        for path in (self.copy(), self.copy(unit=OPENER_UNIT), self.copy(with_drop_in)):
            done = analyze("security", "--offline=true", f"--threshold={WORST_EXPOSURE}", path)
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_exposure_would_be_seen(self):
        path = self.copy(lambda text: re.sub("^Protect.*$", "", text, flags=re.MULTILINE))
        done = analyze("security", "--offline=true", f"--threshold={WORST_EXPOSURE}", path)
        self.assertNotEqual(done.returncode, 0)

    def test_the_drop_in_for_namespaces_is_one_that_systemd_takes(self):
        self.assertEqual(self.verify(self.copy(with_drop_in)), (0, ""))
        sections = drop_in().splitlines()
        self.assertIn("ProtectProc=default", sections)
        (group,) = re.findall("^SocketGroup=(.*)$", read(SOCKET_UNIT), re.MULTILINE)
        self.assertIn(f"SupplementaryGroups={group}", sections)
        self.assertNotIn(group, ("sockdiag_exporter", "sockdiag_opener"))  # dynamic users
        self.assertIn(f"\ng {group} -\n", read(f"{DEPLOY}/sockdiag_opener.sysusers"))

    def test_the_socket_is_where_the_exporter_looks_for_it(self):
        (path,) = re.findall("^ListenSequentialPacket=(.*)$", read(SOCKET_UNIT), re.MULTILINE)
        configuration = read(os.path.join(DEPLOY, "../../config/sockdiag_exporter.yml"))
        self.assertIn(f"\n  opener_socket: {path}\n", configuration)

    def test_the_opener_has_two_capabilities_and_they_are_all_it_can_have(self):
        both = ["CAP_SYS_ADMIN CAP_SYS_PTRACE"]
        for name in ("AmbientCapabilities", "CapabilityBoundingSet"):
            self.assertEqual(re.findall(f"^{name}=(.*)$", read(OPENER_UNIT), re.MULTILINE), both)

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
