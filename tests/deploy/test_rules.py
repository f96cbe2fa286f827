# SPDX-License-Identifier: Apache-2.0
"""The alerts and recording rules: well formed, tested each, and about metrics that exist."""

import functools
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
PROMETHEUS = REPOSITORY / "deploy/prometheus"
ALERTS = PROMETHEUS / "sockdiag_alerts.yml"
RECORDING = PROMETHEUS / "sockdiag_recording.yml"
RUNBOOK = PROMETHEUS / "runbook.md"
ALERTMANAGER = PROMETHEUS / "alertmanager.yml"
UNIT_TESTS = sorted((HERE / "rules").glob("*.yml"))
RUNBOOK_URL = "https://github.com/sockdiag/sockdiag_exporter/blob/main/deploy/prometheus/runbook.md"


def load(path):
    return yaml.safe_load(path.read_text())


def rules(path):
    return [rule for group in load(path)["groups"] for rule in group["rules"]]


def alerts_of(groups):
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def recorded_in(path):
    return [rule for rule in rules(path) if "record" in rule]


def promtool(*arguments):
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def check_rules(*paths):
    return promtool("check", "rules", "--lint=all", "--lint-fatal", *paths)


def exported_types():
    """{metric: type} of the documented table, which another test compares with the exporter."""
    document = (PROMETHEUS / "README.md").read_text()
    return dict(re.findall(r"^\| `(\w+)` \| (gauge|counter) \|", document, re.M)) | {"up": "gauge"}


def bare(expression):
    """Without comments and the text of strings."""
    return re.sub(r"#[^\n]*", "", re.sub(r"\"[^\"]*\"", '""', expression))


def metrics_in(expression):
    """What is left without selectors, ranges, offsets, lists of labels, numbers and functions."""
    text = re.sub(r"\{[^}]*\}|\[[^]]*\]|\boffset\s+\w+", " ", bare(expression))
    text = re.sub(r"\b(without|by|ignoring|on)\s*\([^)]*\)", " ", text)
    text = re.sub(r"\b(and|or|unless)\b|\b[a-z_]+(?=\s*\()|\b\d[\w.]*", " ", text)
    return set(re.findall(r"[a-zA-Z_:][\w:]*", text))


def rated_in(expression):
    """What rate() and its like are applied to: sense only in counters."""
    return re.findall(r"\b(?:rate|irate|increase|resets)\s*\(\s*([\w:]+)", bare(expression))


def alerts_named_in(matchers, known):
    """The alerts that a list of matchers of Alertmanager selects by name."""
    (matcher,) = [each for each in matchers if each.startswith("alertname")]
    wanted = re.fullmatch(r'alertname=~?"([\w|]+)"', matcher)[1]
    return {alert for alert in known if re.fullmatch(wanted, alert)} or {wanted}


def commands_of_texts():
    """(labels, command) of each command in the texts that unit tests expect, filled in."""
    return [
        (expected["exp_labels"], command)
        for _, _, alerts in alert_tests()
        for expected in alerts
        for command in re.findall("`([^`]+)`", expected["exp_annotations"]["description"])
    ]


def run_in_fresh_namespace(command):
    """Without sockets: grep finds nothing and ends with 1, what is wrong is said on stderr."""
    script = f"ip link set lo up; {command}"
    return subprocess.run(
        ["unshare", "--net", "bash", "-c", script], capture_output=True, text=True, check=False
    )


@functools.cache
def alert_tests():
    """(file, alert, what is expected) of each test of promtool."""
    return [
        (path.name, test["alertname"], test.get("exp_alerts") or [])
        for path in UNIT_TESTS
        for group in load(path)["tests"]
        for test in group.get("alert_rule_test", [])
    ]


def minutes(duration):
    return int(re.fullmatch(r"(\d+)m", duration)[1])


def name_of(rule):
    return rule.get("alert") or rule["record"]


class EveryRule(unittest.TestCase):
    ALL = rules(ALERTS) + rules(RECORDING)

    def test_is_accepted_by_promtool(self):
        status, words = check_rules(ALERTS, RECORDING)
        self.assertEqual(status, 0, words)

    def test_has_a_name_of_its_own(self):
        names = [name_of(rule) for rule in self.ALL]
        self.assertEqual(sorted(names), sorted(set(names)))

    def test_reads_metrics_that_the_exporter_has_or_a_rule_records(self):
        recorded = recorded_in(ALERTS) + recorded_in(RECORDING)
        known = exported_types().keys() | {rule["record"] for rule in recorded}
        for rule in self.ALL:
            with self.subTest(name_of(rule)):
                self.assertTrue(metrics_in(rule["expr"]))
                self.assertLessEqual(metrics_in(rule["expr"]), known)

    def test_takes_rates_of_counters_and_never_a_slope_of_a_gauge(self):
        types = exported_types()
        for rule in self.ALL:
            with self.subTest(name_of(rule)):
                self.assertNotRegex(rule["expr"], r"\b(deriv|i?delta|predict_linear)\s*\(")
                for metric in rated_in(rule["expr"]):
                    self.assertRegex(metric, "_total$")
                    self.assertEqual(types[metric], "counter")

    def test_selects_no_job_and_no_instance(self):
        for rule in self.ALL:
            with self.subTest(name_of(rule)):
                self.assertNotRegex(bare(rule["expr"]), r"\b(job|instance)\s*(=|!)")

    def test_looks_back_5_minutes_or_more(self):
        for rule in self.ALL:
            with self.subTest(name_of(rule)):
                self.assertNotRegex(rule["expr"], r"\[([0-4]m|\d+m?s)")


class EveryGroup(unittest.TestCase):
    GROUPS = load(ALERTS)["groups"] + load(RECORDING)["groups"]

    def test_has_an_interval_of_its_own_of_a_minute_or_more(self):
        for group in self.GROUPS:
            with self.subTest(group["name"]):
                self.assertGreaterEqual(minutes(group["interval"]), 1)

    def test_records_what_it_reads_before_it_does(self):
        for group in self.GROUPS:
            names = [name_of(rule) for rule in group["rules"]]
            for index, rule in enumerate(group["rules"]):
                with self.subTest(name_of(rule)):
                    self.assertEqual(metrics_in(rule["expr"]) & set(names[index:]), set())

    def test_adds_up_the_sockets_of_all_ports_and_states_once(self):
        """To add up all series of all hosts is what costs most."""
        everything = r"(?<!:)\bsockdiag_tcp_sockets\b(?!:|\{[^}]*\b(direction|port|state)[=!])"
        reading = [
            name_of(rule)
            for group in self.GROUPS
            for rule in group["rules"]
            if re.search(everything, rule["expr"])
        ]
        self.assertEqual(reading, ["instance_direction_state:sockdiag_tcp_sockets:sum"])


class EveryAlert(unittest.TestCase):
    ALL = alerts_of(load(ALERTS)["groups"])

    def test_is_named_after_the_exporter(self):
        for rule in self.ALL:
            self.assertRegex(rule["alert"], r"^Sockdiag([A-Z][a-z0-9]+)+$")

    def test_has_a_severity_and_says_where_and_what_to_do_first(self):
        for rule in self.ALL:
            with self.subTest(rule["alert"]):
                self.assertIn(rule["labels"]["severity"], {"info", "warning", "critical"})
                self.assertIn("$labels.instance", rule["annotations"]["summary"])
                self.assertRegex(rule["annotations"]["description"], "[Ff]irst ")

    def test_must_hold_for_2_minutes_or_more(self):
        for rule in self.ALL:
            with self.subTest(rule["alert"]):
                self.assertRegex(rule.get("for", ""), r"^([2-9]|\d\d)m$")

    def test_is_looked_at_at_least_twice_more_while_it_must_hold(self):
        for group in load(ALERTS)["groups"]:
            for rule in alerts_of([group]):
                with self.subTest(rule["alert"]):
                    interval = minutes(group["interval"])
                    self.assertGreaterEqual(minutes(rule["for"]), 2 * interval)

    def test_is_looked_at_seldom_where_it_reads_a_day(self):
        for group in load(ALERTS)["groups"]:
            for rule in alerts_of([group]):
                if re.search(r"\b(24h|1d)\b", rule["expr"]):
                    with self.subTest(rule["alert"]):
                        self.assertGreaterEqual(minutes(group["interval"]), 2)

    def test_is_kept_while_the_exporter_does_not_answer(self):
        """All but those that read what Prometheus itself writes."""
        others = dict.fromkeys(("SockdiagExporterDown", "SockdiagExporterFlapping"))
        others |= dict.fromkeys(
            ("SockdiagCloseWaitGrowingSlowly", "SockdiagEstablishedGrowing", "SockdiagSocketsHidden"),
            "1h",
        )
        for rule in self.ALL:
            with self.subTest(rule["alert"]):
                expected = others.get(rule["alert"], "10m")
                self.assertEqual(rule.get("keep_firing_for"), expected)

    def test_leads_to_its_section_of_the_runbook(self):
        sections = re.findall(r"^## (Sockdiag\w+)$", RUNBOOK.read_text(), re.M)
        self.assertEqual(sorted(sections), sorted(rule["alert"] for rule in self.ALL))
        for rule in self.ALL:
            with self.subTest(rule["alert"]):
                anchor = f"{RUNBOOK_URL}#{rule['alert'].lower()}"
                self.assertEqual(rule["annotations"]["runbook_url"], anchor)

    def test_keeps_all_labels_of_its_target(self):
        for rule in self.ALL:
            with self.subTest(rule["alert"]):
                expression = bare(rule["expr"])
                self.assertNotRegex(expression, r"\bby\s*\(")
                # Relabelling may change what build_info says, but not what up says.
                if "sockdiag_exporter_build_info" not in expression:
                    self.assertNotRegex(expression, r"\b(and|unless) on\s*\(")

    def test_outlasts_a_missed_scrape_where_it_asks_for_old_sockets(self):
        for rule in self.ALL:
            with self.subTest(rule["alert"]):
                self.assertNotRegex(bare(rule["expr"]), r"lingering_sockets\{[^}]*\}(?!\[)")

    def test_needs_no_rule_of_another_file(self):
        known = exported_types().keys() | {rule["record"] for rule in recorded_in(ALERTS)}
        for rule in self.ALL:
            with self.subTest(rule["alert"]):
                self.assertLessEqual(metrics_in(rule["expr"]), known)


class EveryAlertsUnitTest(unittest.TestCase):
    ALERTS = [rule["alert"] for rule in EveryAlert.ALL]

    def files(self, alert, fires):
        wanted = (alert, fires)
        return {file for file, name, alerts in alert_tests() if (name, bool(alerts)) == wanted}

    def test_shows_it_firing_and_silent_in_one_file(self):
        for alert in self.ALERTS:
            with self.subTest(alert):
                self.assertTrue(self.files(alert, fires=True) & self.files(alert, fires=False))

    def test_shows_it_silent_on_a_host_that_is_well(self):
        for alert in self.ALERTS:
            with self.subTest(alert):
                self.assertIn("quiet_host.yml", self.files(alert, fires=False))

    def test_shows_that_it_keeps_a_label_of_the_target_and_what_it_says(self):
        for alert in self.ALERTS:
            with self.subTest(alert):
                expected = [a for _, name, alerts in alert_tests() if name == alert for a in alerts]
                self.assertTrue(any("cluster" in each["exp_labels"] for each in expected))
                self.assertTrue(all("description" in each["exp_annotations"] for each in expected))


class EveryCommand(unittest.TestCase):
    """In the texts of alerts, as unit tests expect them."""

    ALL = commands_of_texts()

    def test_there_are_many(self):
        self.assertGreater(len({command for _, command in self.ALL}), 30)

    def test_of_ss_names_its_states(self):
        """Without, iproute2 6.8 and later also walks bound sockets, which holds up accept()."""
        for _, command in self.ALL:
            if command.startswith("ss "):
                with self.subTest(command):
                    flags = command.split()[1]
                    self.assertRegex(flags, "^-H[a-z]+$")
                    self.assertNotIn("a", flags)
                    self.assertTrue("l" in flags or " state " in command)
                    self.assertNotRegex(command, r"\b(all|connected|exclude)\b")

    def test_of_ss_is_about_the_port_of_its_alert_and_no_other(self):
        for labels, command in self.ALL:
            if command.startswith("ss ") and "port" in labels:
                with self.subTest(command, labels=labels):
                    end = "dport" if labels.get("direction") == "outbound" else "sport"
                    wanted = [] if labels["port"] == "other" else [f"( {end} = :{labels['port']} )"]
                    self.assertEqual(re.findall(r"\( [sd]port = :\w+ \)", command), wanted)
                    self.assertNotIn("other", command)

    def test_is_understood(self):
        for command in sorted({command for _, command in self.ALL if "PID" not in command}):
            with self.subTest(command):
                done = run_in_fresh_namespace(command)
                self.assertIn(done.returncode, (0, 1))
                self.assertEqual(done.stderr, "")

    def test_would_not_be_understood_with_a_mistake(self):
        for command in ("ss -Htn state close-wat", "ss -Htn state close-wait '( sport = :x-y )'"):
            with self.subTest(command):
                self.assertNotEqual(run_in_fresh_namespace(command).stderr, "")


class ExampleOfAlertmanager(unittest.TestCase):
    """Which alerts it tells is shown end to end; here, that it knows the rules."""

    SEVERITIES = {rule["alert"]: rule["labels"]["severity"] for rule in EveryAlert.ALL}
    INHIBITIONS = load(ALERTMANAGER)["inhibit_rules"]

    def pairs(self):
        """(source, target) of each alert that silences another."""
        return {
            (source, target)
            for rule in self.INHIBITIONS
            for source in alerts_named_in(rule["source_matchers"], self.SEVERITIES)
            for target in alerts_named_in(rule["target_matchers"], self.SEVERITIES)
        }

    def test_is_accepted_by_amtool(self):
        command = ["amtool", "check-config", ALERTMANAGER]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_names_alerts_that_there_are(self):
        text = ALERTMANAGER.read_text(encoding="utf-8")
        self.assertLessEqual(set(re.findall(r"Sockdiag\w+", text)), self.SEVERITIES.keys())

    def test_silences_nothing_for_what_is_less_severe(self):
        order = ["info", "warning", "critical"]
        for source, target in self.pairs():
            with self.subTest(source, target=target):
                ranks = [order.index(self.SEVERITIES[alert]) for alert in (source, target)]
                self.assertGreaterEqual(*ranks)

    def test_silences_no_two_alerts_by_each_other(self):
        for source, target in self.pairs():
            self.assertNotIn((target, source), self.pairs())

    def test_silences_only_what_is_of_the_same_host(self):
        for rule in self.INHIBITIONS:
            self.assertLessEqual({"job", "instance"}, set(rule["equal"]))


class AlertOnFindings(unittest.TestCase):
    """The one of README.md, in the place of all others."""

    RULES = (PROMETHEUS / "README.md").read_text().partition("```yaml\ngroups:")[2]

    def outcome(self, series, alerts):
        with tempfile.TemporaryDirectory() as directory:
            (Path(directory) / "rules.yml").write_text("groups:" + self.RULES.partition("```")[0])
            test = {"alertname": "SockdiagFinding", "eval_time": "15m", "exp_alerts": alerts}
            samples = {"series": f"sockdiag_findings{series}", "values": "1+0x20"}
            group = {"interval": "1m", "input_series": [samples], "alert_rule_test": [test]}
            tests = Path(directory) / "tests.yml"
            tests.write_text(yaml.safe_dump({"rule_files": ["rules.yml"], "tests": [group]}))
            return promtool("test", "rules", tests)

    def test_fires_with_the_severity_and_place_of_the_finding(self):
        place = {"finding": "ports_short", "severity": "critical", "instance": "web1"}
        expected = {"exp_labels": place, "exp_annotations": {"summary": "ports_short on web1    "}}
        series = '{finding="ports_short",severity="critical",instance="web1",direction="",port=""}'
        status, words = self.outcome(series, [expected])
        self.assertEqual(status, 0, words)

    def test_says_nothing_of_what_is_for_information(self):
        status, words = self.outcome('{finding="tw_server",severity="info",instance="web1"}', [])
        self.assertEqual(status, 0, words)


class QueriesOfOwners(unittest.TestCase):
    """The examples of README.md and of the runbook, on one host that has owners and pods."""

    HOST = 'job="sockdiag",instance="node1"'
    CART = 'namespace="shop",pod="cart-7d9"'
    PROXY = 'namespace="net",pod="ingress-1",container="proxy"'
    SERIES = {
        f'sockdiag_tcp_owner_close_wait_sockets{{{HOST},direction="inbound",port="8080",'
        f'cause="not_closed",{PROXY}}}': "5x10",
        f'sockdiag_tcp_owner_close_wait_sockets{{{HOST},direction="inbound",port="8080",'
        f'cause="unread_eof",{PROXY}}}': "2x10",
        f'sockdiag_tcp_owner_sockets{{{HOST},direction="inbound",port="8080",state="close_wait",'
        f"{PROXY}}}": "7x10",
        f'sockdiag_tcp_sockets{{{HOST},direction="inbound",port="8080",state="close_wait"}}': "7x10",
        f'sockdiag_tcp_sockets{{{HOST},direction="inbound",port="8080",state="close_wait",{CART}}}':
        "9x10",
        f'sockdiag_tcp_listener_info{{{HOST},port="8080",name="shop",{PROXY}}}': "1x10",
        f'sockdiag_tcp_listener_info{{{HOST},port="8080",unit="web.service"}}': "1x10",
        f'sockdiag_tcp_listener_info{{{HOST},port="22",unit="ssh.service"}}': "1x10",
        f'sockdiag_tcp_accept_queue_utilization_ratio{{{HOST},port="8080"}}': "0.95x10",
        f'sockdiag_tcp_accept_queue_utilization_ratio{{{HOST},port="8080",{CART}}}': "2x10",
        f'sockdiag_tcp_accept_queue_utilization_ratio{{{HOST},port="22"}}': "0x10",
        f'sockdiag_findings{{{HOST},finding="acceptq_full",severity="warning",direction="inbound",'
        f'port="8080"}}': "1x10",
        f'sockdiag_findings{{{HOST},finding="acceptq_full",severity="warning",direction="inbound",'
        f'port="22",{CART}}}': "1x10",
        f'sockdiag_owner_info{{{HOST},{CART},container="app",runtime="containerd",cgroup="/a/b"}}':
        "1x10",
        f"sockdiag_tcp_listen_overflows_total{{{HOST},{CART}}}": "0+60x10",
        f"sockdiag_tcp_listen_overflows_total{{{HOST}}}": "0+60x10",
    }
    LISTENERS = (f'{HOST},port="8080",name="shop",{PROXY}', f'{HOST},port="8080",unit="web.service"')
    EXPECTED = [
        {f"{{{PROXY}}}": 7},
        {f'{{instance="node1",{CART}}}': 9},
        {f"{{{each}}}": 0.95 for each in LISTENERS},
        {f"sockdiag_tcp_listener_info{{{each}}}": 1 for each in LISTENERS},
        {'{instance="node1",container="app",cgroup="/a/b"}': 1},
        {f'{{instance="node1",{CART}}}': 1},
        {f"{{{PROXY}}}": 7},
    ]

    def test_find_what_they_should(self):
        text = (PROMETHEUS / "README.md").read_text() + RUNBOOK.read_text()
        queries = re.findall(r"^```promql\n(.*?)^```$", text, re.M | re.S)
        self.assertEqual(len(queries), len(self.EXPECTED))
        for query, expected in zip(queries, self.EXPECTED):
            with self.subTest(query):
                status, words = self.outcome(query, expected)
                self.assertEqual(status, 0, words)

    def test_would_not_be_found_in_other_series(self):
        self.assertEqual(self.outcome("sockdiag_findings", {})[0], 1)

    def outcome(self, query, expected):
        samples = [{"labels": labels, "value": value} for labels, value in expected.items()]
        series = [{"series": name, "values": values} for name, values in self.SERIES.items()]
        test = {"expr": query, "eval_time": "10m", "exp_samples": samples}
        group = {"interval": "1m", "input_series": series, "promql_expr_test": [test]}
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "tests.yml"
            path.write_text(yaml.safe_dump({"rule_files": [], "tests": [group]}))
            return promtool("test", "rules", path)


class EveryRecordingRule(unittest.TestCase):
    ALL = recorded_in(ALERTS) + recorded_in(RECORDING)

    def test_is_named_level_metric_operation(self):
        for rule in self.ALL:
            self.assertRegex(rule["record"], r"^(instance|job)(_[a-z]+)*:sockdiag_[a-z_]+:\w+$")

    def test_is_named_after_its_window(self):
        for rule in self.ALL:
            with self.subTest(rule["record"]):
                for window in re.findall(r"\[(\w+)\]", rule["expr"]):
                    self.assertRegex(rule["record"], f":(rate|min){window}$")

    def test_has_a_reader(self):
        """Those for dashboards have theirs by the test of the dashboards."""
        read = set().union(*(metrics_in(rule["expr"]) for rule in EveryAlert.ALL))
        self.assertLessEqual({rule["record"] for rule in recorded_in(ALERTS)}, read)

    def test_is_shown_to_have_the_values_it_should(self):
        groups = load(HERE / "rules/recording.yml")["tests"]
        tests = [test for group in groups for test in group["promql_expr_test"]]
        self.assertEqual({test["expr"] for test in tests}, {rule["record"] for rule in self.ALL})
        self.assertTrue(all(test["exp_samples"] for test in tests))


class Promtool(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)

    def write(self, name, content):
        path = self.directory / name
        path.write_text(yaml.safe_dump(content))
        return path

    def unit_tests_of_alerts_that_are(self, expression, file):
        """The outcome of a file of unit tests if the expression of every alert is this one."""
        alerts = load(ALERTS)
        for group in alerts["groups"]:
            for rule in group["rules"]:
                rule["expr"] = expression
        self.write("rules.yml", alerts)
        tests = load(HERE / "rules" / file) | {"rule_files": ["rules.yml"]}
        return promtool("test", "rules", self.write("tests.yml", tests))

    def test_finds_all_as_their_unit_tests_expect(self):
        for path in UNIT_TESTS:
            with self.subTest(path.name):
                status, words = promtool("test", "rules", path)
                self.assertEqual(status, 0, words)

    def test_would_find_alerts_that_never_fire(self):
        for file in sorted({file for file, _, alerts in alert_tests() if alerts}):
            with self.subTest(file):
                status, words = self.unit_tests_of_alerts_that_are("vector(0) > 1", file)
                self.assertEqual(status, 1)
                self.assertIn("FAILED", words)

    def test_would_find_alerts_that_always_fire(self):
        status, words = self.unit_tests_of_alerts_that_are("vector(1)", "quiet_host.yml")
        self.assertEqual(status, 1)
        for rule in EveryAlert.ALL:
            self.assertIn(f'alertname="{rule["alert"]}"', words)

    def test_refuses_bad_rules(self):
        up = {"alert": "A", "expr": "up == 0"}
        rows = {
            "an expression that does not parse": [{"alert": "A", "expr": "up =="}],
            "a template that does not parse": [up | {"annotations": {"summary": "{{ $nothing }}"}}],
            "a rule twice": [up, up],
        }
        for name, listed in rows.items():
            with self.subTest(name):
                path = self.write("bad.yml", {"groups": [{"name": "bad", "rules": listed}]})
                self.assertNotEqual(check_rules(path)[0], 0)


if __name__ == "__main__":
    unittest.main()
