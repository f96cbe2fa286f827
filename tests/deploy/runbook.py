# SPDX-License-Identifier: Apache-2.0
"""The runbook, and the commands in it."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUNBOOK = ROOT / "deploy/prometheus/runbook.md"


def read(path):
    return path.read_text(encoding="utf-8")


def commands(text):
    """The lines of all fenced blocks."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]
