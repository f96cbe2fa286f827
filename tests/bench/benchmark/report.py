# SPDX-License-Identifier: Apache-2.0
"""The figures in documents, rendered from results/*.json: nothing is said that was not measured."""

import json
import pathlib

from benchmark.failure import Failure
from benchmark.load import PROFILES
from benchmark.markdown import render, render_summary

_BENCH = pathlib.Path(__file__).resolve().parents[1]
_DOCUMENTS = {_BENCH.parents[1] / "README.md": render_summary, _BENCH / "README.md": render}
_BEGIN, _END = "<!-- cost: begin -->\n", "<!-- cost: end -->\n"


def add_arguments(parser):
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="fail where a document says otherwise")
    action.add_argument("--write", action="store_true", help="put them into the documents")


def run(arguments):
    results = _results()
    for document, renderer in _DOCUMENTS.items():
        _update(document, renderer(results), arguments)


def _update(document, rendered, arguments):
    text = document.read_text(encoding="utf-8")
    before, after = _around(document, text)
    wanted = f"{before}{_BEGIN}{rendered}{_END}{after}"
    if arguments.write:
        document.write_text(wanted, encoding="utf-8")
    elif not arguments.check:
        print(rendered, end="")
    elif text != wanted:
        raise Failure(f"{document} differs from tests/bench/results: run report --write")


def _results():
    """By profile; all have to be of one machine and one exporter."""
    found = {profile: _result(f"{profile}.json") for profile in PROFILES}
    machines = {(each["machine"]["cpu"], each["machine"]["kernel"]) for each in found.values()}
    revisions = {each["revision"] for each in found.values()}
    if len(machines) > 1 or len(revisions) > 1:
        raise Failure(f"the results differ in what was measured: {machines}, {revisions}")
    return found


def _result(name):
    return json.loads((_BENCH / "results" / name).read_text(encoding="utf-8"))


def _around(document, text):
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise Failure(f"{document} has no lines {_BEGIN.strip()} and {_END.strip()}")
    return before, after
