# SPDX-License-Identifier: Apache-2.0
"""The alerts have the thresholds of the findings, and generate-alerts writes them with others."""

import importlib.machinery
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SCRIPT = ROOT / "deploy/prometheus/generate-alerts"
ALERTS = ROOT / "deploy/prometheus/sockdiag_alerts.yml"
CONFIGURATION = ROOT / "config/sockdiag_exporter.yml"
CHANGED = HERE / "changed_thresholds"

# Alerts on the exporter itself, and on what findings do not speak of.
OF_NO_FINDING = {
    "SockdiagConfigReloadFailed",
    "SockdiagEstablishedGrowing",
    "SockdiagExporterDown",
    "SockdiagExporterFlapping",
    "SockdiagNamespacesSlow",
    "SockdiagNamespacesUnread",
    "SockdiagSampleStale",
    "SockdiagSamplingFailing",
}
WITHOUT_ALERT = {"syn_recv", "time_wait_rate", "time_wait_share"}


def load_script():
    """As a module, without bytecode beside it."""
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader("generate_alerts", str(SCRIPT))
    specification = importlib.util.spec_from_loader("generate_alerts", loader)
    module = importlib.util.module_from_spec(specification)
    sys.modules["generate_alerts"] = module  # where dataclasses look for it
    loader.exec_module(module)
    return module


script = load_script()


def text_of(path):
    return path.read_text(encoding="utf-8")


def committed():
    return text_of(ALERTS)


def generated(configuration):
    return script.alerts_with(script.Findings("f.yml", configuration), committed(), "f.yml")


def rules_in(text):
    """{alert: its rule}"""
    groups = yaml.safe_load(text)["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def differing(text):
    """The alerts that are not the committed ones."""
    before, after = rules_in(committed()), rules_in(text)
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def places():
    return [(key, place) for key, each in script.THRESHOLDS.items() for place in each.places]


def rule_text(alert):
    return next(piece for piece in script.pieces_of(committed()) if script.name_of(piece) == alert)


def run(*arguments):
    command = [SCRIPT, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def promtool(*arguments):
    command = ["promtool", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


class InADirectory(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="sockdiag_alerts_")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def write(self, text, name="f.yml"):
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        return path


class Thresholds(unittest.TestCase):
    def test_are_the_keys_of_the_shipped_configuration_with_its_defaults(self):
        shipped = yaml.safe_load(text_of(CONFIGURATION))["findings"]
        defaults = {key: each.default for key, each in script.THRESHOLDS.items()}
        self.assertEqual(defaults | {"disable": []}, shipped)

    def test_stand_in_alerts_but_for_those_of_findings_without_one(self):
        without = {key for key, each in script.THRESHOLDS.items() if not each.places}
        self.assertEqual(without, WITHOUT_ALERT)

    def test_stand_where_and_as_often_as_the_table_says(self):
        for key, place in places():
            with self.subTest(key, alert=place.alert, text=place.text):
                place.spans(rule_text(place.alert), script.THRESHOLDS[key].default)

    def test_are_missed_where_an_alert_has_another_number(self):
        for key, place in places():
            with self.subTest(key, alert=place.alert, text=place.text):
                rule = rule_text(place.alert)
                start, end = place.spans(rule, script.THRESHOLDS[key].default)[0]
                other = committed().replace(rule, rule[:start] + "7777" + rule[end:])
                with self.assertRaisesRegex(LookupError, place.alert):
                    script.alerts_with(script.Findings(), other, None)

    def test_share_no_place(self):
        spans = [
            (place.alert, span)
            for key, place in places()
            for span in place.spans(rule_text(place.alert), script.THRESHOLDS[key].default)
        ]
        self.assertEqual(len(spans), len(set(spans)))


class FindingsOfAlerts(unittest.TestCase):
    def test_are_those_of_the_exporter_in_its_order(self):
        header = text_of(ROOT / "include/sockdiag/core/finding.hpp")
        names = header.partition("kFindingNames")[2].partition("});")[0]
        self.assertEqual(list(script.ALERTS_OF), re.findall(r'"(\w+)"', names))

    def test_every_alert_has_one_but_those_on_the_exporter(self):
        named = {alert for alerts in script.ALERTS_OF.values() for alert in alerts}
        self.assertEqual(named | OF_NO_FINDING, rules_in(committed()).keys())
        self.assertEqual(named & OF_NO_FINDING, set())


class Generated(InADirectory):
    def test_with_the_defaults_every_byte_is_the_committed_one(self):
        for arguments in ((), ("--config", CONFIGURATION), ("--config", self.write(""))):
            with self.subTest(arguments):
                self.assertEqual(run(*arguments).stdout, committed())

    def test_a_changed_threshold_changes_its_alerts_and_no_other(self):
        for key, each in script.THRESHOLDS.items():
            with self.subTest(key):
                text = generated(f"findings: {{{key}: {script.number(each.default / 2)}}}")
                self.assertEqual(differing(text), {place.alert for place in each.places})
                self.assertIn(f"# * {key} ", text)

    def test_all_thresholds_may_be_changed_at_once(self):
        halves = [f"{key}: {each.default / 2}" for key, each in script.THRESHOLDS.items()]
        text = generated("findings: {" + ", ".join(halves) + "}")
        status, words = promtool("check", "rules", "--lint=all", "--lint-fatal", self.write(text))
        self.assertEqual(status, 0, words)

    def test_a_number_that_becomes_that_of_another_place_stays_apart(self):
        expression = rules_in(generated("findings: {syn_sent: 20}"))["SockdiagSynSentLingering"]
        self.assertEqual(re.findall(r">= (\d+)", expression["expr"]), ["20", "40"])

    def test_texts_have_the_new_numbers(self):
        rows = {
            "SockdiagCloseWaitGrowing": ("close_wait_growing: 70", "; 70 or more of them"),
            "SockdiagLastAckLingering": ("unacknowledged_opens: 10", "more than 10 % of those"),
            "SockdiagFinWait1Lingering": ("unacknowledged_opens: 0.5", "more than 0.5 % of those"),
            "SockdiagSynRecvLingering": ("syn_recv_opens: 6", "more than 10 % of those"),
            "SockdiagConnectionsRefused": ("attempt_failures_share: 0.07", "over 7 % of those"),
            "SockdiagPortsFolded": ("folded_share: 0.125", "more than 12.5 %, are"),
            "SockdiagSendQueueStuck": ("send_queue_socket_bytes: 1536", "over 1.5 KiB for each"),
        }
        for alert, (key, words) in rows.items():
            with self.subTest(alert):
                rule = rules_in(generated(f"findings: {{{key}}}"))[alert]
                self.assertIn(words, rule["annotations"]["description"])

    def test_numbers_are_written_without_an_exponent(self):
        text = generated("findings: {queue_bytes: 1e9, orphans: .0000005}")
        self.assertIn("[15m]) >= 1000000000\n", text)
        self.assertIn("orphans_limit > 0.0000005\n", text)

    def test_a_disabled_finding_leaves_out_the_alerts_on_it_alone(self):
        owners = {}
        for finding, alerts in script.ALERTS_OF.items():
            for alert in alerts:
                owners.setdefault(alert, set()).add(finding)
        for finding in script.ALERTS_OF:
            with self.subTest(finding):
                text = generated(f"findings: {{disable: [{finding}]}}")
                expected = {alert for alert, of in owners.items() if of == {finding}}
                gone = rules_in(committed()).keys() - rules_in(text).keys()
                self.assertEqual(gone, expected)

    def test_an_alert_on_several_findings_goes_with_the_last_of_them(self):
        text = generated("findings: {disable: [acceptq_full, acceptq_bursts]}")
        self.assertNotIn("SockdiagListenerDropping\n", text)
        self.assertIn("SockdiagSynFlood\n", text)

    def test_the_causes_of_disabled_findings_are_left_out(self):
        text = generated("findings: {disable: [cw_in_unread, cw_in_not_closed, cw_out_leak]}")
        rules = rules_in(text)
        causes = 'cause!~"not_closed|unread_data|unread_goodbye|unread_eof"'
        self.assertIn(causes, rules["SockdiagCloseWaitLingering"]["expr"])
        causes = 'cause!~"not_closed|unread_data|not_accepted"'
        self.assertIn(causes, rules["SockdiagCloseWaitLingeringOutbound"]["expr"])

    def test_without_findings_the_alerts_on_the_exporter_are_left(self):
        text = generated(f"findings: {{disable: [{', '.join(script.ALERTS_OF)}]}}")
        self.assertEqual(rules_in(text).keys(), OF_NO_FINDING)
        self.assertTrue(all(group["rules"] for group in yaml.safe_load(text)["groups"]))
        status, words = promtool("check", "rules", "--lint=all", "--lint-fatal", self.write(text))
        self.assertEqual(status, 0, words)

    def test_is_written_to_a_file(self):
        path = self.directory / "alerts.yml"
        done = run("-o", path)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual(text_of(path), committed())

    def test_a_file_is_replaced_as_a_whole_and_keeps_its_mode(self):
        path = self.directory / "alerts.yml"
        path.write_text("old", encoding="utf-8")
        path.chmod(0o640)
        link = self.directory / "link.yml"
        link.symlink_to(path)
        with path.open(encoding="utf-8") as reader:
            done = run("-o", link)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(reader.read(), "old")
        self.assertEqual(text_of(path), committed())
        self.assertEqual(path.stat().st_mode & 0o777, 0o640)
        self.assertTrue(link.is_symlink())
        self.assertEqual(sorted(self.directory.iterdir()), [path, link])

    def test_is_written_to_a_device(self):
        self.assertEqual(run("-o", "/dev/stdout").stdout, committed())


class ChangedThresholds(InADirectory):
    """By promtool, with the alerts that are written for the configuration beside the tests."""

    def outcome(self, *arguments):
        self.write(run(*arguments).stdout, "sockdiag_alerts.yml")
        shutil.copy(CHANGED / "alerts.yml", self.directory)
        return promtool("test", "rules", self.directory / "alerts.yml")

    def test_change_when_alerts_fire(self):
        status, words = self.outcome("--config", CHANGED / "sockdiag_exporter.yml")
        self.assertEqual(status, 0, words)

    def test_are_needed_for_each_of_these_tests(self):
        status, words = self.outcome()
        self.assertEqual(status, 1)
        names = [test["name"] for test in yaml.safe_load(text_of(CHANGED / "alerts.yml"))["tests"]]
        self.assertEqual(len(re.findall(r"\bexp:", words)), len(names), words)


class BadConfigurations(InADirectory):
    ROWS = {
        "findings: {clossing: 1}": '1:12: unknown key "clossing"; did you mean "closing"?',
        "findings:\n  closing: 1\n  zebra: 1\n": '3:3: unknown key "zebra"',
        "findings: {closing: 1, closing: 2}": '1:24: duplicate key "closing"',
        "findings: {closing: many}": '1:21: findings.closing: expected a number, got "many"',
        "findings: {closing: -1}": '1:21: findings.closing: expected a number, got "-1"',
        "findings: {closing: .nan}": '1:21: findings.closing: expected a number, got ".nan"',
        "findings: {closing: 1e999}": '1:21: findings.closing: expected a number, got "1e999"',
        "findings: {closing: [1]}": '1:21: findings.closing: expected a number, got ""',
        "findings: {closing: }": '1:20: findings.closing: expected a number, got ""',
        "findings: [closing]": "1:11: expected a mapping of keys",
        "[findings]": "1:1: expected a mapping of sections",
        "findings: {disable: blind}": "1:21: findings.disable: expected a list",
        "findings:\n  disable:\n    - tw_servr\n": "3:7: findings.disable: expected a list of names"
        ' of findings, got "tw_servr"; did you mean "tw_server"?',
        "findings: {closing": "1:11: ",
    }

    def test_are_refused_with_their_place(self):
        for text, words in self.ROWS.items():
            with self.subTest(text):
                path = self.write(text)
                done = run("--config", path)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertTrue(done.stderr.startswith(f"generate-alerts: {path}:"), done.stderr)
                if not text.endswith("{closing"):  # whose end is where it is missed
                    self.assertIn(f"{path}:{words}", done.stderr)

    def test_are_refused_by_the_exporter_at_the_same_place(self):
        for text, words in self.ROWS.items():
            with self.subTest(text):
                path = self.write(text)
                done = self.exporter_check(path)
                self.assertEqual(done.returncode, 2)
                line, column = words.split(":")[:2]
                if not text.endswith(": }"):  # where nothing stands, each has its own place for it
                    self.assertIn(f"{path}:{line}:{column}: ", done.stderr)

    def test_good_ones_are_good_for_the_exporter(self):
        done = self.exporter_check(CHANGED / "sockdiag_exporter.yml")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def exporter_check(self, path):
        program = os.environ["SOCKDIAG_EXPORTER"]
        listen = "--web.listen-address=127.0.0.1:0"
        command = [program, "--config.check", f"--config.file={path}", listen]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def test_that_cannot_be_read_are_named(self):
        done = run("--config", self.directory / "none.yml")
        self.assertEqual(done.returncode, 2)
        self.assertIn("none.yml", done.stderr)

    def test_other_sections_are_not_looked_at(self):
        self.assertEqual(run("--config", self.write("web: {zebra: 1}\n")).stdout, committed())


if __name__ == "__main__":
    unittest.main()
