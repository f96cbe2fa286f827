# SPDX-License-Identifier: Apache-2.0
"""The subcommands as people use them: in a terminal, in a pipe, against another exporter."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import threading
import unicodedata
import unittest

from support import web
from support.case import EndToEndTest, RefusalTest
from support.exporter import AS_NOBODY, BINARY, FAST, ConfigFile, run
from support.fault import NetlinkFault
from support.polling import DEADLINE_SECONDS, wait_until
from support.terminal import Terminal

# Sockets linger at once, so that no test waits for a minute.
IMPATIENT = FAST + "lifetimes: {close_wait: 100ms}\n"
LEAKED = 60


def width(line):
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in line)


class DiagnoseTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.config = ConfigFile(IMPATIENT)
        self.addCleanup(self.config.remove)

    def diagnose(self, *flags, prefix=(), environment=None):
        file = b"--config.file=" + self.config.path
        return run("diagnose", file, *flags, prefix=prefix,
                   environment={"LC_ALL": "C.UTF-8", **(environment or {})})

    def leak(self, port=8080):
        """A service that reads the end of its clients and does not close, for long enough."""
        service = self.start_service(port)
        for _ in range(LEAKED):
            service.not_closed()
        wait_until(lambda: b"cw_in_not_closed" in self.diagnose("--for=0s").stdout, "a leak")
        return service

    def start_terminal(self, **options):
        terminal = Terminal(**options)
        self.addCleanup(terminal.close)
        return terminal


class Diagnose(DiagnoseTest):
    def test_a_quiet_host_has_no_findings(self):
        self.start_service(8080).connect(3)
        done = self.diagnose("--for=300ms")
        self.assertEqual((done.returncode, done.stderr), (0, b""), done)
        self.assertIn("\nNo findings.\n", done.stdout.decode())
        self.assertRegex(done.stdout.decode(), r"(?m)^inbound 8080 +3 ESTABLISHED, 1 LISTEN$")

    def test_a_leak_is_found_and_told_in_a_pipe_without_escapes(self):
        self.leak()
        done = self.diagnose("--for=300ms")
        text = done.stdout.decode()
        self.assertEqual((done.returncode, done.stderr), (1, b""), done)
        self.assertRegex(text, r"(?m)^CLOSE_WAIT +60  ")
        self.assertRegex(text, r"(?m)^WARNING +inbound 8080: .*\(cw_in_not_closed\)$")
        self.assertIn("'( sport = :8080 )'", text)
        self.assertNotIn("\x1b", text)
        for line in text.splitlines():
            if "https://" not in line:
                self.assertLessEqual(width(line), 80, line)

    def test_each_language_is_whole_and_lines_up(self):
        self.leak()
        text = self.diagnose("--for=0s", environment={"LC_ALL": "zh_CN.UTF-8"}).stdout.decode()
        self.assertTrue(text.startswith("本机，观察时长 0s；采样次数：1\n"), text)
        asked_for = self.diagnose("--for=0s", "--lang=zh-CN").stdout.decode()
        ages = r"[\d.]+|\s"  # their lengths shift the ends of lines
        self.assertEqual(re.sub(ages, "", asked_for), re.sub(ages, "", text))
        self.assertRegex(text, r"(?m)^警告 +入站 8080：")
        for line in text.splitlines():
            if "https://" not in line:
                self.assertLessEqual(width(line), 80, line)

    def test_json_is_the_document_of_findings(self):
        self.leak()
        done = self.diagnose("--for=0s", "--format=json")
        self.assertEqual((done.returncode, done.stderr), (1, b""), done)
        document = json.loads(done.stdout)
        self.assertEqual((document["version"], document["complete"]), (1, True))
        found = document["findings"][0]
        self.assertEqual((found["finding"], found["direction"], found["port"]),
                         ("cw_in_not_closed", "inbound", "8080"))

    def test_nobody_may_look(self):
        self.leak()
        os.chmod(os.path.dirname(self.config.path), 0o755)
        os.chmod(self.config.path, 0o644)
        done = self.diagnose("--for=0s", prefix=AS_NOBODY)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn(b"cw_in_not_closed", done.stdout)

    def test_thresholds_of_the_configuration_hold(self):
        self.leak()
        self.config.write(IMPATIENT + f"findings: {{disable: [cw_in_not_closed]}}\n")
        done = self.diagnose("--for=0s")
        self.assertNotIn(b"WARNING", done.stdout)

    def test_an_interrupt_ends_it(self):
        process = subprocess.Popen([BINARY, "diagnose", "--for=1h"], stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        status = f"/proc/{process.pid}/status"
        # It may be interrupted once the signals that main holds are released.
        wait_until(lambda: self._blocks_nothing(status), "signals are released")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(), -signal.SIGINT)

    @staticmethod
    def _blocks_nothing(status):
        with open(status, encoding="ascii") as file:
            text = file.read()
        return "sockdiag_export" in text and re.search(r"(?m)^SigBlk:\s0+$", text)


class InATerminal(DiagnoseTest):
    def test_diagnose_has_colours_and_fits(self):
        self.leak()
        terminal = self.start_terminal(rows=200)
        terminal.run(BINARY, "diagnose", b"--config.file=".decode() + os.fsdecode(self.config.path),
                     "--for=300ms", "--lang=en")
        text = terminal.wait_for("Runbook", with_escapes=True)
        self.assertIn("\x1b[33mWARNING", text)
        plain = terminal.text().splitlines()
        self.assertIn("FINDINGS", plain)
        for line in plain:
            if line.startswith("  ") and "https" not in line:
                # A line that the terminal wrapped would go on at its first column.
                self.assertRegex(line, r"^  (  | ?[A-Z])")
        self.assertFalse([line for line in plain if "watching:" in line])

    def test_no_color_is_heeded(self):
        terminal = self.start_terminal(rows=100)
        terminal.run("env", "NO_COLOR=1", BINARY, "diagnose", "--for=0s", "--lang=en")
        self.assertNotIn("\x1b[1", terminal.wait_for("No findings.", with_escapes=True))

    def test_top_sorts_what_matters_first_and_gives_the_terminal_back(self):
        self.leak(8080)
        self.start_service(8081).connect(LEAKED + 20)
        terminal = self.start_terminal(columns=100, rows=60)
        settings = self._settings_in(terminal)
        for leave in (lambda: terminal.type("q"), lambda: terminal.press("C-c"), self._terminate):
            with self.subTest(leave):
                terminal.run(BINARY, "top", f"--config.file={os.fsdecode(self.config.path)}",
                             "--lang=en")
                lines = terminal.wait_for("inbound 8081").splitlines()
                self.assertRegex(lines[1], r"inbound 8080: .*\(cw_in_not_closed\)")
                header = next(i for i, line in enumerate(lines) if line.startswith("PORT"))
                self.assertRegex(lines[header + 1], r"^inbound 8080 +60 ")
                self.assertEqual(terminal.query("#{alternate_on}#{cursor_flag}"), "10")
                leave()
                wait_until(lambda: terminal.query("#{alternate_on}") == "0", "the shell's screen")
                terminal.wait_for("before top")
                self.assertEqual(terminal.query("#{cursor_flag}"), "1")
                self.assertEqual(self._settings_in(terminal), settings)

    def test_top_follows_the_size_of_the_terminal(self):
        self.start_service(8081).connect(3)
        terminal = self.start_terminal(columns=80, rows=20)
        terminal.run(BINARY, "top", f"--config.file={os.fsdecode(self.config.path)}", "--lang=en")
        terminal.wait_for("ESTABLISHED")
        terminal.resize(50, 5)
        terminal.wait_for("not shown: ")
        terminal.resize(80, 20)
        wait_until(lambda: "not shown" not in terminal.text(), "all is shown")
        terminal.type("q")

    def _settings_in(self, terminal):
        terminal.run("sh", "-c", "clear; stty -a; echo before top")
        return re.search(r"(?s)intr = .*?-extproc", terminal.wait_for("-extproc"))[0]

    @staticmethod
    def _terminate():
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    if file.read().split(b"\0")[:2] == [BINARY.encode(), b"top"]:
                        os.kill(int(pid), signal.SIGTERM)
            except (FileNotFoundError, ProcessLookupError):
                pass


class CouldNotLook(RefusalTest):
    def test_a_kernel_that_refuses_is_told_in_one_line(self):
        fault = NetlinkFault()
        self.addCleanup(fault.remove)
        for name, words in (("SOCKET_EACCES", "the sockets cannot be read: .*ermission denied"),
                            ("DONE_ENOENT", "the sockets cannot be read: .*tcp_diag")):
            with self.subTest(name), fault(name):
                done = run("diagnose", "--for=0s", environment=fault.environment())
                self.expect_refusal(done, 2, words)

    def test_top_wants_a_terminal(self):
        self.expect_refusal(run("top"), 2, "top: expected a terminal")

    def test_output_that_cannot_be_written_is_no_finding(self):
        for arguments in (("explain",), ("diagnose", "--for=0s")):
            done = run(*arguments, prefix=["sh", "-c", 'exec "$@" > /dev/full', "sh"])
            self.expect_refusal(done, 2, "standard output cannot be written")

    def test_no_exporter_is_told_in_one_line(self):
        for url, words in (("http://127.0.0.1:1", "127.0.0.1:1: cannot connect: Connection refused"),
                           ("http://nowhere.invalid:1", "nowhere.invalid:1: the name has no address"),
                           ("https://127.0.0.1:1", "https is not supported"),
                           ("127.0.0.1:1", r"expected http://HOST\[:PORT\]")):
            with self.subTest(url):
                self.expect_refusal(run("diagnose", f"--url={url}"), 2, words)

    # What a server answers -> what is told of it.
    HOSTILE = {
        b"": "no HTTP answer",
        b"SSH-2.0-OpenSSH_9.2\r\n": "no HTTP answer",
        b"HTTP/1.1 404 Not Found\r\n\r\n": "answered 404: no sockdiag_exporter, or one too old",
        b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n": "answered 302",
        b"HTTP/1.1 200 OK\r\n\r\n<html>": "the answer is not JSON",
        b"HTTP/1.1 200 OK\r\n\r\n{}": "not a document of sockdiag_exporter",
        b'HTTP/1.1 200 OK\r\n\r\n{"version": "\\u001b[2J\xc2\x9b"}': "a document of version",
        b'HTTP/1.1 200 OK\r\n\r\n{"version": 1}': "a document without all that version 1 has",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{": "the answer ended early",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100_000: "the answer is not JSON",
        b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (33 << 20): "an answer of more than 33554432 bytes",
    }

    def test_a_strange_server_is_told_in_one_line_without_escapes(self):
        for answer, words in self.HOSTILE.items():
            with self.subTest(words), socket.create_server(("127.0.0.1", 0)) as server:
                thread = threading.Thread(target=self._serve, args=(server, answer))
                thread.start()
                port = server.getsockname()[1]
                done = run("diagnose", f"--url=http://127.0.0.1:{port}")
                server.shutdown(socket.SHUT_RDWR)
                thread.join()
                self.expect_refusal(done, 2, words)
                self.assertNotRegex(done.stderr.decode(), r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")

    def _serve(self, server, answer):
        """Answers until the listener is shut down."""
        with contextlib.suppress(OSError):
            while True:
                with server.accept()[0] as connection:
                    self._answer(connection, answer)

    @staticmethod
    def _answer(connection, answer):
        with contextlib.suppress(ConnectionError):  # it may have seen enough
            connection.settimeout(DEADLINE_SECONDS)
            connection.recv(4096)
            connection.sendall(answer)
            connection.shutdown(socket.SHUT_WR)
            web.read_to_end(connection)


class AnotherExporter(DiagnoseTest):
    def test_it_says_what_the_exporter_says(self):
        self.leak()
        exporter = self.start_exporter(config=IMPATIENT)
        url = f"--url=http://127.0.0.1:{exporter.port}"
        text = wait_until(lambda: self._finding(url), "the finding of the exporter")
        self.assertRegex(text, rf"\A127\.0\.0\.1:{exporter.port}, last sample \d+s ago\n")
        self.assertRegex(text, r"(?m)^WARNING +inbound 8080: .*\(cw_in_not_closed\)$")
        document = json.loads(run("diagnose", url, "--format=json", "--lang=zh-CN").stdout)
        self.assertEqual(document["language"], "zh-CN")
        self.assertIn("cw_in_not_closed", [each["finding"] for each in document["findings"]])

    @staticmethod
    def _finding(url):
        done = run("diagnose", url)
        return done.stdout.decode() if done.returncode == 1 else None


class Explain(RefusalTest):
    def test_every_way_to_write_a_state_is_understood(self):
        expected = run("explain", "close_wait")
        self.assertEqual((expected.returncode, expected.stderr), (0, b""))
        self.assertTrue(expected.stdout.startswith(b"CLOSE_WAIT: "))
        for name in ("CLOSE_WAIT", "close-wait", "Close-Wait", "CLOSEWAIT"):
            with self.subTest(name):
                self.assertEqual(run("explain", name).stdout, expected.stdout)
        self.assertEqual(run("explain", "fin-wait-1").stdout, run("explain", "FIN_WAIT1").stdout)

    def test_the_list_has_all_that_can_be_explained(self):
        text = run("explain", "--lang=en").stdout.decode()
        names = re.findall(r"(?m)^(\w+)  +\S", text)
        self.assertGreaterEqual(len(names), 11 + 25)
        for name in names:
            with self.subTest(name):
                done = run("explain", name)
                self.assertEqual((done.returncode, done.stderr), (0, b""))
                self.assertIn(name, done.stdout.decode())
        document = json.loads(run("explain", "--format=json").stdout)
        states = [each["name"] for each in document["states"]]
        findings = [each["finding"] for each in document["findings"]]
        self.assertEqual(names, states + findings)

    def test_one_can_be_had_as_json(self):
        document = json.loads(run("explain", "cw-out-leak", "--format=json").stdout)
        self.assertEqual(document["states"], [])
        self.assertEqual([each["finding"] for each in document["findings"]], ["cw_out_leak"])
        self.assertNotIn("seen", document["findings"][0])

    def test_what_is_unknown_is_refused_with_what_is_near(self):
        self.expect_refusal(run("explain", "clsoe-wait"), 2, "did you mean close_wait")
        self.expect_refusal(run("explain", "cw_in_not_close"), 2, "did you mean cw_in_not_closed")
        self.expect_refusal(run("explain", "\x1b[2J"), 2, "unknown state or finding")


if __name__ == "__main__":
    unittest.main()
