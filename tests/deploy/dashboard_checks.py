# SPDX-License-Identifier: Apache-2.0
"""What is checked of the Grafana dashboards. A check yields what it complains about, and has the
name of dashboard-linter's rule where that has one."""

import itertools
import json
import os
import pathlib
import re
import subprocess
import tempfile

import yaml
from support.exposition import Exposition

ROOT = pathlib.Path(__file__).resolve().parents[2]
GRAFANA = ROOT / "deploy/grafana"
PROMETHEUS = ROOT / "deploy/prometheus"
RUNBOOK = "https://github.com/sockdiag/sockdiag_exporter/blob/main/deploy/prometheus/runbook.md"
COLUMNS = 24
AT_TIME_RANGE_CHANGE = 2
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
UNITS = {"none", "short", "percentunit", "bytes", "s", "cps"}
COLOURS = {"info": "blue", "warning": "orange", "critical": "red"}
NOT_OF_THE_EXPORTER = {"up", "ALERTS"}
FEW = {"sockdiag_findings"}  # no series on a host that is well
EXPORTERS = '{__name__=~"sockdiag_exporter_build_info|ALERTS",alertname=~"|Sockdiag.*"'
LABEL_VALUES = re.compile(r"label_values\(([\w:]+|[\w:]*\{[^}]*\}), \w+\)")
COUNT_OF_TROUBLE = re.compile(r"\bcount\b[^{]*\b(ALERTS|up)\{")
SELECTOR = re.compile(r"([A-Za-z_:][\w:]*)\{([^}]*)\}")


# Named exceptions.
THRESHOLDS_OF_NO_ALERT = {
    "Hosts whose last sample succeeded": {(0, "orange"), (1, "orange")},
}
WINDOWS_OF_ALERTS = {"Restarts and outages in the last hour": {"1h"}}


def load(name):
    return json.loads((GRAFANA / "dashboards" / f"{name}.json").read_text(encoding="utf-8"))


HOST, FLEET = load("sockdiag-host"), load("sockdiag-fleet")


def rules_of(name):
    groups = yaml.safe_load((PROMETHEUS / name).read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def numbers_in(expression):
    """The numbers an operator can edit: no durations, nothing in quotes."""
    bare = re.sub(r'"[^"]*"|\[[^]]*\]|offset \w+', "", expression)
    return {float(number) for number in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])", bare)}


ALERTS = {rule["alert"]: rule for rule in rules_of("sockdiag_alerts.yml") if "alert" in rule}
RECORDED_FOR_DASHBOARDS = {rule["record"] for rule in rules_of("sockdiag_recording.yml")}
RECORDED = RECORDED_FOR_DASHBOARDS | {
    rule["record"] for rule in rules_of("sockdiag_alerts.yml") if "record" in rule
}


def metrics_of_the_exporter():
    """Those in the documented table and those a sample has; some need a configuration or a host."""
    document = (PROMETHEUS / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(sockdiag_\w+|process_\w+)` \|", document, re.M)
    binary = os.environ["SOCKDIAG_EXPORTER"]
    done = subprocess.run([binary, "--once"], capture_output=True, text=True, check=True)
    return {*rows, *Exposition(done.stdout).types}


METRICS = metrics_of_the_exporter()


def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def targets(dashboard):
    return [target for panel in panels(dashboard) for target in panel["targets"]]


def expressions(dashboard):
    return [target["expr"] for target in targets(dashboard)]


def metrics_in(expression):
    by_pattern = re.findall(r'__name__=~"([^"]*)"', expression)
    return {name for name, _ in SELECTOR.findall(expression)} | {
        name for pattern in by_pattern for name in pattern.split("|")
    }


def variables(dashboard):
    return {each["name"]: each for each in dashboard["templating"]["list"]}


def query_variables(dashboard):
    return [each for each in variables(dashboard).values() if each["type"] == "query"]


def annotation(dashboard):
    return dashboard["annotations"]["list"][0]


def all_queries(dashboard):
    """Everything Prometheus is asked: by panels, variables and annotations."""
    asked = [each["query"]["query"] for each in query_variables(dashboard)]
    return [*expressions(dashboard), annotation(dashboard)["expr"], *asked]


def linked_alerts(panel):
    titles = [link["title"].partition("Runbook: ")[2] for link in panel.get("links", [])]
    return [ALERTS[title] for title in titles if title in ALERTS]


def numbers_drawn(panel):
    """{(number, colour)} of its thresholds: what turns green at a number is bad below it."""
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    return {
        (step["value"], (below if step["color"] == "green" else step)["color"])
        for below, step in itertools.pairwise(steps)
    }


def said_by(alert):
    """{(number, colour)} that a panel may draw for it."""
    colour = COLOURS[alert["labels"]["severity"]]
    return {(number, colour) for number in numbers_in(alert["expr"])}


def drawn_alerts(panel):
    """The linked alerts of which it draws a number."""
    return [each for each in linked_alerts(panel) if said_by(each) & numbers_drawn(panel)]


def counts_trouble(panel):
    return any(COUNT_OF_TROUBLE.search(target["expr"]) for target in panel["targets"])


def substituted(expression, dashboard):
    for name in variables(dashboard):
        expression = expression.replace(f"${name}", "x")
    return expression.replace("$__rate_interval", "1m")


def frame(dashboard):
    wanted = {"id": None, "schemaVersion": 39, "timezone": "browser", "refresh": "30s"}
    for key, value in wanted.items():
        if dashboard[key] != value:
            yield f"{key} is {dashboard[key]}"
    if dashboard["uid"] not in ("sockdiag-host", "sockdiag-fleet"):
        yield "links to it would break"
    if "sockdiag" not in dashboard["tags"]:
        yield "the other dashboard cannot find it"


def uneditable_dashboard(dashboard):
    if dashboard["editable"]:
        yield "editable, though the file would win again"


def template_datasource(dashboard):
    datasource = variables(dashboard).get("datasource", {})
    wanted = {"type": "datasource", "query": "prometheus", "label": "Data source"}
    if {key: datasource.get(key) for key in wanted} != wanted:
        yield f"datasource is {datasource}"


def template_job(dashboard):
    """All are all jobs of the exporter and not, as by dashboard-linter's rule, all that there are:
    `up` and process_* are not the exporter's alone."""
    job = variables(dashboard).get("job", {})
    wanted = {"type": "query", "label": "Job", "multi": True, "allValue": None}
    if {key: job.get(key) for key in wanted} != wanted:
        yield f"job is {job}"


def template_instance(dashboard):
    """One host at a time, unlike dashboard-linter's rule: legends name ports, not hosts, and
    Grafana escapes an IPv6 address for a regular expression only where there may be many."""
    instance = variables(dashboard).get("instance", {})
    wanted = {"type": "query", "label": "Instance", "multi": False, "includeAll": False}
    if {key: instance.get(key) for key in wanted} != wanted:
        yield f"instance is {instance}"


def template_label_promql(dashboard):
    """As by dashboard-linter's rule, but that a selector may name its metrics by a pattern."""
    selectors = []
    for each in query_variables(dashboard):
        query = each["query"]["query"]
        found = LABEL_VALUES.fullmatch(query)
        if found:
            selectors.append(found[1])
        else:
            yield f"{each['name']} is {query}"
    yield from not_promql(selectors, dashboard)


def template_offers_the_dead(dashboard):
    """An exporter that is down has no build_info, but an alert. Not offered it is not counted."""
    for name in {"job", "instance"} & set(variables(dashboard)):
        query = variables(dashboard)[name]["query"]["query"]
        if not query.startswith(f"label_values({EXPORTERS}"):
            yield f"{name} is {query}"


def template_on_time_change_reload(dashboard):
    for each in query_variables(dashboard):
        if each["refresh"] != AT_TIME_RANGE_CHANGE:
            yield f"{each['name']} is not refreshed"


def template_used(dashboard):
    text = "\n".join(all_queries(dashboard))
    used = set(re.findall(r"\$(\w+)", text)) - {"__rate_interval"} | {"datasource"}
    if used != set(variables(dashboard)):
        yield f"{used ^ set(variables(dashboard))}"


def panel_datasource(dashboard):
    askers = [*panels(dashboard), *targets(dashboard), *query_variables(dashboard)]
    for each in [*askers, annotation(dashboard)]:
        if each["datasource"] != DATASOURCE:
            yield f"{each.get('title', each)} asks {each['datasource']}"


def panel_title_description(dashboard):
    for panel in panels(dashboard):
        if not panel["title"] or not panel["description"].endswith("."):
            yield f"{panel['title']}: {panel['description']}"
    titles = [panel["title"] for panel in panels(dashboard)]
    if len(set(titles)) != len(titles):
        yield "two panels have one title"


def panel_units(dashboard):
    for panel in panels(dashboard):
        overrides = panel["fieldConfig"]["overrides"]
        properties = [each for override in overrides for each in override["properties"]]
        units = {each["value"] for each in properties if each["id"] == "unit"}
        units.add(panel["fieldConfig"]["defaults"].get("unit"))
        if not units <= UNITS:
            yield f"{panel['title']} has {units}"


def panel_no_targets(dashboard):
    for panel in panels(dashboard):
        if not panel["targets"]:
            yield f"{panel['title']} asks nothing"


def target_legend(dashboard):
    for panel in panels(dashboard):
        legends = [target["legendFormat"] for target in panel["targets"]]
        if "" in legends or len(set(legends)) != len(legends):
            yield f"{panel['title']} has {legends}"
        refs = [target["refId"] for target in panel["targets"]]
        if len(set(refs)) != len(refs):
            yield f"{panel['title']} has {refs}"


def target_promql(dashboard):
    yield from not_promql([*expressions(dashboard), annotation(dashboard)["expr"]], dashboard)


def not_promql(queries, dashboard):
    """promtool parses them as rules; what it says names the first that is wrong."""
    rules = [
        {"record": f"query:{index}", "expr": substituted(expression, dashboard)}
        for index, expression in enumerate(queries)
    ]
    text = yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]})
    with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        command = ["promtool", "check", "rules", file.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        yield done.stdout + done.stderr


def target_rate_interval(dashboard):
    for panel in panels(dashboard):
        known = WINDOWS_OF_ALERTS.get(panel["title"], set()) | {"$__rate_interval"}
        for target in panel["targets"]:
            if set(re.findall(r"\[([^]]*)\]", target["expr"])) - known:
                yield target["expr"]


def target_counter_agg(dashboard):
    for expression in expressions(dashboard):
        counters = re.findall(r"\w+_total\{", expression)
        if len(counters) != len(re.findall(r"rate\(\w+_total\{[^}]*\}\[", expression)):
            yield expression


def target_job(dashboard):
    yield from without_matcher(dashboard, 'job=~"$job"')


def target_instance(dashboard):
    yield from without_matcher(dashboard, 'instance="$instance"')


def without_matcher(dashboard, matcher):
    for expression in [*expressions(dashboard), annotation(dashboard)["expr"]]:
        selectors = [matchers for _, matchers in SELECTOR.findall(expression)]
        if not selectors or not all(matcher in matchers for matchers in selectors):
            yield expression


def metrics_exist(dashboard):
    known = METRICS | RECORDED | NOT_OF_THE_EXPORTER
    for query in all_queries(dashboard):
        bare = re.sub(r'"[^"]*"', "", query)
        named = metrics_in(query) | set(re.findall(r"(?:\w+:)?(?:sockdiag|process)_[\w:]+", bare))
        if not named or named - known:
            yield f"{query}: {named - known}"


def recording_rules_only(dashboard):
    for expression in expressions(dashboard):
        if metrics_in(expression) - RECORDED - NOT_OF_THE_EXPORTER - FEW:
            yield expression


def ids(dashboard):
    found = [panel["id"] for panel in dashboard["panels"]]
    if len(set(found)) != len(found) or min(found) < 1:
        yield f"ids are {found}"


def layout(dashboard):
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        if at["x"] < 0 or at["y"] < 0 or at["w"] < 1 or at["x"] + at["w"] > COLUMNS:
            yield f"{panel['title']} is at {at}"
    for one, other in itertools.combinations(dashboard["panels"], 2):
        if overlap(one["gridPos"], other["gridPos"]):
            yield f"{one['title']} overlaps {other['title']}"


def overlap(one, other):
    return all(
        one[start] < other[start] + other[size] and other[start] < one[start] + one[size]
        for start, size in (("x", "w"), ("y", "h"))
    )


def thresholds(dashboard):
    """Each number drawn is in a linked alert's expression, in the colour of its severity."""
    for panel in panels(dashboard):
        said = set().union(*map(said_by, linked_alerts(panel)))
        said |= THRESHOLDS_OF_NO_ALERT.get(panel["title"], set())
        if counts_trouble(panel):
            said.add((1, "red"))
        if numbers_drawn(panel) - said:
            yield f"{panel['title']} draws {numbers_drawn(panel)}, its alerts say {said}"


def counts_of_trouble(dashboard):
    """One alert that fires, or one exporter that is down, is not green."""
    for panel in panels(dashboard):
        if counts_trouble(panel) and (1, "red") not in numbers_drawn(panel):
            yield f"{panel['title']} draws {numbers_drawn(panel)}"


def drawn_as_exceptions_say(dashboard):
    for panel in panels(dashboard):
        if THRESHOLDS_OF_NO_ALERT.get(panel["title"], set()) - numbers_drawn(panel):
            yield f"{panel['title']} draws {numbers_drawn(panel)}"


def coloured_by_direction(dashboard):
    """The number of an alert on one direction colours values of that direction alone. What an
    alert leaves out (unless) is no value of its own."""
    coloured = [panel for panel in panels(dashboard) if panel["type"] != "timeseries"]
    for panel in coloured:
        for alert in drawn_alerts(panel):
            own = alert["expr"].partition("unless")[0]
            wanted = set(re.findall(r'direction="\w+"', own))
            for target in panel["targets"]:
                if not all(each in target["expr"] for each in wanted):
                    yield f"{panel['title']} asks {target['expr']}, {alert['alert']} {wanted}"


def threshold_lines(dashboard):
    for panel in panels(dashboard):
        if panel["type"] == "timeseries":
            style = panel["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"]["mode"]
            if style.startswith("dashed") != bool(numbers_drawn(panel)):
                yield f"{panel['title']} draws its thresholds {style}"


def runbook_links(dashboard):
    text = (PROMETHEUS / "runbook.md").read_text(encoding="utf-8")
    anchors = {heading.lower() for heading in re.findall(r"^##+ (\w+)$", text, re.M)}
    for panel in panels(dashboard):
        for link in panel["links"]:
            page, _, anchor = link["url"].partition("#")
            name = link["title"].removeprefix("Runbook: ")
            if page != RUNBOOK or anchor not in anchors or anchor != name.lower():
                yield f"{panel['title']} links to {link}"
            if name not in ALERTS or link["url"] != ALERTS[name]["annotations"]["runbook_url"]:
                yield f"{panel['title']} and the rules disagree on {link}"


def firing_alerts(dashboard):
    wanted = 'ALERTS{alertname=~"Sockdiag.*",alertstate="firing",'
    if not annotation(dashboard)["expr"].startswith(wanted) or not annotation(dashboard)["enable"]:
        yield f"{annotation(dashboard)}"


def now_is_instant(dashboard):
    """Stats and tables say what is; a range's last value may be that of an hour ago."""
    for panel in panels(dashboard):
        for target in panel["targets"]:
            if target["instant"] == target["range"]:
                yield f"{panel['title']} asks {target}"
            if target["instant"] != (panel["type"] in ("stat", "table")):
                yield f"{panel['title']} asks {target}"


def host_links(dashboard):
    """A host in a table leads to its dashboard, which needs job and instance as columns."""
    for panel in panels(dashboard):
        columns = json.dumps(panel.get("transformations", []))
        if panel["type"] == "table" and '"instance"' in columns:
            urls = re.findall(r'"url": "([^"]*)"', json.dumps(panel["fieldConfig"]["overrides"]))
            wanted = (f"/d/{HOST['uid']}?", "var-job=${__data.fields.job}", "fields.instance}")
            if len(urls) != 1 or not all(part in urls[0] for part in wanted):
                yield f"{panel['title']} links to {urls}"


def findings_worst_first(dashboard):
    """Severities have no order in PromQL: a number stands for each, in the order of the program."""
    (panel,) = [each for each in panels(dashboard) if each["title"] == "Findings"]
    header = (ROOT / "include/sockdiag/core/finding.hpp").read_text(encoding="utf-8")
    names = re.findall(r'"(\w+)"', header.partition("kSeverityNames")[2].partition("});")[0])
    ranks = {name: str(rank) for rank, name in enumerate(names, 1)}
    asked = re.findall(r'(\d) \* sockdiag_findings\{severity="(\w+)"', panel["targets"][0]["expr"])
    if {name: rank for rank, name in asked} != ranks:
        yield f"asks for {asked}"
    column = panel["fieldConfig"]["overrides"]
    words = {
        option["text"]: value
        for override in column
        for each in override["properties"]
        if override["matcher"]["options"] == "severity" and each["id"] == "mappings"
        for value, option in each["value"][0]["options"].items()
    }
    if words != ranks:
        yield f"shows {words}"
    if panel["options"]["sortBy"] != [{"displayName": "severity", "desc": True}]:
        yield f"begins with {panel['options']['sortBy']}"


ON_BOTH = (
    frame,
    uneditable_dashboard,
    template_datasource,
    template_job,
    template_label_promql,
    template_offers_the_dead,
    template_on_time_change_reload,
    template_used,
    panel_datasource,
    panel_title_description,
    panel_units,
    panel_no_targets,
    target_legend,
    target_promql,
    target_rate_interval,
    target_counter_agg,
    target_job,
    metrics_exist,
    ids,
    layout,
    thresholds,
    counts_of_trouble,
    coloured_by_direction,
    threshold_lines,
    runbook_links,
    firing_alerts,
    findings_worst_first,
    now_is_instant,
)
OF_HOST = (*ON_BOTH, template_instance, target_instance)
OF_FLEET = (*ON_BOTH, recording_rules_only, host_links, drawn_as_exceptions_say)
