# SPDX-License-Identifier: Apache-2.0
"""Bash's completion offers what the program takes."""

import os
import pathlib
import re
import subprocess
import unittest

EXPORTER = os.environ["SOCKDIAG_EXPORTER"]
SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "deploy/debian/sockdiag_exporter.bash"

COMPLETE = """
source "$1"; program=$2; shift 2
COMP_WORDS=("$program" "$@"); COMP_CWORD=$#
_sockdiag_exporter "$program" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def completions(*words):
    """What is offered for the last of the words, which bash has split at equals signs."""
    done = subprocess.run(["bash", "-uc", COMPLETE, "bash", str(SCRIPT), EXPORTER, *words],
                          check=True, capture_output=True, text=True)
    if done.stderr:
        raise AssertionError(done.stderr)
    return set(done.stdout.split())


def flags_of(*subcommand):
    text = subprocess.run([EXPORTER, *subcommand, "--help"], check=True, capture_output=True,
                          text=True).stdout
    return set(re.findall(r"(?m)^ +(?:-h,)?(--[a-z.-]+)", text))


class Completion(unittest.TestCase):
    def test_offers_every_flag_where_it_may_stand(self):
        self.assertIn("--config.file", flags_of())
        self.assertEqual(completions("--"), flags_of())
        for subcommand in ("diagnose", "explain", "top"):
            with self.subTest(subcommand):
                self.assertIn("--lang", flags_of(subcommand))
                self.assertEqual(completions(subcommand, "--"), flags_of() | flags_of(subcommand))

    def test_offers_the_subcommands(self):
        self.assertLessEqual({"diagnose", "explain", "top"}, completions(""))
        self.assertEqual(completions("dia"), {"diagnose"})
        self.assertEqual(completions("diagnose", "e"), set())

    def test_offers_states_and_findings_to_explain(self):
        self.assertEqual(completions("explain", "CLOSE_W"), {"CLOSE_WAIT"})
        self.assertEqual(completions("explain", "cw_out_l"), {"cw_out_leak"})

    # What every one of these flags takes, the program has to take, too.
    def test_offers_values_that_are_good(self):
        for flag in ("--format", "--color", "--lang", "--for", "--log.level", "--log.format"):
            offered = completions("diagnose", flag, "")
            self.assertGreater(len(offered), 1)
            self.assertEqual(completions("diagnose", flag, "="), offered)
            for value in offered:
                with self.subTest(f"{flag}={value}"):
                    self.assertEqual(completions("diagnose", flag, "=", value[:2]) & {value}, {value})
                    done = subprocess.run([EXPORTER, "diagnose", f"{flag}={value}", "--help"],
                                          check=False, capture_output=True)
                    self.assertEqual(done.returncode, 0, done)

    def test_offers_processes_and_namespaces_to_look_into(self):
        own = str(os.getpid())
        self.assertEqual(completions("diagnose", "--pid", own) & {own}, {own})
        self.assertNotIn("self", completions("diagnose", "--pid", "="))
        self.assertIn("/proc/self/ns/net", completions("top", "--netns", "/proc/self/ns/n"))

    def test_offers_files_for_the_configuration(self):
        folder = f"{SCRIPT.parent}/sockdiag_exporter."
        self.assertIn(str(SCRIPT), completions("--config.file", folder))


if __name__ == "__main__":
    unittest.main()
