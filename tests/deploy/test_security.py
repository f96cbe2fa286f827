# SPDX-License-Identifier: Apache-2.0
"""SECURITY.md names tests that exist, and all that are about hostile input and faults."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "SECURITY.md"
TEST = re.compile(r"`(tests/[\w/.]+\.(?:py|cpp))(?:::(\w+))?`")

# Files that are about clients, bytes and faults, by their names.
HOSTILE = [
    "tests/e2e/test_*clients.py",
    "tests/e2e/test_*failures.py",
    "tests/e2e/test_bad_*.py",
    "tests/e2e/test_hostile_*.py",
    "tests/e2e/test_forbidden_*.py",
    "tests/e2e/test_opener*.py",
    "tests/e2e/test_soak.py",
    "tests/e2e/test_tls.py",
    "tests/e2e/test_web_configuration.py",
]


def rows(text):
    """The rows of the table of threats, each with the tests that it names."""
    table = text.partition("## Threats")[2].partition("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")][2:]
    return {line: TEST.findall(line) for line in lines}


def problem(path, name):
    file = ROOT / path
    if not file.exists():
        return f"{path}: no such file"
    if name and not re.search(rf"def {name}\(", file.read_text(encoding="utf-8")):
        return f"{path}: no {name}"
    return None


def fuzz_targets():
    text = (ROOT / "tests/fuzz/CMakeLists.txt").read_text(encoding="ascii")
    return re.findall(r"^add_fuzz_target\((\w+)", text, re.MULTILINE)


def hostile_files():
    files = {str(file.relative_to(ROOT)) for glob in HOSTILE for file in ROOT.glob(glob)}
    return files | {f"tests/fuzz/{target}.cpp" for target in fuzz_targets()}


class Threats(unittest.TestCase):
    def setUp(self):
        self.rows = rows(DOCUMENT.read_text(encoding="utf-8"))

    def test_each_row_names_tests_that_exist(self):
        self.assertGreater(len(self.rows), 10)
        for row, tests in self.rows.items():
            with self.subTest(row):
                self.assertTrue(tests)
                self.assertEqual([problem(*test) for test in tests], [None] * len(tests))

    def test_each_test_of_hostile_input_is_named(self):
        named = {path for tests in self.rows.values() for path, _ in tests}
        self.assertGreater(len(hostile_files()), 10)
        self.assertEqual(hostile_files() - named, set())

    def test_a_missing_test_would_be_seen(self):
        self.assertIsNotNone(problem("tests/e2e/test_nothing.py", ""))
        self.assertIsNotNone(problem("tests/e2e/test_http.py", "test_nothing"))
        self.assertEqual(rows("## Threats\n\n|a|\n|-|\n| b | c |\n"), {"| b | c |": []})

    def test_each_fuzz_target_is_told(self):
        told = DOCUMENT.read_text(encoding="utf-8").partition("## Fuzzing")[2]
        self.assertEqual([name for name in fuzz_targets() if f"`{name}`" not in told], [])


if __name__ == "__main__":
    unittest.main()
