# SPDX-License-Identifier: Apache-2.0
"""Each ss command of the runbook and of the findings shows what is meant, and none in any text asks
for more sockets.

SOCKDIAG_OTHER_SS may name an ss of another release of iproute2: commands are tried with both."""

import collections
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from runbook import ROOT, RUNBOOK, commands, read
from socket_scene import DEFERRING, ends_shown, kernel_sockets, scene

CAUSES = ROOT / "include/sockdiag/core/close_wait_cause.hpp"


# Of which direction a finding is where it is not inbound.
OUTBOUND = {
    "cw_out_unread_eof",
    "cw_out_leak",
    "syn_sent_unanswered",
    "connect_refused",
    "ports_short",
    "tw_client",
}
BOTH = {"close_unacked", "fin_wait2_held", "receive_queue_stuck", "send_queue_stuck"}


def is_of(finding, direction):
    return finding in BOTH or (finding in OUTBOUND) == (direction == "outbound")


def finding_commands():
    """(name, command) of each command that confirms a finding."""
    program = os.environ["FINDING_COMMANDS"]
    output = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    rows = [line.split("\t") for line in output.splitlines()]
    return [(row[0], row[3]) for row in rows if is_of(row[0], row[1])]


def ss_commands():
    """Those of the runbook and of the findings."""
    of_findings = [command for _, command in finding_commands()]
    every = dict.fromkeys([*commands(read(RUNBOOK)), *of_findings])
    return [line for line in every if line.startswith("ss -")]


def ss_programs():
    """The machine's own, and one of another release of iproute2 if it is named."""
    return list(filter(None, ["ss", os.environ.get("SOCKDIAG_OTHER_SS")]))


def run_with(program, command):
    """Fails with any part of a pipe."""
    script = f'ss() {{ command "$SS" "$@"; }}; set -euo pipefail; {command}'
    return subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SS": program, "LC_ALL": "C"},
    )


# The words that a command may give after "state", and the state as /proc/net/tcp tells it. The
# others are groups.
ONE_STATE = {
    "established": "established",
    "syn-sent": "syn_sent",
    "syn-recv": "syn_recv",
    "fin-wait-1": "fin_wait1",
    "fin-wait-2": "fin_wait2",
    "closing": "closing",
    "time-wait": "time_wait",
    "close-wait": "close_wait",
    "last-ack": "last_ack",
}

# What is meant where a command names several.
TO_BE_CLOSED = {"closing", "last-ack", "fin-wait-1"}
WITH_QUEUES = TO_BE_CLOSED | {"established", "fin-wait-2", "close-wait"}
PASSING = TO_BE_CLOSED | {"syn-sent", "syn-recv", "fin-wait-2", "close-wait"}
WITH_A_LOCAL_PORT = WITH_QUEUES | {"syn-sent", "time-wait"}
SEVERAL_STATES = [TO_BE_CLOSED, WITH_QUEUES, PASSING, WITH_A_LOCAL_PORT]

# What ss filters, and what grep and awk leave of it.
KEEP = {
    "sport = :8080": lambda row: row.local_port == 8080,
    "dport = :5432": lambda row: row.remote_port == 5432,
    "sport = :10293": lambda row: row.local_port == 10293,
    "sport >= :61000": lambda row: row.local_port >= 61000,
    "sport >= :15000 and sport <= :32767": lambda row: 15000 <= row.local_port <= 32767,
    "sport >= :32768 and sport <= :60999": lambda row: 32768 <= row.local_port <= 60999,
    "grep 'ino:0 '": lambda row: row.inode == 0,
    "grep -v 'ino:0 '": lambda row: row.inode != 0,
    "grep 'timer:(persist'": lambda row: row.timer == 4,
    "grep -v 'timer:(keepalive'": lambda row: row.timer != 2,
    "grep 'timer:(keepalive.*ino:0 '": lambda row: row.timer == 2 and row.inode == 0,
    "awk '$1==0'": lambda row: row.receive_queue == 0,
    "awk '$1==1'": lambda row: row.receive_queue == 1,
    "awk '$1!=1'": lambda row: row.receive_queue != 1,
    "awk '$1==1 && !/ino:0 /'": lambda row: row.receive_queue == 1 and row.inode != 0,
    "awk '$1>0 && !/ino:0 /'": lambda row: row.receive_queue > 0 and row.inode != 0,
    "awk '$1>1 && !/ino:0 /'": lambda row: row.receive_queue > 1 and row.inode != 0,
    # Of a listener the kernel shows its queue there, and the limit in no field.
    "awk '$2>$3'": lambda row: row.local_port == 8082 and row.state == "listen",
    # A handshake that waits for its first byte has timed out, but no SYN-ACK was sent again.
    "awk -F'[(),]' '$4>0'": lambda row: row.repetitions > 0 and row.local != DEFERRING,
}

# Lengths of goodbyes are a list in the command.
GOODBYE = re.compile(r"awk '\$1 ~ /\^\(((?:\d+\|)*\d+)\)\$/(?: && !/ino:0 /)?'")

LOCAL_PORT = "sed 's/.*://' | sort | uniq -c | sort -rn | head"
WITHOUT_PORT = "sed 's/:[0-9]*$//' | sort | uniq -c | sort -rn | head"
NETWORK = r"sed -E 's/\.[0-9]+:[0-9]+$//' | sort | uniq -c | sort -rn | head"


def printed(address):
    return f"[{address}]" if ":" in address else address


def network(row):
    """Of IPv4 alone."""
    if ":" in row.remote:
        return f"[{row.remote}]:{row.remote_port}"
    return row.remote.rpartition(".")[0]


# What is counted at the end of a pipe, by whether ss prints a column of states before the others.
COUNTED = {
    (False, f"awk '{{print $3}}' | {LOCAL_PORT}"): lambda row: str(row.local_port),
    (False, f"awk '{{print $4}}' | {LOCAL_PORT}"): lambda row: str(row.remote_port),
    (True, f"awk '{{print $4}}' | {LOCAL_PORT}"): lambda row: str(row.local_port),
    (True, f"awk '{{print $5}}' | {LOCAL_PORT}"): lambda row: str(row.remote_port),
    (False, f"awk '{{print $4}}' | {WITHOUT_PORT}"): lambda row: printed(row.remote),
    (True, f"awk '{{print $5}}' | {WITHOUT_PORT}"): lambda row: printed(row.remote),
    (False, f"awk '{{print $4}}' | {NETWORK}"): network,
    (False, "awk '{print $3}' | sort | uniq -c | sort -rn | head"): (
        lambda row: f"{printed(row.local)}:{row.local_port}"
    ),
    (False, "awk '{print $4}' | sort | uniq -c | sort -rn | head"): (
        lambda row: f"{printed(row.remote)}:{row.remote_port}"
    ),
    (True, "awk '{print $1}' | sort | uniq -c | sort -rn"): lambda row: as_ss_prints(row.state),
    (
        True,
        """awk '{sub(/:[0-9]+$/,"",$4);print $4,$5}' | sort | uniq -c | sort -rn | head -3""",
    ): lambda row: f"{printed(row.local)} {printed(row.remote)}:{row.remote_port}",
}
BROKEN_PIPE = 128 + 13
LOCAL_PORTS = """awk '{sub(/.*:/,"",$4);print $4}' | sort -u | wc -l"""
LONGEST = {"sort -rnk2 | head": "receive_queue", "sort -rnk3 | head": "send_queue"}


def as_ss_prints(state):
    words = {known: word for word, known in ONE_STATE.items()}
    return {"established": "ESTAB"}.get(state, words[state].upper())


class Command:
    """One of the runbook's, and what it is meant to show of the rows of /proc/net/tcp."""

    def __init__(self, text):
        first, *self._pipe = text.split(" | ")
        self.flags = first.split()[1]
        words = re.findall(r"state (\S+)", first)
        self._states = {"listen"} if "l" in self.flags else {ONE_STATE[word] for word in words}
        self._shows_states = len(words) > 1 or "l" in self.flags
        filters = re.findall(r"'\( (.*?) \)'", first)
        self._keep = [KEEP[text] for text in filters]
        while self._pipe and (keep := self._keeper(self._pipe[0])):
            self._keep.append(keep)
            del self._pipe[0]

    def _keeper(self, stage):
        if lengths := GOODBYE.fullmatch(stage):
            numbers = set(map(int, lengths[1].split("|")))
            return lambda row: row.receive_queue in numbers and row.inode != 0
        return KEEP.get(stage)

    def selects(self, row):
        return row.state in self._states and all(keep(row) for keep in self._keep)

    def expect(self, test, selected, output):
        end = " | ".join(self._pipe)
        if not end:
            test.assertCountEqual(ends_shown(output), [row.ends for row in selected])
        elif end == "wc -l":
            test.assertEqual(output.split(), [str(len(selected))])
        elif end == LOCAL_PORTS:
            test.assertEqual(output.split(), [str(len({row.local_port for row in selected}))])
        elif end in LONGEST:
            self._expect_longest(test, selected, LONGEST[end], output)
        else:
            self._expect_counts(test, selected, COUNTED[self._shows_states, end], end, output)

    def _expect_longest(self, test, selected, queue, output):
        by_ends = {row.ends: getattr(row, queue) for row in selected}
        shown = [by_ends[ends] for ends in ends_shown(output)]
        test.assertEqual(shown, sorted(by_ends.values(), reverse=True)[:10])
        test.assertGreater(shown[0], 1)

    def _expect_counts(self, test, selected, key, end, output):
        expected = collections.Counter(map(key, selected))
        lines = [line.split(maxsplit=1) for line in output.splitlines()]
        shown = {text: int(count) for count, text in lines}
        most = {"head": 10, "head -3": 3}.get(end.rpartition(" | ")[2], len(expected))
        test.assertEqual(shown.items() - expected.items(), set())
        test.assertEqual(list(shown.values()), sorted(expected.values(), reverse=True)[:most])


class Goodbyes(unittest.TestCase):
    def test_lengths_are_those_that_the_exporter_tells_them_by(self):
        table = read(CAUSES).partition("kGoodbyeLengths")[2].partition("});")[0]
        lengths = re.findall(r"^ +(\d+),", table, flags=re.MULTILINE)
        stages = [stage for command in ss_commands() for stage in command.split(" | ")]
        shown = [match[1].split("|") for match in map(GOODBYE.fullmatch, stages) if match]
        self.assertEqual(shown, [lengths] * 3)


class FindingCommands(unittest.TestCase):
    def test_each_finding_has_one_but_where_no_socket_is_to_be_seen(self):
        found = {name for name, command in finding_commands() if command.startswith("ss ")}
        names = {name for name, _ in finding_commands()}
        self.assertEqual(len(names), 25)
        self.assertEqual(names - found, {"connect_refused", "blind"})

    def test_counters_are_those_that_nstat_knows(self):
        history = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()), "history")
        for _, command in finding_commands():
            if command.startswith("nstat -az "):
                with self.subTest(command):
                    done = run_with("ss", f"NSTAT_HISTORY={history} {command}")
                    shown = [line.split()[0] for line in done.stdout.splitlines()[1:]]
                    self.assertCountEqual(shown, command.split()[2:])


class Sockets(unittest.TestCase):
    """Each ss command shows exactly the sockets that are meant, beside neighbours in other states,
    on other ports, without a process, in the other family, and only bound."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(scene())

    def test_several_states_are_one_of_the_lists_that_are_meant(self):
        for command in ss_commands():
            words = re.findall(r"state (\S+)", command)
            with self.subTest(command):
                self.assertEqual(len(words), len(set(words)))
                if len(words) > 1:
                    self.assertIn(set(words), SEVERAL_STATES)

    def test_each_shows_exactly_the_sockets_that_are_meant(self):
        for program in ss_programs():
            for text in ss_commands():
                if text != "ss -s":
                    with self.subTest(text, program=program):
                        self._check(program, text)

    def _check(self, program, text):
        command = Command(text)
        done, selected = self._run_while_nothing_moves(command, program, text)
        endings = (0, BROKEN_PIPE) if "| head" in text else (0,)  # of sort, when head has enough
        self.assertIn(done.returncode, endings)
        self.assertEqual(done.stderr, "")
        self.assertTrue(selected, "the scene has none")
        self.assertLess(len(selected), len(kernel_sockets()), "the scene has no neighbours")
        command.expect(self, selected, done.stdout)
        if "p" in command.flags and any(row.inode for row in selected):
            self.assertIn("users:((", done.stdout)

    def _run_while_nothing_moves(self, command, program, text):
        """Timers may run out while ss runs, and sockets be gone with them."""
        for _ in range(10):
            before = list(filter(command.selects, kernel_sockets()))
            done = run_with(program, text)
            after = list(filter(command.selects, kernel_sockets()))
            if {row.ends for row in before} == {row.ends for row in after}:
                return done, after
        self.fail("the scene does not stand still")


# From iproute2 6.8 on, ss asks for sockets that are only bound as well where no state is named,
# with -a, with "exclude", and with these groups: the walk over them delays accept() on a busy host.
SS = re.compile(r"\bss (-[A-Za-z]+)((?: (?:and )?(?:state|exclude) [\w-]+)*)")
OPTIONS_NAMED_ALONE = {"-p", "-i", "-K"}

# The README compares itself and its cost with this one.
MEASURED = re.compile(r"\| `ss -tan`")


def asks_for_states_alone(flags, states):
    if "s" in flags or flags in OPTIONS_NAMED_ALONE:
        return True
    if "a" in flags or "exclude" in states:
        return False
    named = re.findall(r"state ([\w-]+)", states)
    return "l" in flags if not named else set(named) <= set(ONE_STATE)


def shipped_texts():
    """{path: text on one line} of what people read or import."""
    folders = [ROOT / "config", ROOT / "deploy"]
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in [ROOT / "README.md", *files]:
        if "__pycache__" not in path.parts and path.suffix != ".png":
            text = MEASURED.sub("", read(path)).replace("\\n", " ")
            yield str(path.relative_to(ROOT)), " ".join(text.split())
    yield "findings", "\n".join(command for _, command in finding_commands())


class StatesAreNamed(unittest.TestCase):
    def test_in_every_ss_command_of_every_shipped_text(self):
        for path, text in shipped_texts():
            for flags, states in SS.findall(text):
                with self.subTest(path, command=f"ss {flags}{states}"):
                    self.assertTrue(asks_for_states_alone(flags, states))

    def test_commands_are_found_in_texts_of_each_kind(self):
        found = {path for path, text in shipped_texts() if SS.search(text)}
        expected = {"findings", "runbook.md", "sockdiag_alerts.yml", "prometheusrule.yaml"}
        self.assertLessEqual(expected, {path.rpartition("/")[2] for path in found})

    def test_a_command_without_states_would_be_seen(self):
        rows = {
            "ss -tan": False,
            "ss -Htn": False,
            "ss -tan state close-wait": False,
            "ss -tn exclude time-wait": False,
            "ss -tn state close-wait state connected": False,
            "ss -tn state big": False,
            "ss -tn state synchronized": False,
            "ss -tn state close-wait": True,
            "ss -tno state fin-wait-1 and state last-ack": True,
            "ss -ltn": True,
            "ss -s": True,
            "ss -p": True,
        }
        for command, good in rows.items():
            with self.subTest(command):
                self.assertEqual(asks_for_states_alone(*SS.fullmatch(command).groups()), good)


if __name__ == "__main__":
    unittest.main()
