# SPDX-License-Identifier: Apache-2.0
"""Flags, configuration files, addresses and logs: what is accepted, and what is said otherwise."""

import json
import os
import re
import signal
import socket
import unittest

from support import web
from support.case import LOGFMT_LINE, EndToEndTest, without_info
from support.exporter import FAST, ConfigFile, Exporter, run
from support.exposition import Exposition

FLAGS = (
    "--config.file",
    "--config.check",
    "--web.listen-address",
    "--web.telemetry-path",
    "--web.max-requests",
    "--web.enable-lifecycle",
    "--log.level",
    "--log.format",
    "--once",
    "--once.process",
    "--version",
    "--help",
)

AS_NOBODY = "setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all".split()


def lines_of(done):
    return done.stderr.decode("utf-8", "surrogateescape").splitlines()


class RefusalTest(EndToEndTest):
    def expect_refusal(self, done, status, pattern):
        """That exit status, and one line on stderr that matches."""
        self.assertEqual(done.returncode, status, done)
        self.assertEqual(len(lines_of(done)), 1, done.stderr)
        self.assertRegex(lines_of(done)[0], pattern)
        self.assertEqual(done.stdout, b"")


class Arguments(RefusalTest):
    # arguments -> what the one line on stderr has to say
    WRONG = {
        ("--nonsense",): r"unknown flag --nonsense \(--help",
        ("--web.listen-addres=:1",): "unknown flag .*; did you mean --web.listen-address?",
        ("--once.process=false",): "--once.process: expected --once beside it",
        ("--once", "--once.process=no"): "--once.process: expected true or false, got .no",
        ("--once=perhaps",): "--once: expected true or false, got .perhaps",
        ("--web.enable-lifecycle=1",): "--web.enable-lifecycle: expected true or false, got .1",
        ("--log.level=info", "--log.level=info"): "--log.level: expected once",
        ("stray",): "stray",
        ("--health", "--once"): "--health.*--once|--once.*--health",
        ("--config.check", "--once"): "--config.check.*--once|--once.*--config.check",
        ("--config.check", "--health"): "--config.check.*--health|--health.*--config.check",
        ("--config.file",): "--config.file",
        ("--web.listen-address",): "--web.listen-address",
        ("--log.level=loud",): "loud",
        ("--log.level=",): "log.level",
        ("--log.format=xml",): "xml",
        ("--web.max-requests=many",): "many|max-requests",
        ("--web.max-requests=-1",): "max-requests",
        ("--web.max-requests=0",): "max-requests|max_requests",
        ("--web.max-requests=99999999999999999999",): "max-requests",
        ("--web.max-requests=40x",): "40x|max-requests",
        ("--web.telemetry-path=metrics",): "metrics",
        ("--web.telemetry-path=",): "telemetry.path",
        ("--web.telemetry-path=/",): "telemetry.path|/",
        ("--web.telemetry-path=/-/ready",): "/-/ready",
        ("--web.listen-address=nonsense",): "nonsense",
        ("--web.listen-address=",): "listen.address",
        ("--web.listen-address=127.0.0.1",): r"127\.0\.0\.1",
        ("--web.listen-address=127.0.0.1:",): r"127\.0\.0\.1:",
        ("--web.listen-address=127.0.0.1:65536",): "65536",
        ("--web.listen-address=127.0.0.1:-1",): "-1",
        ("--web.listen-address=127.0.0.1:http",): "http",
        ("--web.listen-address=127.0.0.1:80s",): "80s",
        ("--web.listen-address=127.0.0.1:0,127.0.0.1:0",): "127",
        ("--web.listen-address=256.0.0.1:80",): r"256\.0\.0\.1",
        ("--web.listen-address=::1:80",): "::1:80",
        ("--web.listen-address=[::1:80",): r"\[::1:80",
        ("--web.listen-address=[::1]",): r"\[::1\]",
        ("--web.listen-address=[nonsense]:80",): "nonsense",
        ("--config.file=/nonexistent/x.yml",): "/nonexistent/x.yml.*No such file",
        ("--config.file=/",): "^.*/.*[Dd]irectory",
        ("--config.file=",): "config.file",
        ("--config.check", "--config.file=/nonexistent/x.yml"): "No such file",
    }

    def test_wrong_arguments_are_refused_with_one_line(self):
        for arguments, words in self.WRONG.items():
            with self.subTest(" ".join(arguments)):
                self.expect_refusal(run(*arguments), 2, words)

    def test_a_file_that_may_not_be_read_is_refused(self):
        file = ConfigFile("")
        self.addCleanup(file.remove)
        os.chmod(os.path.dirname(file.path), 0o755)
        os.chmod(file.path, 0)
        done = run(b"--config.file=" + file.path, prefix=AS_NOBODY)
        self.expect_refusal(done, 2, "Permission denied")

    def test_help_names_every_flag(self):
        done = run("--help")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        for flag in FLAGS:
            with self.subTest(flag):
                self.assertIn(flag, done.stdout.decode())
        self.assertEqual(run("-h").stdout, done.stdout)

    def test_no_words_of_the_parser_are_said(self):
        words = re.compile("override|excludes|requires|INI|not expected|following arg", re.I)
        for arguments in self.WRONG:
            with self.subTest(" ".join(arguments)):
                self.assertNotRegex(lines_of(run(*arguments))[0], words)

    def test_a_short_name_of_a_level_is_good(self):
        self.assertEqual(run("--log.level=warn", "--config.check").returncode, 0)

    def test_version_tells_revision_and_compiler(self):
        done = run("--version")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        expected = r"sockdiag_exporter \d+\.\d+\.\d+ \(revision \S+, [^)]+\)\n"
        self.assertRegex(done.stdout.decode(), rf"\A{expected}\Z")

    def test_once_prints_one_sample(self):
        self.start_service(8080).connect(3).half_close_clients(1)
        done = run("--once")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_sockets_match_the_kernel(Exposition(done.stdout.decode()), 8080)
        self.assertNotIn(b"level=error", done.stderr)

    def test_once_without_the_process_has_what_is_of_the_host_alone(self):
        done = run("--once", "--once.process=false")
        self.assertEqual(done.returncode, 0, done.stderr)
        text = done.stdout.decode()
        self.assertNotRegex(text, "(?m)^(# [A-Z]+ )?(process|sockdiag_exporter|sockdiag_config)_")
        families = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
        self.assertEqual(families["sockdiag_tcp_sockets"], "gauge")
        self.assertEqual(families["sockdiag_sample_timestamp_seconds"], "gauge")
        self.assertEqual(families["sockdiag_tcp_listen_drops_total"], "counter")  # the kernel's
        for name in ("tcp_time_wait_started", "tcp_listener_drops", "sample_failures", "samples"):
            with self.subTest(name):
                self.assertNotIn(f"sockdiag_{name}_total", families)

    def test_once_works_for_nobody_without_capabilities(self):
        self.start_service(8081).connect(3)
        done = run("--once", prefix=AS_NOBODY)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_sockets_match_the_kernel(Exposition(done.stdout.decode()), 8081)

    def test_output_that_cannot_be_written_is_a_failure(self):
        for flag in ("--once", "--version", "--help", "--config.check"):
            for target in ("> /dev/full", ">&-"):
                with self.subTest(f"{flag} {target}"):
                    done = run(flag, prefix=["sh", "-c", f'exec "$@" {target}', "sh"])
                    self.assertEqual(done.returncode, 1, done)
                    complaints = without_info(done)
                    self.assertEqual(len(complaints), 1, done)
                    self.assertRegex(complaints[0], "standard output cannot be written")

    def test_once_listens_nowhere(self):
        with socket.create_server(("127.0.0.1", 8082)):
            done = run("--once", "--web.listen-address=127.0.0.1:8082")
        self.assertEqual(done.returncode, 0, done.stderr)


class ClosedDescriptors(EndToEndTest):
    def test_descriptors_that_are_missing_are_no_sockets(self):
        closed = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
        exporter = self.launch_exporter("--log.level=debug", listen="127.0.0.1:8096", prefix=closed)
        exporter.port = 8096
        exporter.wait_until_ready()
        for number in range(3):
            path = os.readlink(f"/proc/{exporter.process.pid}/fd/{number}")
            self.assertEqual(path, "/dev/null")
        # Logged, each of them.
        exporter.config.write(",")
        exporter.process.send_signal(signal.SIGHUP)
        web.exchange(exporter.port, b"nonsense\r\n\r\n")
        failed = "sockdiag_exporter_config_last_reload_successful"
        exporter.scrape_when(lambda scrape: scrape.value(failed) == 0, "failed reload")
        self.assertTrue(web.exchange(8096, b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 "))


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
        "max_ports too small": ("ports:\n  max_ports: 0\n", "2:14", "1.*10000"),
        "max_ports too large": ("ports:\n  max_ports: 10001\n", "2:14", "1.*10000"),
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
        "port bounds": "ports: {inbound: [1, 65535], max_ports: 10000, port_retention: 0s}\n",
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


class ListenAddresses(RefusalTest):
    def test_a_taken_port_is_named_with_the_reason(self):
        with socket.create_server(("127.0.0.1", 8090)):
            done = run("--web.listen-address=127.0.0.1:8090")
        reason = r"cannot listen on 127\.0\.0\.1:8090: Address already in use"
        self.expect_one_error(done, rf"level=error .*{reason}\"?\Z")

    def test_a_taken_port_of_a_name_is_named_as_it_was_given(self):
        with socket.create_server(("127.0.0.1", 8089)):
            done = run("--web.listen-address=localhost:8089")
        self.expect_one_error(done, r"cannot listen on localhost:8089 \(127\.0\.0\.1\): Address")

    def test_one_taken_port_of_two_is_refused(self):
        with socket.create_server(("127.0.0.1", 8091)):
            done = run("--web.listen-address=127.0.0.1:0", "--web.listen-address=127.0.0.1:8091")
        self.expect_one_error(done, r"127\.0\.0\.1:8091.*[Aa]ddress already in use")

    def test_the_same_port_twice_is_refused(self):
        same = "--web.listen-address=127.0.0.1:8092"
        done = run(same, same)
        self.assertIn(done.returncode, (1, 2), done)
        self.assertRegex(lines_of(done)[-1], r"cannot listen on 127\.0\.0\.1:8092: ")

    def test_an_address_of_another_host_is_named_with_the_reason(self):
        done = run("--web.listen-address=192.0.2.1:8093")
        self.expect_one_error(done, r"192\.0\.2\.1:8093.*[Cc]annot assign requested address")

    def test_a_privileged_port_is_named_with_the_reason(self):
        done = run("--web.listen-address=127.0.0.1:80", prefix=AS_NOBODY)
        self.expect_one_error(done, r"127\.0\.0\.1:80.*[Pp]ermission denied")

    def test_ipv6_is_served_or_refused_clearly(self):
        exporter = Exporter(listen="[::1]:0")
        self.addCleanup(exporter.dispose)
        if exporter.has_started():
            self.assertEqual(web.request(exporter.port, host="::1").status, 200)
            self.assertEqual(exporter.terminate(), 0)
        else:
            self.assertEqual(exporter.wait(), 1)
            self.assertRegex(exporter.log.text_lines()[-1], r"\[::1\]:0.*IPv6")

    def test_the_default_serves_every_address(self):
        exporter = self.start_exporter(listen=":8094")
        self.assertEqual(exporter.port, 8094)
        self.assertEqual(exporter.request().status, 200)

    def test_port_0_is_told_as_the_port_it_became(self):
        exporter = self.start_exporter(listen="127.0.0.1:0")
        self.assertGreater(exporter.port, 0)
        self.assertEqual(exporter.request().status, 200)

    def expect_one_error(self, done, pattern):
        self.assertEqual(done.returncode, 1, done)
        complaints = without_info(done)
        self.assertEqual(len(complaints), 1, done)
        self.assertRegex(complaints[0], pattern)


class NamesInListenAddresses(RefusalTest):
    HOSTS = """
127.0.0.1 localhost both twice
127.0.0.1 twice
127.0.0.2 both
::1 both
192.0.2.1 foreign
"""

    def setUp(self):
        super().setUp()
        self.hosts = ConfigFile(self.HOSTS, name="hosts")
        self.addCleanup(self.hosts.remove)
        with_hosts = 'mount --bind "$0" /etc/hosts && exec "$@"'
        self.prefix = ["unshare", "--mount", "sh", "-c", with_hosts, self.hosts.path]

    def run_here(self, *arguments):
        return run(*arguments, prefix=self.prefix)

    def test_each_address_of_a_name_is_served(self):
        exporter = self.start_exporter(listen="both:8097", prefix=self.prefix)
        hosts = ["127.0.0.1", "127.0.0.2"]
        hosts += ["::1"] if exporter.log.matching(r"listening on http://\[::1\]:8097") else []
        for host in hosts:
            with self.subTest(host):
                self.assertEqual(web.request(8097, host=host).status, 200)

    def test_an_address_that_a_name_has_twice_is_served_once(self):
        exporter = self.start_exporter(listen="twice:8097", prefix=self.prefix)
        self.assertEqual(len(exporter.log.matching("listening on")), 1)

    def test_health_is_asked_by_name(self):
        self.start_exporter(listen="localhost:8098", prefix=self.prefix)
        done = self.run_here("--health", "--web.listen-address=localhost:8098")
        self.assertEqual((done.returncode, done.stdout), (0, b"healthy\n"), done)

    def test_a_check_asks_for_the_addresses_and_not_for_the_port(self):
        self.start_exporter(listen="localhost:8098", prefix=self.prefix)
        done = self.run_here("--config.check", "--web.listen-address=localhost:8098")
        self.assertEqual((done.returncode, done.stderr), (0, b""), done)

    # host -> what has to be said
    WRONG = {
        "nowhere": "nowhere:8099: the name nowhere has no address: ",
        "foreign": r"foreign:8099: the name foreign has the address 192\.0\.2\.1, which is not one of",
    }

    def test_a_name_that_cannot_be_listened_on_is_told_at_the_start(self):
        for host, words in self.WRONG.items():
            with self.subTest(host):
                done = self.run_here(f"--web.listen-address={host}:8099")
                self.expect_refusal(done, 1, words)

    def test_a_check_tells_where_such_a_name_was_given(self):
        for host, words in (*self.WRONG.items(), ("192.0.2.1", r"192\.0\.2\.1:8099: .*this host")):
            with self.subTest(host):
                file = ConfigFile(f'web: {{listen_addresses: [":1", "{host}:8099"]}}\n')
                self.addCleanup(file.remove)
                done = self.run_here("--config.check", b"--config.file=" + file.path)
                self.expect_refusal(done, 2, f"yml:1:32: {words}")
                done = self.run_here("--config.check", f"--web.listen-address={host}:8099")
                self.expect_refusal(done, 2, f"--web.listen-address: {words}")


class Logs(EndToEndTest):
    AWKWARD_NAMES = {
        "quotes": b'a"b\'c.yml',
        "backslashes": b"a\\b\\n.yml",
        "blanks and equals": b"a b=c.yml",
        "line feed": b"a\nb.yml",
        "control characters": b"a\x01\x1b[31m\x7f\t\r.yml",
        "UTF-8": "naïve-✓-\u2028.yml".encode(),
        "invalid UTF-8": b"a\xff\xc3(\xed\xa0\x80.yml",
        "format letters": b"a{}%s%n{0}.yml",
    }

    def test_json_lines_are_json_whatever_the_name(self):
        for name, file_name in self.AWKWARD_NAMES.items():
            with self.subTest(name):
                for line in self.log_about(file_name, "--log.format=json"):
                    self.expect_json_line(line)

    def expect_json_line(self, line):
        fields = json.loads(line.decode("utf-8"))  # strict: invalid UTF-8 raises
        self.assertLessEqual({"ts", "level", "msg"}, set(fields))
        self.assertRegex(fields["ts"], r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
        self.assertIn(fields["level"], ("debug", "info", "warning", "error"))

    def test_json_tells_a_valid_name_as_it_is(self):
        for name, file_name in self.AWKWARD_NAMES.items():
            if name == "invalid UTF-8":
                continue
            with self.subTest(name):
                lines = self.log_about(file_name, "--log.format=json")
                messages = [json.loads(line)["msg"] for line in lines]
                self.assertTrue([m for m in messages if file_name.decode() in m], messages)

    def test_logfmt_lines_are_logfmt_whatever_the_name(self):
        for name, file_name in self.AWKWARD_NAMES.items():
            with self.subTest(name):
                for line in self.log_about(file_name, "--log.format=logfmt"):
                    self.assertRegex(line.decode("utf-8"), rf"\A{LOGFMT_LINE.pattern}\Z")

    def log_about(self, file_name, *flags):
        """The log of an exporter whose file of that name goes bad."""
        exporter = self.start_exporter(*flags, config_name=file_name, logs_are_logfmt=False)
        exporter.config.write(FAST + "log: {levl: info}\n")
        exporter.process.send_signal(signal.SIGHUP)
        exporter.log.wait_for(":2:7: ")
        self.assertEqual(exporter.terminate(), 0)
        return exporter.log.lines()

    def test_the_start_is_told(self):
        exporter = self.start_exporter()
        lines = exporter.log.text_lines()
        for words in (
            r"sockdiag_exporter \d+\.\d+\.\d+ \(revision \S+, .+\)",
            "dumping TCP sockets",
            rf"listening on http://127\.0\.0\.1:{exporter.port}/metrics",
        ):
            with self.subTest(words):
                self.assertEqual(len([line for line in lines if re.search(words, line)]), 1, lines)

    def test_a_healthy_day_is_silent(self):
        exporter = self.start_exporter("--log.level=info")
        exporter.fresh_scrape()
        before = exporter.log.lines()
        for _ in range(3):
            exporter.fresh_scrape()
        exporter.request("/nowhere")
        exporter.request("/-/ready")
        web.exchange(exporter.port, b"\0\xff nonsense\r\n\r\n")
        self.assertEqual(exporter.log.lines(), before)

    def test_level_error_is_silent_at_a_good_start(self):
        exporter = self.launch_exporter("--log.level=error", listen="127.0.0.1:8095")
        exporter.port = 8095
        exporter.wait_until_ready()
        self.assertEqual(exporter.terminate(), 0)
        self.assertEqual(exporter.log.lines(), [])


if __name__ == "__main__":
    unittest.main()
