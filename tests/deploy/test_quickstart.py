# SPDX-License-Identifier: Apache-2.0
"""deploy/quickstart: what it asks of other programs, and what it says where. The programs that
install and build are stand-ins that write down how they were called."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"
# Without tee: policy-rc.d is not to be written.
USED = ["bash", "cat", "chmod", "dirname", "env", "grep", "id", "mkdir", "rm", "sort"]
NOTE = 'printf "%s\\n" "${0##*/} $*" >>"$CALLS"\n'
PROGRAMS = {
    "apt-get": NOTE + 'echo downloading',
    "sudo": 'exec "$@"',
    "git": "",
    "dpkg-query": 'case "$*" in *" git") exit 1 ;; esac; printf installed',
    "cmake": NOTE + """echo compiling
mkdir -p build/release
printf '#!/usr/bin/env bash\\necho "the exporter at $PWD got $*"\\n' >build/release/sockdiag_exporter
chmod 755 build/release/sockdiag_exporter""",
}


class Quickstart(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="sockdiag_quickstart_")
        self.addCleanup(directory.cleanup)
        self.top = pathlib.Path(directory.name).resolve()
        self.calls = self.top / "calls"
        self.calls.touch()
        (self.top / "repository/.git").mkdir(parents=True)
        (self.top / "repository/deploy").mkdir()
        for name in ("quickstart", "install-packages", "packages", "git-packages"):
            shutil.copy(DEPLOY / name, self.top / "repository/deploy")
        (self.top / "bin").mkdir()
        for name in USED:
            (self.top / "bin" / name).symlink_to(shutil.which(name))
        for name, text in PROGRAMS.items():
            (self.top / "bin" / name).write_text(f"#!/usr/bin/env bash\n{text}\n")
            (self.top / "bin" / name).chmod(0o755)

    def run_it(self, *arguments):
        return subprocess.run(
            [self.top / "repository/deploy/quickstart", *arguments], cwd=self.top, check=True,
            capture_output=True, text=True,
            env={"PATH": str(self.top / "bin"), "CALLS": str(self.calls)})

    def called(self):
        return self.calls.read_text().splitlines()

    def test_help_installs_and_builds_nothing(self):
        for flag in ("-h", "--help"):
            with self.subTest(flag):
                done = self.run_it("--once", flag)
                self.assertRegex(done.stdout, "usage: deploy/quickstart")
                self.assertIn("All arguments go to the exporter", done.stdout)
                self.assertEqual(self.called(), [])

    def test_the_exporter_runs_where_the_user_is_and_has_standard_output_alone(self):
        done = self.run_it("--config.file=my.yml")
        self.assertEqual(done.stdout, f"the exporter at {self.top} got --config.file=my.yml\n")
        self.assertIn("compiling", done.stderr)
        self.assertIn("The exporter starts now", done.stderr)

    def test_what_ends_at_once_is_not_announced(self):
        for flag in ("--once", "--version", "--config.check", "--health"):
            with self.subTest(flag):
                self.assertNotIn("starts now", self.run_it(flag).stderr)

    def test_git_is_installed_where_a_clone_needs_it(self):
        self.run_it("--version")
        self.assertNotIn("apt-get", str(self.called()))
        (self.top / "bin/git").unlink()
        self.run_it("--version")
        self.assertIn("apt-get install -qy --no-install-recommends git", self.called())

    def test_a_tarball_says_that_its_revision_is_unknown(self):
        (self.top / "repository/.git").rmdir()
        (self.top / "bin/git").unlink()
        done = self.run_it("--version")
        self.assertIn("quickstart: no .git here, so the revision", done.stderr)
        self.assertIn("-DSOCKDIAG_REVISION=unknown", str(self.called()))
        self.assertNotIn("apt-get", str(self.called()))


if __name__ == "__main__":
    unittest.main()
