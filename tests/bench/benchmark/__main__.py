# SPDX-License-Identifier: Apache-2.0
"""Runs one benchmark: python3 -m benchmark NAME [ARGUMENT...]

Each is a module of this package with `add_arguments(parser)` and `run(arguments)`. What `run`
returns is None or the result as JSON, to which machine, date and command are added; it then has
`table(result)`, the text to print. A benchmark that found the exporter wrong raises Failure, with
the result where there is one: it is printed and written all the same, and the status is 1.
"""

import argparse
import datetime
import importlib
import json
import pathlib
import sys

from benchmark import command

_COMMANDS = {
    "sampling": "CPU, memory and bytes of a sample, beside everyone else's",
    "plot": "CPU against number of sockets as SVG, from results of sampling",
    "report": "the figures in documents, from results of sampling",
    "scrape": "latency and throughput of /metrics",
    "host_latency": "what sampling does to connect() and accept()",
    "budget": "CPU on every profile against sampling.cpu_budget",
    "quiet": "CPU of daemons on a host where little happens, beside everyone else's",
    "fleet": "a Prometheus that scrapes many hosts, with the shipped rules",
    "micro": "the steps of a sample, beside those of another revision",
}


def _usage():
    lines = [f"  {name:<14}{what}" for name, what in _COMMANDS.items()]
    return "\n".join(["usage: tests/bench/run BENCHMARK [--help | ARGUMENT...]", *lines])


def _parse(name, module, words):
    parser = argparse.ArgumentParser(
        prog=f"tests/bench/run {name}", description=_COMMANDS[name], allow_abbrev=False
    )
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the result there")
    module.add_arguments(parser)
    return parser.parse_args(words)


def _command(words):
    """Without what only says where the result goes."""
    kept = [word for word in words if not word.startswith("--json=")]
    if "--json" in kept:
        at = kept.index("--json")
        del kept[at : at + 2]
    return " ".join(["tests/bench/run", *kept])


def _complete(result, words):
    date = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    about = {"command": _command(words), "date": date, "revision": command.measured_revision()}
    return {**about, "machine": command.describe_machine(), **result}


def _publish(module, result, path):
    print(module.table(result))
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        print(f"JSON: {path}")


def main(words):
    if not words or words[0] not in _COMMANDS:
        print(_usage(), file=sys.stderr)
        return 2
    module = importlib.import_module(f"benchmark.{words[0]}")
    arguments = _parse(words[0], module, words[1:])
    status = 0
    try:
        result = module.run(arguments)
    except command.Failure as failure:
        print(f"{words[0]}: {failure}", file=sys.stderr)
        result, status = failure.result, 1
    if result is not None:
        _publish(module, _complete(result, words), arguments.json)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
