# SPDX-License-Identifier: Apache-2.0
"""A dashboard around its panels: variables, annotations, links and the rest of Grafana's JSON."""

from source.panel import DATASOURCE, laid_out, matched

_SCHEMA_OF_GRAFANA_10 = 39
_AT_TIME_RANGE_CHANGE = 2
_ALPHABETICAL = 1

DATASOURCE_VARIABLE = {
    "name": "datasource",
    "label": "Data source",
    "type": "datasource",
    "query": "prometheus",
    "regex": "",
    "hide": 0,
    "includeAll": False,
    "multi": False,
    "refresh": 1,
    "options": [],
}


def exporters(label, matchers=""):
    """A query for the values of a label that exporters have now or had before they went down:
    build_info leaves the time range with the last good scrape, the alert on it remains for days."""
    names = "sockdiag_exporter_build_info|ALERTS"
    return f'label_values({{__name__=~"{names}",alertname=~"|Sockdiag.*"{matchers}}}, {label})'


def variable(name, query, is_multi=False, all_value=""):
    """A choice of one label value, or of any number of them and at first of all. "All" stands for
    a regular expression of them all, or for `all_value`, which is shorter and may match more."""
    return {
        "name": name,
        "label": name.capitalize(),
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"qryType": 1, "query": matched(query), "refId": f"variable_{name}"},
        "regex": "",
        "refresh": _AT_TIME_RANGE_CHANGE,
        "sort": _ALPHABETICAL,
        "hide": 0,
        "multi": is_multi,
        "includeAll": is_multi,
        "options": [],
        **({"allValue": all_value} if all_value else {}),
        **({"current": _ALL} if is_multi else {}),
    }


_ALL = {"selected": True, "text": ["All"], "value": ["$__all"]}


def _firing_alerts(alerts):
    return {
        "name": "Firing alerts",
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": "red",
        "expr": matched(alerts),
        "titleFormat": "{{alertname}}",
        "textFormat": "{{instance}} {{direction}} {{port}} {{namespace}} {{pod}} {{container}} {{unit}}",
        "tagKeys": "severity",
    }


_OTHER_DASHBOARDS = {
    "type": "dashboards",
    "title": "sockdiag",
    "tags": ["sockdiag"],
    "asDropdown": False,
    "includeVars": True,
    "keepTime": True,
    "targetBlank": False,
    "icon": "external link",
    "tooltip": "",
    "url": "",
}


def dashboard(uid, title, description, variables, alerts, rows):
    return {
        "id": None,
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["sockdiag", "tcp"],
        "schemaVersion": _SCHEMA_OF_GRAFANA_10,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,  # a crosshair shared by all panels
        "timezone": "browser",
        "time": {"from": "now-1h", "to": "now"},
        "timepicker": {},
        "refresh": "30s",
        "links": [_OTHER_DASHBOARDS],
        "annotations": {"list": [_firing_alerts(alerts)]},
        "templating": {"list": [DATASOURCE_VARIABLE, *variables]},
        "panels": laid_out(rows),
    }
