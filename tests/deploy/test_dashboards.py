# SPDX-License-Identifier: Apache-2.0
"""The Grafana dashboards: whole, well-formed, and in step with metrics, rules and runbook."""

import copy
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import dashboard_checks as checks
import yaml
from dashboard_checks import (
    ALERTS,
    FLEET,
    GRAFANA,
    HOST,
    METRICS,
    RECORDED_FOR_DASHBOARDS,
    ROOT,
    RUNBOOK,
    annotation,
    drawn_alerts,
    expressions,
    metrics_in,
    numbers_drawn,
    panels,
    targets,
    variables,
)

INSTALLED = "/usr/share/sockdiag_exporter/grafana/dashboards"
OF_JOB = 'job=~"$job"'


# Ways to break a dashboard.


def first(dashboard, kind="timeseries"):
    """A panel of that kind with an alert and its number."""
    found = [each for each in panels(dashboard) if each["type"] == kind]
    return next(each for each in found if each["links"] and numbers_drawn(each))


def defaults(dashboard, kind="timeseries"):
    return first(dashboard, kind)["fieldConfig"]["defaults"]


def whole(**values):
    return lambda dashboard: dashboard.update(values)


def variable(which, **values):
    return lambda dashboard: variables(dashboard)[which].update(values)


def choice(query):
    return variable("job", query={"query": query})


def panel(kind="timeseries", **values):
    return lambda dashboard: first(dashboard, kind).update(values)


def field(**values):
    return lambda dashboard: defaults(dashboard).update(values)


def target(kind="timeseries", **values):
    return lambda dashboard: first(dashboard, kind)["targets"][0].update(values)


def link(**values):
    return lambda dashboard: first(dashboard)["links"][0].update(values)


def step(**values):
    return lambda dashboard: defaults(dashboard, "stat")["thresholds"]["steps"][1].update(values)


def place(**values):
    return lambda dashboard: first(dashboard)["gridPos"].update(values)


def mark(**values):
    return lambda dashboard: annotation(dashboard).update(values)


def expression(old, new):
    """In the first one that has it."""

    def change(dashboard):
        found = next(each for each in targets(dashboard) if old in each["expr"])
        found["expr"] = found["expr"].replace(old, new)

    return change


def steps_of(title, *steps):
    """(number, colour) each."""

    def change(dashboard):
        found = next(each for each in panels(dashboard) if each["title"] == title)
        made = [{"value": number, "color": colour} for number, colour in steps]
        found["fieldConfig"]["defaults"]["thresholds"]["steps"] = made

    return change


def no_links(dashboard):
    for each in panels(dashboard):
        each["links"] = []


def two_of_one_title(dashboard):
    first(dashboard)["title"] = first(dashboard, "stat")["title"]


def the_same_target_twice(dashboard):
    first(dashboard)["targets"] *= 2


def an_unknown_unit_of_a_column(dashboard):
    override = {"properties": [{"id": "unit", "value": "sockets"}]}
    first(dashboard)["fieldConfig"]["overrides"].append(override)


def no_line(dashboard):
    defaults(dashboard)["custom"]["thresholdsStyle"]["mode"] = "off"


def no_number_for_the_line(dashboard):
    del defaults(dashboard)["thresholds"]["steps"][1:]


def findings(**values):
    def change(dashboard):
        found = next(each for each in panels(dashboard) if each["title"] == "Findings")
        found.update(values)

    return change


def no_data_links(dashboard):
    for each in panels(dashboard):
        each["fieldConfig"]["overrides"] = []


def data_links_elsewhere(dashboard):
    for each in panels(dashboard):
        for override in each["fieldConfig"]["overrides"]:
            for found in override["properties"]:
                if found["id"] == "links":
                    found["value"][0]["url"] = "/d/other"


BREAKS = {
    checks.frame: [
        whole(id=1),
        whole(uid="other"),
        whole(tags=[]),
        whole(schemaVersion=16),
        whole(refresh=""),
        whole(timezone="utc"),
    ],
    checks.uneditable_dashboard: [whole(editable=True)],
    checks.template_datasource: [
        variable("datasource", query="loki"),
        variable("datasource", name="prometheus"),
    ],
    checks.template_job: [variable("job", multi=False), variable("job", allValue=".+")],
    checks.template_instance: [variable("instance", multi=True), variable("instance", name="host")],
    checks.template_label_promql: [
        choice("job"),
        choice("label_values(a{, job)"),
        choice('label_values({alertname=~"|Sockdiag.*"}, job)'),
    ],
    checks.template_offers_the_dead: [
        choice("label_values(sockdiag_exporter_build_info, job)"),
        choice('label_values({__name__=~"sockdiag_exporter_build_info|ALERTS"}, job)'),
    ],
    checks.template_on_time_change_reload: [variable("job", refresh=1)],
    checks.template_used: [
        variable("port", name="other"),
        expression('port=~"$port"', 'port=~"$service"'),
    ],
    checks.panel_datasource: [
        panel(datasource={"type": "prometheus", "uid": "abc"}),
        target(datasource="Prometheus"),
        variable("job", datasource=None),
        mark(datasource="Prometheus"),
    ],
    checks.panel_title_description: [panel(title=""), panel(description=""), two_of_one_title],
    checks.panel_units: [field(unit="sockets"), field(unit=None), an_unknown_unit_of_a_column],
    checks.panel_no_targets: [panel(targets=[])],
    checks.target_legend: [target(legendFormat=""), the_same_target_twice],
    checks.target_promql: [
        expression("sum by (state) (", "sum by (state) "),
        expression("sum(", "summe("),
        mark(expr="ALERTS{"),
    ],
    checks.target_rate_interval: [target(expr=f"rate(up{{{OF_JOB}}}[5m])")],
    checks.target_counter_agg: [
        target(expr=f"sockdiag_tcp_listen_drops_total{{{OF_JOB}}}"),
        target(expr="sum(a_total{}) + rate(b_total{}[$__rate_interval])"),
    ],
    checks.target_job: [
        expression(OF_JOB, 'job="sockdiag"'),
        target(expr=f"up{{{OF_JOB}}} + up{{}}"),
        target(expr="up"),
        mark(expr="ALERTS{}"),
    ],
    checks.target_instance: [expression('instance="$instance"', 'instance=~"$instance"')],
    checks.metrics_exist: [
        expression("sockdiag_tcp", "sockdiag_udp"),
        expression("up{", "ups{"),
        target(expr="sum(sockdiag_tcp_socket)"),
        choice("label_values(sockdiag_build_info, job)"),
        choice('label_values({__name__=~"sockdiag_build_info|ALERTS"}, job)'),
    ],
    checks.recording_rules_only: [
        expression("job_state:sockdiag_tcp_sockets:sum", "sockdiag_tcp_sockets")
    ],
    checks.ids: [panel(id=1), panel(id=0)],
    checks.layout: [place(x=20), place(w=25), place(y=0), place(y=-9)],
    checks.thresholds: [step(value=19), step(color="purple"), no_links],
    checks.counts_of_trouble: [
        steps_of("Firing alerts", (None, "green")),
        steps_of("Firing alerts", (None, "green"), (2, "red")),
        steps_of("Firing alerts", (None, "green"), (1, "blue")),
    ],
    checks.coloured_by_direction: [
        expression('direction="inbound"', 'direction=~"$direction"'),
        expression('direction="inbound"', 'direction="outbound"'),
    ],
    checks.drawn_as_exceptions_say: [
        steps_of("Hosts whose last sample succeeded", (None, "green")),
        steps_of("Hosts whose last sample succeeded", (None, "green"), (1, "orange")),
    ],
    checks.threshold_lines: [no_line, no_number_for_the_line],
    checks.runbook_links: [
        link(url=f"{RUNBOOK}#sockdiagnosuchthing"),
        link(title="Runbook: SockdiagNoSuchThing"),
        link(title="Runbook: SockdiagExporterDown"),
        link(url="https://example.org/runbook.md#sockdiagsynflood"),
    ],
    checks.firing_alerts: [mark(enable=False), mark(expr="ALERTS{}")],
    checks.findings_worst_first: [
        expression('3 * sockdiag_findings{severity="critical"', "3 * sockdiag_findings{"),
        findings(fieldConfig={"overrides": []}),
        findings(options={"sortBy": [{"displayName": "finding", "desc": True}]}),
    ],
    checks.now_is_instant: [target("stat", instant=False, range=True), target(instant=True)],
    checks.host_links: [no_data_links, data_links_elsewhere],
}


class Dashboards(unittest.TestCase):
    CHECKED = ((HOST, checks.OF_HOST), (FLEET, checks.OF_FLEET))

    def test_no_check_complains(self):
        for dashboard, each in self.CHECKED:
            for check in each:
                with self.subTest(dashboard["uid"], check=check.__name__):
                    self.assertEqual(list(check(dashboard)), [])

    def test_each_check_complains_of_broken_copies(self):
        for dashboard, each in self.CHECKED:
            for check in each:
                for number, change in enumerate(BREAKS[check]):
                    with self.subTest(dashboard["uid"], check=check.__name__, number=number):
                        broken = copy.deepcopy(dashboard)
                        change(broken)
                        self.assertNotEqual(list(check(broken)), [])

    def test_each_alert_has_a_panel_of_a_host_that_draws_its_number(self):
        drawn = {
            alert["alert"]
            for each in panels(HOST)
            for alert in drawn_alerts(each)
        }
        self.assertEqual(drawn, set(ALERTS))

    def test_what_counts_trouble_is_known_to_do_so(self):
        counting = {"Firing alerts", "Firing alerts by host", "Exporters down"}
        for dashboard, expected in ((HOST, {"Firing alerts"}), (FLEET, counting)):
            found = {each["title"] for each in panels(dashboard) if checks.counts_trouble(each)}
            self.assertEqual(found, expected, dashboard["uid"])

    def test_what_colours_by_an_alert_on_one_direction_is_split(self):
        drawn = {
            (alert["alert"], each["type"])
            for each in panels(FLEET)
            for alert in drawn_alerts(each)
        }
        names = ("SockdiagCloseWaitLingering", "SockdiagCloseWaitLingeringOutbound")
        self.assertLessEqual({(name, "table") for name in names}, drawn)

    def test_every_metric_about_sockets_is_on_the_dashboard_of_a_host(self):
        shown = set().union(*map(metrics_in, expressions(HOST)))
        told = {name for name in METRICS if name.startswith("sockdiag_tcp_")}
        self.assertGreater(len(told), 30)
        self.assertEqual(told - shown, set())

    def test_every_recording_rule_is_on_the_dashboard_of_the_fleet(self):
        shown = set().union(*map(metrics_in, expressions(FLEET)))
        self.assertEqual(RECORDED_FOR_DASHBOARDS - shown, set())


class Generator(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="sockdiag_grafana_")
        self.addCleanup(temporary.cleanup)
        self.grafana = pathlib.Path(temporary.name) / "grafana"
        shutil.copytree(GRAFANA, self.grafana, ignore=shutil.ignore_patterns("__pycache__"))
        self.json = self.grafana / "dashboards/sockdiag-host.json"

    def generate(self, *arguments):
        return subprocess.run(
            [self.grafana / "generate", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.environ["PATH"]},
        )

    def test_the_dashboards_are_what_it_writes(self):
        done = self.generate("--check")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_it_says_which_dashboard_differs(self):
        self.json.write_text(self.json.read_text().replace("CLOSE_WAIT", "CLOSED"))
        done = self.generate("--check")
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(self.json), done.stderr)
        self.assertNotIn("sockdiag-fleet", done.stderr)

    def test_it_says_that_one_is_missing_and_writes_it(self):
        before = self.json.read_text()
        self.json.unlink()
        self.assertEqual(self.generate("--check").returncode, 1)
        self.assertEqual(self.generate().returncode, 0)
        self.assertEqual(self.json.read_text(), before)

    def test_it_leaves_no_bytecode_behind(self):
        self.generate("--check")
        self.assertEqual(list(self.grafana.rglob("__pycache__")), [])

    def test_it_refuses_what_it_does_not_know(self):
        self.assertEqual(self.generate("--chekc").returncode, 2)


class Provisioning(unittest.TestCase):
    def load(self, name):
        document = yaml.safe_load((GRAFANA / "provisioning" / name).read_text(encoding="utf-8"))
        self.assertEqual(document["apiVersion"], 1)
        return document

    def test_dashboards_are_read_from_where_the_package_puts_them(self):
        provider = self.load("dashboards/sockdiag.yml")["providers"][0]
        self.assertEqual((provider["type"], provider["options"]), ("file", {"path": INSTALLED}))
        self.assertFalse(provider["allowUiUpdates"])
        packaging = (ROOT / "deploy/debian/packaging.cmake").read_text(encoding="utf-8")
        self.assertIn("set(data share/sockdiag_exporter)", packaging)
        put = r"DIRECTORY deploy/grafana/dashboards [^)]*DESTINATION \$\{data\}/grafana\)"
        self.assertRegex(packaging, put)

    def test_the_data_source_is_a_prometheus_on_this_host(self):
        datasource = self.load("datasources/prometheus.yml")["datasources"][0]
        self.assertEqual(datasource["type"], "prometheus")
        self.assertEqual(datasource["url"], "http://localhost:9090")


if __name__ == "__main__":
    unittest.main()
