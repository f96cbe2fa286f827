# SPDX-License-Identifier: Apache-2.0
"""The manual pages: their flags are the programs', their files the package's, their markup is clean."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

EXPORTER = pathlib.Path(os.environ["SOCKDIAG_EXPORTER"])
OPENER = EXPORTER.with_name("sockdiag_opener")
PAGES = {
    program: pathlib.Path(__file__).resolve().parents[2] / f"deploy/debian/{program.name}.1"
    for program in (EXPORTER, OPENER)
}
LINTERS = (["mandoc", "-T", "lint", "-W", "warning"], ["groff", "-mandoc", "-T", "utf8", "-ww", "-z"])
# Of a running system, not of the package.
SOCKET = "/run/sockdiag_opener/socket"
SUBCOMMANDS = ("diagnose", "explain", "top")
# What every Debian package has and no manual page names.
COMMON = r"/usr/(bin/|share/man/|share/doc/sockdiag-exporter/(copyright|changelog.*)$)"


def output_of(*command, **environment):
    return subprocess.run(command, check=True, capture_output=True, text=True,
                          env=os.environ | environment).stdout


def section(title, program=EXPORTER):
    """The lines of a section as a terminal shows it, without overstriking for bold and underline."""
    page = re.sub(".\b", "", output_of("mandoc", "-T", "ascii", str(PAGES[program])))
    return re.search(rf"^{title}\n(.*?)(?=^\S)", page, re.M | re.S)[1].splitlines()


def flags_in(lines):
    """The flags that begin a line, each with what its value is called, None where it takes none."""
    matches = (re.match(r" +(?:-h, ?)?(--[a-z.-]+)(?: ([A-Z]+))?(?: |$)", line) for line in lines)
    return {match[1]: match[2] for match in matches if match}


def files_of_the_package():
    with tempfile.TemporaryDirectory() as root:
        for component in ("Unspecified", "system"):
            output_of("cmake", "--install", str(EXPORTER.parent), "--prefix", "/usr",
                      "--component", component, DESTDIR=root)
        files = (path for path in pathlib.Path(root).rglob("*") if path.is_file())
        return {f"/{path.relative_to(root)}" for path in files}


class ManPage(unittest.TestCase):
    maxDiff = None

    def test_lists_the_flags_of_the_program(self):
        for program in PAGES:
            with self.subTest(program.name):
                flags = flags_in(output_of(str(program), "--help").splitlines())
                self.assertIn("--help", flags)
                self.assertEqual(flags_in(section("DESCRIPTION", program)), flags)

    def test_lists_the_subcommands_and_their_flags(self):
        flags = {}
        for name in SUBCOMMANDS:
            with self.subTest(name):
                self.assertIn(f"     {name}", "\n".join(section("SUBCOMMANDS")))
                flags |= flags_in(output_of(str(EXPORTER), name, "--help").splitlines())
        self.assertIn("--lang", flags)
        self.assertEqual(flags_in(section("SUBCOMMANDS")), flags)

    def test_names_the_files_of_the_package_and_no_others(self):
        lines = [line.strip() for program in PAGES for line in section("FILES", program)]
        named = {line for line in lines if line.startswith("/")} - {SOCKET}
        files = {path for path in files_of_the_package() if not re.match(COMMON, path)}
        for path in named:
            with self.subTest(path):
                self.assertTrue(any(f"{file}/".startswith(f"{path}/") for file in files))
        for file in files:
            with self.subTest(file):
                self.assertTrue(any(f"{file}/".startswith(f"{path}/") for path in named))

    def test_is_clean_for_those_who_render_it(self):
        for command in LINTERS:
            for page in PAGES.values():
                with self.subTest(command[0], page=page.name):
                    result = subprocess.run([*command, str(page)], capture_output=True, text=True)
                    self.assertEqual(result.stdout + result.stderr, "")


if __name__ == "__main__":
    unittest.main()
