# SPDX-License-Identifier: Apache-2.0
"""Configuration files: what is accepted, and what is refused, with its place."""

import re
import unittest

from support.case import RefusalTest, lines_of
from support.exporter import ConfigFile, run

ANYWHERE = r"\d+:\d+"  # the parser decides where it noticed


class Configuration(RefusalTest):
    # name -> (document, line:column, what has to be said about it)
    BAD = {
        "unknown section": ("samplng: {}\n", "1:1", "unknown key.*samplng.*did you mean.*sampling"),
        "unknown key": (
            "sampling:\n  intervall: 5s\n",
            "2:3",
            'unknown key "intervall"; did you mean "interval"',
        ),
        "unknown key far from any": ("web:\n  zzzzzzzzz: 1\n", "2:3", "unknown key.*zzzzzzzzz"),
        "duplicate key": ("sampling:\n  interval: 5s\n  interval: 6s\n", "3:3", "interval.*"),
        "duplicate section": ("log: {}\nweb: {}\nlog: {}\n", "3:1", "log"),
        "list for section": ("sampling: [1]\n", "1:11", "sampling"),
        "word for section": ("\nsampling: fast\n", "2:11", "sampling"),
        "list for document": ("- sampling\n", "1:1", ""),
        "word for document": ("hello\n", "1:1", ""),
        "list for duration": ("sampling:\n  interval: [5s]\n", "2:13", "interval"),
        "map for duration": ("sampling:\n  interval: {a: b}\n", "2:13", "interval"),
        "null for duration": ("sampling:\n  interval:\n", ANYWHERE, "interval"),
        "duration without unit": ("sampling:\n  interval: 5\n", "2:13", "interval.*5"),
        "duration with fraction": ("sampling:\n  interval: 1.5s\n", "2:13", "interval"),
        "duration with blank": ("sampling:\n  interval: 5 s\n", "2:13", "interval"),
        "negative duration": ("sampling:\n  interval: -5s\n", "2:13", "interval"),
        "duration with wrong order": ("sampling:\n  interval: 5s1m\n", "2:13", "interval"),
        "duration with unknown unit": ("sampling:\n  interval: 5x\n", "2:13", "interval"),
        "duration beyond 64 bits": (
            "sampling:\n  interval: 99999999999999999999s\n",
            "2:13",
            "interval",
        ),
        "interval too short": ("sampling:\n  interval: 99ms\n", "2:13", "interval.*100ms.*1h"),
        "interval too long": ("sampling:\n  interval: 1h1ms\n", "2:13", "interval.*100ms.*1h"),
        "max_staleness too short": ("sampling:\n  max_staleness: 999ms\n", "2:18", "1s.*1d"),
        "max_staleness too long": ("sampling:\n  max_staleness: 25h\n", "2:18", "1s.*1d"),
        "port_retention too long": ("ports:\n  port_retention: 2d\n", "2:19", "0s.*1d"),
        "word for number": ("sampling:\n  cpu_budget: much\n", "2:15", "cpu_budget"),
        "infinity for number": ("sampling:\n  cpu_budget: .inf\n", "2:15", "cpu_budget"),
        "no number for number": ("sampling:\n  cpu_budget: .nan\n", "2:15", "cpu_budget"),
        "cpu_budget too small": ("sampling:\n  cpu_budget: 0.0009\n", "2:15", r"0\.001"),
        "cpu_budget too large": ("sampling:\n  cpu_budget: 1.01\n", "2:15", "1"),
        "word for count": ("ports:\n  max_ports: many\n", "2:14", "max_ports"),
        "fraction for count": ("ports:\n  max_ports: 1.5\n", "2:14", "max_ports"),
        "max_ports too small": ("ports:\n  max_ports: 0\n", "2:14", "1.*3000"),
        "max_ports too large": ("ports:\n  max_ports: 3001\n", "2:14", "1.*3000"),
        "negative count": ("ports:\n  max_ports: -1\n", "2:14", "max_ports"),
        "count beyond 64 bits": ("ports: {max_ports: 18446744073709551617}\n", "1:20", "max_ports"),
        "number for list": ("ports:\n  inbound: 22\n", "2:12", "inbound.*list|list.*inbound"),
        "map for list": ("ports:\n  inbound: {a: 1}\n", "2:12", "inbound"),
        "port 0": ("ports:\n  inbound: [22, 0]\n", "2:17", "65535"),
        "port 65536": ("ports:\n  inbound: [22, 65536]\n", "2:17", "65535"),
        "port by name": ("ports:\n  outbound: [ssh]\n", "2:14", "ssh|outbound"),
        "list in list": ("ports:\n  inbound:\n  - 22\n  - [80]\n", "4:5", "inbound"),
        "word for flag": ("web:\n  enable_lifecycle: perhaps\n", "2:21", "enable_lifecycle"),
        "list for flag": ("web:\n  enable_lifecycle: [true]\n", "2:21", "enable_lifecycle"),
        "path without slash": ("web:\n  telemetry_path: metrics\n", "2:19", "telemetry_path|/"),
        "list for path": ("web:\n  telemetry_path: [/metrics]\n", "2:19", "telemetry_path"),
        "taken path": ("web:\n  telemetry_path: /-/healthy\n", "2:19", "/-/healthy|telemetry_path"),
        "word for addresses": ('web:\n  listen_addresses: ":1"\n', "2:21", "listen_addresses"),
        "no address": ("web:\n  listen_addresses: []\n", "2:21", "listen_addresses"),
        "bad address": ('web:\n  listen_addresses: [":1", "x"]\n', "2:28", "x"),
        "max_requests too small": ("web:\n  max_requests: 0\n", "2:17", "max_requests"),
        "host bits in a network": ("web:\n  allow: [10.0.0.1/8]\n", "2:11", "10.0.0.1/8"),
        "no connection": ("web:\n  max_connections_per_client: 0\n", "2:31", "max_connections"),
        "workers too small": ("web:\n  workers: 0\n", "2:12", "workers"),
        "workers too large": ("web:\n  workers: 1000000\n", "2:12", "workers"),
        "request_timeout too short": ("web:\n  request_timeout: 0s\n", "2:20", "request_timeout"),
        "unknown level": ("log:\n  level: loud\n", "2:10", "debug.*info.*warning.*error"),
        "unknown format": ("log:\n  format: xml\n", "2:11", "logfmt.*json"),
        "map for level": ("log:\n  level: {a: b}\n", "2:10", "level"),
        "two documents": ("log: {}\n---\nweb: {}\n", ANYWHERE, "document"),
        "tab": ("sampling:\n\tinterval: 5s\n", "2:1", "a tab indents"),
        "unclosed bracket": ("ports: {inbound: [22\n", "1:18", "bracket .* not closed"),
        "unclosed quote": ('log: {level: "info}\n', "1:14", "quote .* not closed"),
        "merge key": ("log: &a {level: info}\nweb:\n  <<: *a\n", "3:3", "merge keys"),
        "NUL": (b"log: {level: in\0fo}", "1:16", "NUL"),
        "dotted key": ("sampling.interval: 5s\n", "1:1", "inside of the section"),
        "comma too many": ("ports: {inbound: [80,,81]}", "1:22", "inbound.*got nothing"),
        "unknown alias": ("sampling: *x\n", r"1:\d+", ""),
        "stray colon": ("a: b: c\n", r"1:\d+", ""),
        "list for key": ("[a]: b\n", "1:1", ""),
        "binary": (b"\x00\x01\xff\xfe\x80", "1:1", "NUL"),
        "control characters": (b"log: {level: \x1b[31m}\n", "1:14", "0x1b"),
        "deep nesting": ("[" * 60_000, ANYWHERE, "8 levels"),
        "stray comma": (",", "1:1", "one YAML document"),
        "comma after the document": ('{"log": {"level": "info"}},\n', "1:27", "one YAML document"),
        "comma between documents": ("{a: b}, {c: d}", "1:7", "one YAML document"),
        "too long": ("# " + "x" * 65_536, "1:65537", "64 KiB"),
        "too many values": ("ports: {inbound: [" + "1," * 30_000 + "1]}", r"1:5\d+", "25000"),
        "alias in itself": ("log: &a {level: *a}\n", "1:17", "alias"),
        "long value": (f"log: {{level: {'x' * 999}}}", "1:14", r'"x{80}\.\.\." .*80 of 999'),
    }

    FINE = {
        "empty": "",
        "comments": "# nothing\n  # here\n",
        "document marker": "---\n",
        "null document": "~\n",
        "null section": "sampling:\nports: ~\nweb: null\nlog:\n",
        "empty section": "sampling: {}\n",
        "byte order mark": "\ufefflog: {level: info}\n",
        "carriage returns": "log:\r\n  level: info\r\n",
        "no line feed at the end": "log: {level: info}",
        "compound duration": "sampling: {interval: 1m30s, max_staleness: 1d}\n",
        "lowest": "sampling: {interval: 100ms, cpu_budget: 0.001, max_staleness: 1s}\n",
        "highest": "sampling: {interval: 1h, cpu_budget: 1, max_staleness: 1d}\n",
        "port bounds": "ports: {inbound: [1, 65535], max_ports: 3000, port_retention: 0s}\n",
        "a port twice": "ports: {inbound: [22, 22]}\n",
        "empty lists": "ports: {inbound: [], outbound: []}\n",
        "addresses": 'web: {listen_addresses: [":10293", "127.0.0.1:0", "127.0.0.2:10293"]}\n',
    }

    def check(self, document, *flags):
        file = ConfigFile(document)
        self.addCleanup(file.remove)
        return file.path.decode(), run("--config.check", b"--config.file=" + file.path, *flags)

    def test_each_bad_document_is_refused_with_its_place(self):
        for name, (document, position, words) in self.BAD.items():
            with self.subTest(name):
                path, done = self.check(document)
                place = rf"{re.escape(path)}:{position}"
                self.expect_refusal(done, 2, rf"\A(?:sockdiag_exporter: )?{place}: .*(?:{words})")
                self.assertRegex(lines_of(done)[0], r"\A[ -~]*\Z")

    def test_a_list_that_is_empty_in_the_file_is_filled_by_the_flag(self):
        file = ConfigFile("web: {listen_addresses: []}\n")
        self.addCleanup(file.remove)
        done = run("--config.check", b"--config.file=" + file.path, "--web.listen-address=:1")
        self.assertEqual(done.returncode, 0, done)

    def test_each_fine_document_is_accepted(self):
        for name, document in self.FINE.items():
            with self.subTest(name):
                _, done = self.check(document)
                self.assertEqual((done.returncode, done.stderr), (0, b""), done)
                self.assertIn(b"ok", done.stdout.lower())

    def test_check_without_a_file_is_fine(self):
        self.assertEqual(run("--config.check").returncode, 0)

    def test_a_bad_file_refuses_the_start_too(self):
        file = ConfigFile("log: {levl: info}\n")
        self.addCleanup(file.remove)
        done = run(b"--config.file=" + file.path, "--web.listen-address=127.0.0.1:0")
        self.expect_refusal(done, 2, r":1:7: .*levl.*did you mean.*level")

    def test_a_path_with_a_line_feed_stays_one_line(self):
        file = ConfigFile("log: {levl: info}\n", name=b'a\nb\x1b"\xff.yml')
        self.addCleanup(file.remove)
        self.expect_refusal(run(b"--config.file=" + file.path), 2, "levl")


if __name__ == "__main__":
    unittest.main()
