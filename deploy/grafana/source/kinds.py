# SPDX-License-Identifier: Apache-2.0
"""Kinds of rows that the tables of panels are made of."""

from source.panel import Panel, mappings

STATES = (
    "listen syn_sent syn_recv established fin_wait1 fin_wait2 closing time_wait close_wait"
    " last_ack close"
).split()
OUTBOUND_STATES = [state for state in STATES if state not in ("listen", "syn_recv")]
SYMLOG = {"scaleDistribution": {"type": "symlog", "log": 10, "linearThreshold": 1}}
FILLED = {"thresholdsStyle": {"mode": "dashed+area"}}
STACKED = {"stacking": {"mode": "normal", "group": "A"}, "fillOpacity": 40}

CAUSES = (
    "not_accepted: accept() was never called. unread_data: nobody reads what the peer sent."
    " unread_goodbye: TLS or HTTP/2 said goodbye to an idle connection that nobody watches."
    " unread_eof: all but the end was read. not_closed: all was read and close() never came."
)
NEAR_EXHAUSTION = {
    "SockdiagEphemeralPortsNearExhaustion": 0.8,
    "SockdiagEphemeralPortsExhausted": 0.95,
}
CLOSE_WAIT_GROWING = (
    "SockdiagCloseWaitGrowing",
    "SockdiagCloseWaitGrowingOutbound",
    "SockdiagCloseWaitGrowingSlowly",
)
CLOSE_WAIT_LINGERING = {"SockdiagCloseWaitLingering": 20, "SockdiagCloseWaitLingeringOutbound": 50}

# Whose sockets are; what is not known of an owner has no label.
OWNER = ["namespace", "pod", "container", "unit", "pod_uid"]
BY_OWNER = ", ".join(OWNER)
OWNER_LEGEND = " ".join(f"{{{{{label}}}}}" for label in OWNER)

# For panels that show a flag: value -> (word, colour).
HEALTH = {0: ("failing", "red"), 1: ("ok", "green")}
NONE_IS_GOOD = {0: ("none", "green")}
ANY_IS_BAD = {1: "red"}

# As a number, so that a table can begin with the worst: value -> (word, colour).
SEVERITIES = {3: ("critical", "red"), 2: ("warning", "orange"), 1: ("info", "blue")}

_TO_HOST = {
    "title": "This host",
    "url": "/d/sockdiag-host?${datasource:queryparam}&var-job=${__data.fields.job}"
    "&var-instance=${__data.fields.instance}&${__url_time_range}",
}


def graph(title, unit, queries, description, alerts=None, width=8, **more):
    return Panel(title, queries, unit, description, alerts or {}, "timeseries", width, **more)


def by_port(title, expressions, description, alerts=None, unit="short", **more):
    """A line for each port that is not 0: of a hundred ports few matter."""
    if isinstance(expressions, str):
        expressions = {"{{direction}} {{port}}": expressions}
    queries = {legend: f"{expression} > 0" for legend, expression in expressions.items()}
    description += " Ports without any are not drawn."
    return graph(title, unit, queries, description, alerts, **more)


def by_owner(title, expression, description, alerts=None, unit="short", labels=(), **more):
    """A line for each owner (and label) that is not 0."""
    legend = " ".join([OWNER_LEGEND, *(f"{{{{{label}}}}}" for label in labels)])
    queries = {legend: f"sum by ({', '.join([*OWNER, *labels])}) ({expression}) > 0"}
    description += " What has none is not drawn."
    return graph(title, unit, queries, description, alerts, **more)


def owners(title, labels, sums, description, **more):
    """A table of the owners with most, a column for each selector; the last one is what counts."""
    names = ", ".join([*labels, *OWNER])
    queries = {column: f"topk(50, sum by ({names}) ({each}))" for column, each in sums.items()}
    return joined(title, "short", [*labels, *OWNER], queries, description, **more)


def rates(title, counters, description, alerts=None, **more):
    """What counters without labels of their own gain in a second."""
    queries = {legend: rate(f"{name}{{@host}}") for legend, name in counters.items()}
    return graph(title, "cps", queries, description, alerts, **more)


def rate(selector):
    return f"rate({selector}[$__rate_interval])"


def stat(title, unit, query, description, alerts=None, words=None, width=3, legend="", **more):
    queries = {legend or title: query}
    return Panel(
        title, queries, unit, description, alerts or {}, "stat", width, words or {}, **more
    )


def matrix(title, expression, columns, description, width):
    """A table of sockets: a row for each port, a column for each state, in that order."""
    corner = "port\\state"
    fields = {"rowField": "port", "columnField": "state", "valueField": "Value"}
    to_matrix = {"id": "groupingToMatrix", "options": fields}
    return Panel(
        title,
        {"sockets": f"sum by (port, state) ({expression})"},
        "short",
        description,
        kind="table",
        width=width,
        options=_sorted_by("close_wait"),
        extra={"transformations": [to_matrix, _named({corner: "port"}, [corner, *columns])]},
    )


def joined(title, unit, labels, queries, description, alerts=None, overrides=(), order=(), **more):
    """A table with a row for each combination of labels and a column for each query, labels first
    unless `order` says otherwise; a host in it leads to its own dashboard."""
    values = [f"Value #{letter}" for letter, _ in zip("ABCDEFGH", queries)]
    names = dict(zip(values if len(values) > 1 else ["Value"], queries))
    transformations = [{"id": "merge", "options": {}}, _named(names, order or [*labels, *names])]
    coloured = {"custom.cellOptions": {"type": "color-text"}}
    links = [of_column("instance", links=[_TO_HOST])] if "instance" in labels else []
    return Panel(
        title,
        queries,
        unit,
        description,
        alerts or {},
        kind="table",
        options=_sorted_by(list(queries)[-1]),
        overrides=(of_column(list(queries)[-1], **coloured), *links, *overrides),
        extra={"transformations": transformations},
        **more,
    )


def top(title, unit, labels, value, expression, description, alerts=None, width=8):
    """The series with the highest values."""
    queries = {value: f"topk(20, {expression} > 0)"}
    return joined(title, unit, labels, queries, description, alerts, width=width)


def findings(labels, matchers, description, **more):
    """A table of what exporters have found, the worst first. Findings about a whole host have
    neither direction nor port, and those about the host's own network namespace no owner."""
    labels = [*labels, *OWNER]
    ranked = " or ".join(
        f'{rank} * sockdiag_findings{{severity="{word}",{matchers}}}'
        for rank, (word, _) in SEVERITIES.items()
    )
    queries = {"severity": f"topk(100, max by ({', '.join(labels)}) ({ranked}))"}
    order = [*labels[:1], "Value", *labels[1:]]
    words = of_column("severity", mappings=mappings(SEVERITIES))
    return joined("Findings", "none", labels, queries, description, overrides=(words,), order=order,
                  **more)


def of_column(column, **properties):
    """An override of a column's field configuration."""
    return {
        "matcher": {"id": "byName", "options": column},
        "properties": [{"id": name, "value": value} for name, value in properties.items()],
    }


def _named(names, order):
    hidden = {"Time": True, "__name__": True}
    indexes = {name: index for index, name in enumerate(order)}
    options = {"excludeByName": hidden, "indexByName": indexes, "renameByName": names}
    return {"id": "organize", "options": options}


def _sorted_by(column):
    return {"sortBy": [{"displayName": column, "desc": True}]}
