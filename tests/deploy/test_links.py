# SPDX-License-Identifier: Apache-2.0
"""Each link of each document leads somewhere: in the repository, and among the installed files."""

import collections
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What is not installed is linked to by these; they hold for the same path in this repository.
OURS = re.compile(r"https://github\.com/sockdiag/sockdiag_exporter/(?:blob|tree)/main/")
LINK = re.compile(r"\]\(([^)\s]+)\)")
OTHERS = re.compile(r"https?://")


def prose(path):
    """Without code, in which brackets are no links and # is no heading."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    return re.sub(r"^(?: {4}|\t).*$", "", text, flags=re.M)


def links(path):
    return LINK.findall(re.sub(r"`[^`\n]*`", "", prose(path)))


def slug(heading):
    """As GitHub makes anchors of headings."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def anchors(path):
    """Of equal headings the second gets -1."""
    found, times = set(), collections.Counter()
    for heading in re.findall(r"^#+ (.+?) *$", prose(path), flags=re.M):
        anchor = slug(heading)
        found.add(f"{anchor}-{times[anchor]}" if times[anchor] else anchor)
        times[anchor] += 1
    return found


def problem(document, link, top):
    """Why a link leads nowhere within top; None if it does, or leaves it for another site."""
    path, _, anchor = link.partition("#")
    if OURS.match(link):
        target = ROOT / OURS.sub("", path)
    elif OTHERS.match(link):
        return None
    else:
        target = (document.parent / path).resolve() if path else document
        if not target.is_relative_to(top):
            return "leads out of the tree"
    if not target.exists():
        return "no such file"
    if anchor and anchor not in anchors(target):
        return "no such heading"
    return None


def problems(document, top):
    found = {link: problem(document, link, top) for link in links(document)}
    return {link: why for link, why in found.items() if why}


def documents(top):
    """Markdown that is not hidden and not built."""
    for path in sorted(top.rglob("*.md")):
        parts = path.relative_to(top).parts
        if parts[0] != "build" and not any(part.startswith(".") for part in parts):
            yield path


class Repository(unittest.TestCase):
    def test_each_link_leads_to_a_file_and_a_heading(self):
        for document in documents(ROOT):
            with self.subTest(str(document.relative_to(ROOT))):
                self.assertEqual(problems(document, ROOT), {})

    def test_links_are_found(self):
        number = {str(path.relative_to(ROOT)): len(links(path)) for path in documents(ROOT)}
        self.assertGreater(number["README.md"], 10)
        self.assertGreater(number["deploy/prometheus/runbook.md"], 50)

    def test_a_broken_link_would_be_seen(self):
        rows = {
            "[a](folder/other.md)": None,
            "[a](folder/other.md#there-and_there)": None,
            "![a](folder/picture.svg)": None,
            "[a](#here-1)": None,
            "[a](https://example.org/nowhere)": None,
            "[a](https://github.com/sockdiag/sockdiag_exporter/blob/main/LICENSE)": None,
            "`[a](nowhere)`": None,
            "[a](#there)": "no such heading",
            "[a](#here-2)": "no such heading",
            "[a](folder/other.md#here)": "no such heading",
            "[a](folder/another.md)": "no such file",
            "[a](../README.md)": "leads out of the tree",
            "[a](https://github.com/sockdiag/sockdiag_exporter/blob/main/LICENCE)": "no such file",
        }
        with tempfile.TemporaryDirectory(prefix="sockdiag_links_") as directory:
            top = pathlib.Path(directory).resolve()
            (top / "folder").mkdir()
            (top / "folder/picture.svg").touch()
            (top / "folder/other.md").write_text("## `There`, and_there\n", encoding="utf-8")
            for text, why in rows.items():
                with self.subTest(text):
                    document = top / "document.md"
                    document.write_text(f"# Here\n\n# Here\n\n{text}\n", encoding="utf-8")
                    self.assertEqual(list(problems(document, top).values()), [why] if why else [])


class Installed(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="sockdiag_links_")
        self.addCleanup(directory.cleanup)
        self.top = pathlib.Path(directory.name).resolve()
        build = pathlib.Path(os.environ["SOCKDIAG_EXPORTER"]).parent
        subprocess.run(["cmake", "--install", str(build), "--prefix", "/usr", "--component",
                        "Unspecified"], env=os.environ | {"DESTDIR": str(self.top)}, check=True,
                       capture_output=True)

    def test_each_link_leads_to_an_installed_file_and_a_heading(self):
        found = list(documents(self.top))
        self.assertGreater(len(found), 5)
        for document in found:
            with self.subTest(str(document.relative_to(self.top))):
                self.assertEqual(problems(document, self.top), {})


if __name__ == "__main__":
    unittest.main()
