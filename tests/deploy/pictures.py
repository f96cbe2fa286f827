#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pictures of the program, and what they were drawn from.

usage: tests/deploy/pictures.py PICTURE

Writes PICTURE.sha256, whose lines `sha256sum --check` reads: the picture itself, and each file that
it was drawn from. A picture is too old when one of them has changed.
"""

import hashlib
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
_HEAD = "# SPDX-License-Identifier: Apache-2.0\n"

# What draws each picture, as patterns below the root.
DRAWN_FROM = {
    "deploy/page.png": (
        ".ci/browser/picture.mjs",
        "src/pages/*section*.cpp",
        "src/pages/figures.cpp",
        "src/pages/labels.hpp",
        "src/pages/page.css",
        "src/pages/status_page.cpp",
        "src/diagnosis/close_wait_texts.hpp",
        "src/diagnosis/state_texts.cpp",
        "src/diagnosis/wrong_advice.hpp",
    ),
}


def digests(picture):
    """The lines for a picture as it is now."""
    sources = {path for pattern in DRAWN_FROM[picture] for path in ROOT.glob(pattern)}
    return _HEAD + "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(ROOT)}\n"
        for path in [ROOT / picture, *sorted(sources)]
    )


def record_of(picture):
    return ROOT / f"{picture}.sha256"


if __name__ == "__main__":
    record_of(sys.argv[1]).write_text(digests(sys.argv[1]), encoding="utf-8")
