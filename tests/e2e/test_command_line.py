# SPDX-License-Identifier: Apache-2.0
"""Flags: what is accepted, what is said otherwise, and the commands that end."""

import os
import re
import signal
import socket
import unittest

from support import web
from support.case import EndToEndTest, RefusalTest, lines_of, without_info
from support.exporter import AS_NOBODY, ConfigFile, run
from support.exposition import Exposition

FLAGS = (
    "--config.file",
    "--config.check",
    "--web.listen-address",
    "--web.telemetry-path",
    "--web.max-requests",
    "--web.enable-lifecycle",
    "--web.config.file",
    "--log.level",
    "--log.format",
    "--once",
    "--once.process",
    "--version",
    "--help",
)


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
        ("stray",): "stray.*diagnose, explain, top",
        ("diagnos",): "did you mean diagnose",
        ("diagnose", "--for=soon"): "--for: expected a duration",
        ("explain", "--once"): "--once",
        ("top", "--lang=tlh"): "--lang: expected one of en, zh-CN",
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
        families = Exposition(text).types
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


if __name__ == "__main__":
    unittest.main()
