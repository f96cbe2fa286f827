# SPDX-License-Identifier: Apache-2.0
"""A strict reader of the Prometheus text format 0.0.4: what is malformed or twice raises."""

import re

_SAMPLE = re.compile(r"(?P<series>([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?) (\S+)")
_TYPE = re.compile(r"# TYPE (\S+) (\S+)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(,|$)')

_DUMPED_WITHOUT_LABELS = (
    "sockdiag_tcp_ephemeral_ports",
    "sockdiag_tcp_unaccounted_sockets",
    "sockdiag_tcp_unfollowed_sockets",
)


class Exposition:
    """The series of one scrape."""

    def __init__(self, text):
        if not text.endswith("\n"):
            raise ValueError("the exposition does not end with a line feed")
        self._series = {}
        self.types = {}  # of each family, with or without series
        for line in text.splitlines():
            if line.startswith("#"):
                self._add_type(line)
            else:
                self._add(line)

    def _add_type(self, line):
        if match := _TYPE.fullmatch(line):
            if match[1] in self.types:
                raise ValueError(f"family twice: {line!r}")
            self.types[match[1]] = match[2]

    def _add(self, line):
        _, name, labels, value = _sample_in(line)
        key = name, frozenset(_parse_labels(labels or ""))
        if key in self._series:
            raise ValueError(f"series twice: {line!r}")
        self._series[key] = value

    def __len__(self):
        """How many series there are."""
        return len(self._series)

    def get(self, name, **labels):
        """The value of exactly this series, or None."""
        return self._series.get((name, frozenset(labels.items())))

    def value(self, name, **labels):
        """The value of exactly this series, which has to be there."""
        found = self.get(name, **labels)
        if found is None:
            raise AssertionError(f"no series {name}{labels}")
        return found

    def source(self, name, source="tcp"):
        """The value of a self-metric of a source."""
        return self.value(name, source=source)

    def sockets(self, port, direction="inbound"):
        """{state: sockets} of a port; empty where the port has no series."""
        wanted = {("direction", direction), ("port", str(port))}
        return {
            dict(labels)["state"]: value
            for (name, labels), value in self._series.items()
            if name == "sockdiag_tcp_sockets" and wanted <= labels
        }

    def family(self, name):
        """{label values, sorted by label name: value} of all series of that name."""
        return {
            tuple(value for _, value in sorted(labels)): value
            for (found, labels), value in self._series.items()
            if found == name
        }

    def labelled(self, name):
        """[(labels, value)] of all series of that name."""
        return [
            (dict(labels), value)
            for (found, labels), value in self._series.items()
            if found == name
        ]

    def starting_with(self, prefix):
        """{(name, labels): value} of the families whose name starts with `prefix`."""
        return {key: value for key, value in self._series.items() if key[0].startswith(prefix)}

    def of_dumps(self):
        """The same of what was read from netlink: the kernel's counters have no labels."""
        dumped = ("sockdiag_tcp_", "sockdiag_sample_sockets", "sockdiag_sample_unknown")
        return {
            (name, labels): value
            for (name, labels), value in self._series.items()
            if name.startswith(dumped) and (labels or name in _DUMPED_WITHOUT_LABELS)
        }


def split_sample(line):
    """(series as it is written, value) of a line, or None of a comment."""
    return None if line.startswith("#") else _sample_in(line)[::3]


def _sample_in(line):
    match = _SAMPLE.fullmatch(line)
    if match is None:
        raise ValueError(f"not a sample: {line!r}")
    *words, value = match.groups()
    return (*words, float(value))


def _parse_labels(text):
    position = 0
    while position < len(text):
        match = _LABEL.match(text, position)
        if match is None:
            raise ValueError(f"bad labels: {text!r}")
        yield match[1], match[2]
        position = match.end()
