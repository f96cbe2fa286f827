// SPDX-License-Identifier: Apache-2.0
// What check.mjs has to refuse, made from the manifests and dashboards that are right.

const pod = (daemonSet) => daemonSet.spec.template.spec;
const container = (daemonSet) => pod(daemonSet).containers[0];
const endpoint = (podMonitor) => podMonitor.spec.podMetricsEndpoints[0];
const panel = (dashboard) => dashboard.panels.find((each) => each.fieldConfig);
const rule = (prometheusRule) => prometheusRule.spec.groups[0].rules[0];

export const breaks = [
  { name: "a misspelt field", kind: "DaemonSet", change: (it) => { pod(it).tolerration = []; } },
  { name: "a field in the wrong place", kind: "DaemonSet",
    change: (it) => { container(it).hostNetwork = true; } },
  { name: "a misspelt field of a list's element", kind: "DaemonSet",
    change: (it) => { pod(it).tolerations[0].operater = "Exists"; } },
  { name: "a string for a number", kind: "DaemonSet",
    change: (it) => { container(it).ports[0].containerPort = "10293"; } },
  { name: "a fraction for a whole number", kind: "DaemonSet",
    change: (it) => { container(it).ports[0].containerPort = 10293.5; } },
  { name: "a list for a map", kind: "DaemonSet", change: (it) => { it.metadata.labels = []; } },
  { name: "a missing selector", kind: "DaemonSet", change: (it) => { delete it.spec.selector; } },
  { name: "a container without a name", kind: "DaemonSet",
    change: (it) => { delete container(it).name; } },
  { name: "a number among a ConfigMap's data", kind: "ConfigMap",
    change: (it) => { it.data.port = 10293; } },
  { name: "a misspelt field of an endpoint", kind: "PodMonitor",
    change: (it) => { endpoint(it).intervall = "15s"; } },
  { name: "an interval that is none", kind: "PodMonitor",
    change: (it) => { endpoint(it).interval = "15 seconds"; } },
  { name: "a relabelling action that is none", kind: "PodMonitor",
    change: (it) => { endpoint(it).relabelings[0].action = "labledrop"; } },
  { name: "a rule without an expression", kind: "PrometheusRule",
    change: (it) => { delete rule(it).expr; } },
  { name: "a rule's duration that is none", kind: "PrometheusRule",
    change: (it) => { rule(it).for = "five minutes"; } },
  { name: "a rule's misspelt field", kind: "PrometheusRule",
    change: (it) => { rule(it).anotations = {}; } },
  { name: "a misspelt field", kind: "Dashboard", change: (it) => { it.refesh = "1m"; } },
  { name: "a string for a number", kind: "Dashboard",
    change: (it) => { it.schemaVersion = "39"; } },
  { name: "a panel whose place is no number", kind: "Dashboard",
    change: (it) => { panel(it).gridPos.w = "12"; } },
  { name: "a panel's misspelt field", kind: "Dashboard",
    change: (it) => { panel(it).descripton = "text"; } },
  { name: "a unit that is a number", kind: "Dashboard",
    change: (it) => { panel(it).fieldConfig.defaults.unit = 1; } },
  { name: "a mode of thresholds that is none", kind: "Dashboard",
    change: (it) => { panel(it).fieldConfig.defaults.thresholds = { mode: "relative" }; } },
  { name: "a variable of a type that is none", kind: "Dashboard",
    change: (it) => { it.templating.list[0].type = "qery"; } },
  { name: "a variable's misspelt field", kind: "Dashboard",
    change: (it) => { it.templating.list[0].includeall = true; } },
  { name: "an annotation's misspelt field", kind: "Dashboard",
    change: (it) => { it.annotations.list[0].exp = "up"; } },
];
