# SPDX-License-Identifier: Apache-2.0
"""The shipped rules in a real Prometheus, on a node with 110 pods: a pod that leaks is alerted by its
name, the host's leak by its owner's, and nothing else is."""

import re
import time
import unittest

from support.network import enter_fresh_network_namespace
from support.node import Node, close_waits, labelled, pod
from support.polling import wait_until
from support.prometheus import ShippedPrometheus

PORT = 10293
PODS = 110
LEAKED = 30
LEAKING_POD = pod(7)
HOSTS_PORT = 9443  # of the host's own network namespace
PROXY = {"namespace": "net", "pod": "ingress-1", "container": "proxy"}
OWNER = f"{LEAKED - 2}, are of container:proxy namespace:net pod:ingress-1."
ALERT = "SockdiagCloseWaitLingering"

LEAKS = close_waits(LEAKED, 8080, **LEAKING_POD) | close_waits(LEAKED, HOSTS_PORT)
OWNERS = {
    "sockdiag_tcp_owner_close_wait_sockets"
    + labelled(direction="inbound", port=port, cause="not_closed", **owner): count
    for port, owner, count in (
        (HOSTS_PORT, PROXY, LEAKED - 2),
        (HOSTS_PORT, {"unit": "web.service"}, 2),
        (8080, {"unit": "web.service"}, 5),  # of the host, whose port 8080 is not the pod's
    )
}

# Longer than the windows of the rule, of which one ends 10 minutes ago.
HISTORY_SECONDS, HISTORY_STEP_SECONDS = 20 * 60, 15


def history(now):
    """The leaks before Prometheus starts; a family is written as a whole."""
    target = f'job="sockdiag",instance="localhost:{PORT}"'
    lines = []
    for series, count in sorted(LEAKS.items()):
        name, _, labels = series.partition("{")
        header = f"# TYPE {name} gauge"
        lines += [] if header in lines else [header]
        lines += [
            f"{name}{{{target},{labels} {count} {stamp}"
            for stamp in range(now - HISTORY_SECONDS, now, HISTORY_STEP_SECONDS)
        ]
    return "\n".join([*lines, "# EOF", ""])


class HastyPrometheus(ShippedPrometheus):
    """One whose alerts wait no longer than their windows; unit tests show how long they do."""

    def _write_rules(self, directory):
        super()._write_rules(directory)
        alerts = directory / "sockdiag_alerts.yml"
        text = alerts.read_text(encoding="utf-8")
        alerts.write_text(re.sub("        for: .*", "        for: 2s", text), encoding="utf-8")


class PodAlerts(unittest.TestCase):
    def setUp(self):
        enter_fresh_network_namespace()
        node = Node(PORT, PODS, LEAKS | OWNERS)
        self.addCleanup(node.stop)
        self.prometheus = HastyPrometheus(history(int(time.time())))
        self.addCleanup(self.prometheus.stop)
        self.prometheus.wait_until_ready()

    def test_a_leak_of_a_pod_and_one_of_the_host_are_told_apart_and_nothing_else_is_told(self):
        """The owner is known from the first scrape on, the leaks are from before."""

        def both():
            firing = self.firing()
            return firing if OWNER in str(firing) and len(firing) >= 2 else None

        firing = wait_until(both, f"two alerts, one with {OWNER}")
        self.assertEqual(firing.keys(), {"8080", str(HOSTS_PORT)})
        self.expect_of_the_pod(firing["8080"])
        self.expect_of_the_host(firing[str(HOSTS_PORT)])
        self.expect_that_every_rule_was_evaluated()
        self.assertEqual(len(self.prometheus.alerts()), 2, self.prometheus.alerts())

    def firing(self):
        alerts = self.prometheus.alerts()
        return {each["labels"].get("port"): each for each in alerts if each["state"] == "firing"}

    def expect_of_the_pod(self, alert):
        self.assertEqual(alert["labels"]["alertname"], ALERT)
        self.assertLessEqual(LEAKING_POD.items(), alert["labels"].items())
        self.assertIn("(pod shop/cart-7), inbound port 8080", alert["annotations"]["summary"])
        self.assertIn("network namespace of cart-7:", alert["annotations"]["description"])
        self.assertNotIn("web.service", alert["annotations"]["description"])

    def expect_of_the_host(self, alert):
        self.assertEqual(alert["labels"]["alertname"], ALERT)
        self.assertFalse(PROXY.keys() & alert["labels"].keys())
        self.assertIn(OWNER, alert["annotations"]["description"])

    def expect_that_every_rule_was_evaluated(self):
        def all_good():
            groups = self.prometheus.groups()
            rules = [rule for group in groups for rule in group["rules"]]
            return groups if all(rule["health"] == "ok" for rule in rules) else None

        groups = wait_until(all_good, "all rules are evaluated")
        self.assertGreater(len(groups), 8)


if __name__ == "__main__":
    unittest.main()
