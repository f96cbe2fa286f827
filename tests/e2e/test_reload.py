# SPDX-License-Identifier: Apache-2.0
"""Reloading, also from files that never answer."""

import signal
import threading
import unittest

from support.case import EndToEndTest
from support.exporter import FAST, Exporter, with_interval
from support.fault import HangingFile
from support.lifetimes import LINGERING, place, with_thresholds
from support.polling import wait_until

BAD = FAST + "ports: {inbund: [22]}\n"
BAD_POSITION = r"sockdiag_exporter\.yml:2:9: "
LAST_RELOAD = "sockdiag_exporter_config_last_reload_successful"
LOCAL = 'web: {listen_addresses: ["127.0.0.1:0"]}\n'


def reload_failed(scrape):
    return scrape.value(LAST_RELOAD) == 0


class Reload(EndToEndTest):
    def expect_interval(self, exporter, seconds):
        exporter.scrape_when(
            lambda scrape: scrape.source("sockdiag_sample_interval_seconds") == seconds,
            f"interval {seconds}",
        )

    def test_sighup_puts_a_good_file_in_force(self):
        exporter = self.start_exporter()
        self.expect_interval(exporter, 0.1)
        self.assertEqual(exporter.scrape().sockets(22), {})
        line = exporter.reload(with_interval("200ms", "ports: {inbound: [22], outbound: [5432]}\n"))
        self.assertRegex(line, "level=info .*configuration reloaded")
        self.expect_interval(exporter, 0.2)
        scrape = exporter.fresh_scrape()
        self.assertEqual(len(scrape.sockets(22, "inbound")), 10)
        self.assertEqual(len(scrape.sockets(5432, "outbound")), 8)

    def test_a_long_interval_is_cut_short_by_a_reload(self):
        exporter = self.start_exporter(config=with_interval("1h"))
        exporter.reload(with_interval("100ms"))
        exporter.fresh_scrape()
        self.expect_interval(exporter, 0.1)

    def test_a_bad_file_leaves_the_configuration_and_shows(self):
        exporter = self.start_exporter(config=with_interval("200ms"))
        self.assertEqual(exporter.scrape().value(LAST_RELOAD), 1)
        line = exporter.reload(BAD)
        self.assertRegex(line, f'level=error .*{BAD_POSITION}.*inbund.*did you mean .*inbound')
        scrape = exporter.scrape_when(reload_failed, "failed reload")
        self.assertEqual(scrape.source("sockdiag_sample_interval_seconds"), 0.2)
        exporter.reload(FAST)
        exporter.scrape_when(lambda scrape: scrape.value(LAST_RELOAD) == 1, "good reload")
        self.expect_interval(exporter, 0.1)

    def test_a_hostile_file_leaves_the_configuration_and_the_signals(self):
        exporter = self.start_exporter(config=with_interval("200ms"))
        for text in (",", "[],", "{a: b}, {c: d}", "[" * 60_000, "[1," * 20_000, "x" * 1_000_000):
            self.assertRegex(exporter.reload(text), r"level=error .*\.yml:1:\d+: ")
        scrape = exporter.scrape_when(reload_failed, "failed reload")
        self.assertEqual(scrape.source("sockdiag_sample_interval_seconds"), 0.2)
        self.assertEqual(exporter.terminate(), 0)

    def test_a_vanished_file_leaves_the_configuration(self):
        exporter = self.start_exporter(config=with_interval("200ms"))
        exporter.config.remove()
        exporter.process.send_signal(signal.SIGHUP)
        exporter.log.wait_for("level=error .*No such file")
        scrape = exporter.scrape_when(reload_failed, "failed reload")
        self.assertEqual(scrape.source("sockdiag_sample_interval_seconds"), 0.2)

    def test_the_success_timestamp_moves_with_good_reloads_only(self):
        stamp = "sockdiag_exporter_config_last_reload_success_timestamp_seconds"
        exporter = self.start_exporter()
        started = exporter.scrape().value(stamp)
        exporter.reload(BAD)
        exporter.scrape_when(reload_failed, "failed reload")
        self.assertEqual(exporter.scrape().value(stamp), started)
        exporter.reload(FAST)
        exporter.scrape_when(lambda scrape: scrape.value(stamp) > started, "a later success")

    def test_sighup_without_a_file_changes_nothing(self):
        exporter = self.start_exporter(config=None)
        exporter.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(exporter.log.matching("(?i)reload|config")) > 0, "a line about it")
        self.assertEqual(exporter.scrape().source("sockdiag_sample_interval_seconds"), 5)

    def test_thresholds_and_switches_of_findings_are_put_in_force(self):
        self.start_service(8080).not_closed("inbound")
        leaks = with_thresholds("100ms") + "findings: {close_wait_inbound: %s}\n"
        exporter = self.start_exporter(config=leaks % 2)
        aged = place(8080, state="close_wait")
        exporter.scrape_when(lambda scrape: scrape.get(LINGERING, **aged) == 1, "an old one")
        self.assertEqual(exporter.fresh_scrape().family("sockdiag_findings"), {})
        exporter.reload(leaks % 1)
        exporter.scrape_when(lambda scrape: has_leak(scrape, 8080), "a finding")
        exporter.reload(leaks % "1, disable: [cw_in_not_closed]")
        exporter.scrape_when(lambda scrape: not has_leak(scrape, 8080), "no finding")

    def test_the_log_level_is_reloaded(self):
        exporter = self.launch_exporter(
            config=FAST + "log: {level: error}\n", listen="127.0.0.1:8123"
        )
        exporter.port = 8123
        exporter.wait_until_ready()
        self.assertEqual(exporter.log.lines(), [])
        exporter.config.write(FAST + "log: {level: info}\n")
        exporter.process.send_signal(signal.SIGHUP)
        exporter.log.wait_for("configuration reloaded")

    def test_keys_that_need_a_restart_say_so(self):
        rows = {
            "web.telemetry_path": "web: {telemetry_path: /other}\n",
            "web.listen_addresses": 'web: {listen_addresses: ["127.0.0.1:8099"]}\n',
            "web.max_requests": "web: {max_requests: 7}\n",
            "web.enable_lifecycle": "web: {enable_lifecycle: true}\n",
            "web.workers": "web: {workers: 8}\n",
            "web.request_timeout": "web: {request_timeout: 3s}\n",
            "web.health_without_login": "web: {health_without_login: true}\n",
            "web.max_connections_per_client": "web: {max_connections_per_client: 7}\n",
            "web.allow": "web: {allow: [127.0.0.0/8]}\n",
            "log.format": "log: {format: json}\n",
        }
        for key, text in rows.items():
            with self.subTest(key):
                exporter = self.start_exporter(listen=None, config=FAST + LOCAL)
                exporter.reload(FAST + (text if "listen" in key else merged(text)))
                line = exporter.log.wait_for("level=warning")
                self.assertRegex(line, rf"{key}\b.*restart")
                self.assertEqual(len(exporter.log.matching("restart")), 1)
                self.assertEqual(exporter.request("/metrics").status, 200)
                self.assertEqual(exporter.request("/other").status, 404)

    def test_a_storm_of_sighups_leaves_it_right(self):
        self.start_service(8080).connect(3)
        exporter = self.start_exporter()
        for number in range(100):
            exporter.config.write(BAD if number % 3 == 0 else with_interval(f"{100 + number}ms"))
            exporter.process.send_signal(signal.SIGHUP)
        exporter.config.write(with_interval("150ms", "ports: {inbound: [22]}\n"))
        exporter.process.send_signal(signal.SIGHUP)
        self.expect_interval(exporter, 0.15)
        scrape = exporter.fresh_scrape()
        self.assert_sockets_match_the_kernel(scrape, 8080)
        self.assertEqual(len(scrape.sockets(22)), 10)
        self.assertEqual(scrape.value(LAST_RELOAD), 1)


def has_leak(scrape, port):
    """Whether its leak is found."""
    labels = place(port, finding="cw_in_not_closed", severity="warning")
    return scrape.get("sockdiag_findings", **labels) == 1


def merged(text):
    """A row of the restart table, with the listen address it was started with."""
    if text.startswith("web: {"):
        return text.replace("web: {", 'web: {listen_addresses: ["127.0.0.1:0"], ')
    return LOCAL + text


class ReloadEndpoint(EndToEndTest):
    def test_it_reloads_with_the_flag(self):
        exporter = self.start_exporter("--web.enable-lifecycle")
        exporter.config.write(with_interval("300ms"))
        self.assertEqual(exporter.request("/-/reload", "POST").status, 200)
        exporter.scrape_when(
            lambda scrape: scrape.source("sockdiag_sample_interval_seconds") == 0.3, "the interval"
        )

    def test_it_reloads_with_the_key(self):
        exporter = self.start_exporter(config=FAST + "web: {enable_lifecycle: true}\n")
        self.assertEqual(exporter.request("/-/reload", "POST").status, 200)

    def test_it_tells_which_keys_need_a_restart(self):
        exporter = self.start_exporter("--web.enable-lifecycle")
        exporter.config.write(FAST + "web: {workers: 8}\nlog: {format: json}\n")
        answer = exporter.request("/-/reload", "POST")
        self.assertEqual(answer.status, 200)
        self.assertRegex(
            answer.text,
            r"\Aconfiguration reloaded\nweb\.workers: 8 needs a restart, 64 stays in force\n"
            r"log\.format: json needs a restart, logfmt stays in force\n\Z",
        )
        exporter.log.wait_for("level=warning .*web.workers: 8 needs a restart")

    def test_it_tells_the_problem(self):
        exporter = self.start_exporter("--web.enable-lifecycle")
        exporter.config.write(BAD)
        answer = exporter.request("/-/reload", "POST")
        self.assertEqual(answer.status, 500)
        self.assertRegex(answer.text, BAD_POSITION + ".*inbund")
        self.assertTrue(answer.header("Content-Type").startswith("text/plain"))
        exporter.scrape_when(reload_failed, "failed reload")

    def test_a_hostile_file_is_refused(self):
        # A worker of CivetWeb's has a stack of 100 KiB.
        exporter = self.start_exporter("--web.enable-lifecycle")
        for text in (",", "[" * 60_000, "- " * 30_000, "{a: " * 15_000):
            exporter.config.write(text)
            answer = exporter.request("/-/reload", "POST")
            self.assertEqual(answer.status, 500)
            self.assertRegex(answer.text, r"\.yml:1:\d+: expected ")

    def test_it_is_not_there_without_the_flag(self):
        exporter = self.start_exporter()
        exporter.config.write(with_interval("300ms"))
        self.assertEqual(exporter.request("/-/reload", "POST").status, 404)
        scrape = exporter.fresh_scrape()
        self.assertEqual(scrape.source("sockdiag_sample_interval_seconds"), 0.1)


class HangingFiles(EndToEndTest):
    """On a mount whose server has gone, whoever opens a file waits for ever."""

    def setUp(self):
        super().setUp()
        self.file = HangingFile(FAST)
        self.addCleanup(self.file.remove)

    def launch(self, *flags):
        exporter = Exporter(
            f"--config.file={self.file.path}",
            *flags,
            config=None,
            environment=self.file.environment(),
        )
        self.addCleanup(exporter.dispose)
        return exporter

    def wait_until_it_hangs(self):
        wait_until(self.file.is_waited_for, "the file is being opened")

    def test_a_reload_that_hangs_holds_up_neither_scrapes_nor_the_end(self):
        exporter = self.launch().wait_until_listening().wait_until_ready()
        self.file.hang()
        for _ in range(3):
            exporter.process.send_signal(signal.SIGHUP)
        self.wait_until_it_hangs()
        exporter.fresh_scrape()
        self.assertEqual(exporter.terminate(), 0)

    def test_a_reload_by_request_that_hangs_holds_up_neither_scrapes_nor_the_end(self):
        exporter = self.launch("--web.enable-lifecycle").wait_until_listening().wait_until_ready()
        self.file.hang()
        asking = threading.Thread(target=self.ask_for_reload, args=(exporter,))
        asking.start()
        self.addCleanup(asking.join)
        self.wait_until_it_hangs()
        exporter.process.send_signal(signal.SIGHUP)
        exporter.fresh_scrape()
        self.assertEqual(exporter.terminate(), 0)

    @staticmethod
    def ask_for_reload(exporter):
        try:
            exporter.request("/-/reload", "POST")
        except OSError:
            pass  # no answer: the exporter ends meanwhile

    def test_a_start_that_hangs_ends_well_on_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number.name):
                self.file.hang()
                exporter = self.launch()
                self.wait_until_it_hangs()
                self.assertEqual(exporter.terminate(number), 0)

    def test_a_check_that_hangs_has_not_succeeded_on_sigterm(self):
        for flag in ("--config.check", "--once"):
            with self.subTest(flag):
                self.file.hang()
                exporter = self.launch(flag)
                self.wait_until_it_hangs()
                self.assertEqual(exporter.terminate(), -signal.SIGTERM)

    def test_sighup_during_the_start_is_a_reload_after_it(self):
        self.file.hang()
        exporter = self.launch("--web.listen-address=127.0.0.1:0")
        self.wait_until_it_hangs()
        exporter.process.send_signal(signal.SIGHUP)
        self.file.release()
        exporter.log.wait_for("configuration reloaded")
        self.assertEqual(exporter.terminate(), 0)


if __name__ == "__main__":
    unittest.main()
