# SPDX-License-Identifier: Apache-2.0
"""What is logged, whatever stands in it and whether or not it is read."""

import json
import os
import pty
import re
import signal
import socket
import termios
import unittest

from support import web
from support.case import LOGFMT_LINE, EndToEndTest
from support.exporter import FAST, Exporter, with_interval
from support.polling import DEADLINE_SECONDS, wait_until


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


def fill(descriptor):
    """Until it takes no more. Whoever else writes to it waits then."""
    os.set_blocking(descriptor, False)
    for size in (4096, 1):
        try:
            while True:
                os.write(descriptor, b"." * size)
        except BlockingIOError:
            pass
    os.set_blocking(descriptor, True)


def full_pipe():
    return os.pipe()


def full_socket():
    return [end.detach() for end in socket.socketpair()]


def stopped_terminal():
    reader, writer = pty.openpty()
    termios.tcflow(writer, termios.TCOOFF)  # as Ctrl-S does
    return reader, writer


class UnreadLog(EndToEndTest):
    """Standard error takes nothing, and whoever writes to it waits."""

    PORT = 8126

    def descriptor(self, make):
        reader, writer = make()
        self.addCleanup(os.close, reader)
        self.addCleanup(os.close, writer)
        if make is not stopped_terminal:
            fill(writer)
        return writer

    def launch(self, make, *flags):
        exporter = self.launch_exporter(
            "--log.level=debug",
            *flags,
            listen=f"127.0.0.1:{self.PORT}",
            stderr=self.descriptor(make),
        )
        exporter.port = self.PORT
        return exporter.wait_until_ready()

    def test_samples_scrapes_and_reloads_go_on_and_it_ends(self):
        for make in (full_pipe, full_socket, stopped_terminal):
            with self.subTest(make.__name__):
                exporter = self.launch(make, "--web.enable-lifecycle")
                for _ in range(20):  # each is a line, of a thread that answers requests
                    self.assertEqual(exporter.request("/-/reload", "POST").status, 200)
                exporter.config.write(with_interval("200ms"))
                self.assertEqual(exporter.request("/-/reload", "POST").status, 200)
                scrape = exporter.fresh_scrape()
                self.assertEqual(scrape.source("sockdiag_sample_interval_seconds"), 0.2)
                self.assertEqual(exporter.terminate(), 0)

    def test_a_start_that_fails_ends(self):
        writer = self.descriptor(full_pipe)
        with socket.create_server(("127.0.0.1", self.PORT)):
            exporter = Exporter(listen=f"127.0.0.1:{self.PORT}", stderr=writer)
            self.addCleanup(exporter.dispose)
            self.assertEqual(exporter.process.wait(DEADLINE_SECONDS), 1)

    def test_a_wrong_flag_that_nobody_reads_about_ends_on_sigterm(self):
        exporter = Exporter("--nonsense", listen=None, stderr=self.descriptor(full_pipe))
        self.addCleanup(exporter.dispose)
        wait_until(lambda: is_writing(exporter.process.pid), "a thread that waits to write")
        self.assertEqual(exporter.terminate(), -signal.SIGTERM)


class UnwritableLog(EndToEndTest):
    """Standard error takes nothing, and says so at once."""

    PORT = 8127

    def expect_service(self, **options):
        exporter = self.launch_exporter(
            "--log.level=debug",
            "--web.enable-lifecycle",
            listen=f"127.0.0.1:{self.PORT}",
            logs_are_logfmt=False,
            **options,
        )
        exporter.port = self.PORT
        exporter.wait_until_ready()
        for _ in range(20):
            self.assertEqual(exporter.request("/-/reload", "POST").status, 200)
        self.assertEqual(exporter.fresh_scrape().source("sockdiag_sample_success"), 1)
        self.assertEqual(exporter.terminate(), 0)

    def test_a_full_disk_loses_lines_alone(self):
        with open("/dev/full", "wb", buffering=0) as disk:
            self.expect_service(stderr=disk.fileno())

    def test_a_closed_standard_error_loses_lines_alone(self):
        self.expect_service(prefix=["sh", "-c", 'exec "$@" 2>&-', "sh"])

    def test_a_reader_that_has_gone_loses_lines_alone(self):
        reader, writer = os.pipe()
        os.close(reader)
        self.addCleanup(os.close, writer)
        self.expect_service(stderr=writer)


def is_writing(process):
    """Whether the kernel holds up a thread of it in write(2) to standard error."""
    number = {"x86_64": "1", "aarch64": "64"}[os.uname().machine]
    for thread in os.listdir(f"/proc/{process}/task"):
        with open(f"/proc/{process}/task/{thread}/syscall", encoding="ascii") as file:
            if file.read().split()[:2] == [number, "0x2"]:
                return True
    return False


if __name__ == "__main__":
    unittest.main()
