# SPDX-License-Identifier: Apache-2.0
"""The shipped example of Alertmanager: one trouble is told once, and to whom it should be."""

import datetime
import pathlib
import unittest

import yaml
from support.alertmanager import ShippedAlertmanager, Webhook
from support.case import EndToEndTest
from support.polling import wait_until

RULES = pathlib.Path(__file__).resolve().parents[2] / "deploy/prometheus/sockdiag_alerts.yml"

# {what: (alerts that fire at once, those of them that are told)}. "Name:inbound:80" has a direction
# and a port, "Name::80" a port alone; the cause comes after them, and a pod after the cause.
TROUBLES = {
    "a leak of a service": (
        "CloseWaitLingering:inbound:80:not_closed CloseWaitGrowing:inbound:80"
        " CloseWaitGrowingSlowly:inbound:80",
        "CloseWaitLingering:inbound:80:not_closed",
    ),
    "a leak that only grows": (
        "CloseWaitGrowing:inbound:80 CloseWaitGrowingSlowly:inbound:80",
        "CloseWaitGrowing:inbound:80",
    ),
    "workers that do not read": (
        "CloseWaitLingering:inbound:80:unread_data ReceiveQueueStuck:inbound:80",
        "CloseWaitLingering:inbound:80:unread_data",
    ),
    "a leak of a client": (
        "CloseWaitGrowingOutbound:outbound:80 CloseWaitGrowingSlowly:outbound:80"
        " CloseWaitLingeringOutbound:outbound:80:not_closed ReceiveQueueStuck:outbound:80",
        "CloseWaitGrowingOutbound:outbound:80",
    ),
    "a full queue": (
        "ListenerDropping::80 AcceptQueueFull::80 SynRecvLingering:inbound:80"
        " CloseWaitLingering:inbound:80:not_accepted CloseWaitGrowing:inbound:80"
        " ReceiveQueueStuck:inbound:80 ListenDropsUnattributed",
        "ListenerDropping::80",
    ),
    "a full queue that does not drop": (
        "AcceptQueueFull::80 SynRecvLingering:inbound:80 CloseWaitGrowing:inbound:80"
        " CloseWaitLingering:inbound:80:not_accepted ReceiveQueueStuck:inbound:80"
        " ListenDropsUnattributed",
        "AcceptQueueFull::80",
    ),
    "a flood": (
        "SynFlood SynRecvLingering:inbound:80 ListenDropsUnattributed",
        "SynFlood",
    ),
    "a broken path": (
        "LastAckLingering:inbound:80 FinWait1Lingering:inbound:80 ClosingLingering:inbound:80"
        " SendQueueStuck:inbound:80",
        "LastAckLingering:inbound:80",
    ),
    "no ports": (
        "EphemeralPortsExhausted EphemeralPortsNearExhaustion",
        "EphemeralPortsExhausted",
    ),
    "too many TIME_WAITs": ("TimeWaitOverflow TimeWaitNearLimit", "TimeWaitOverflow"),
    "no memory": (
        "AbortOnMemory OrphansNearLimit TcpMemoryNearLimit TcpMemoryPressure",
        "AbortOnMemory",
    ),
    "little memory": ("TcpMemoryNearLimit TcpMemoryPressure", "TcpMemoryNearLimit"),
    "a dead exporter": (
        "ExporterDown ExporterFlapping SamplingFailing SampleStale LifetimesCapped"
        " NamespacesUnread NamespacesSlow ConfigReloadFailed",
        "ExporterDown",
    ),
    "a dead exporter does not end what is known": (
        "ExporterDown ListenerDropping::80 CloseWaitGrowing:inbound:81",
        "ExporterDown ListenerDropping::80 CloseWaitGrowing:inbound:81",
    ),
    "a pod silences neither the host nor another pod": (
        "CloseWaitLingering:inbound:80:not_closed:cart-1 CloseWaitGrowing:inbound:80::cart-1"
        " CloseWaitGrowing:inbound:80 CloseWaitGrowing:inbound:80::cart-2"
        " ListenerDropping::81::cart-1 AcceptQueueFull::81 AcceptQueueFull::81::cart-1"
        " AbortOnMemory::::cart-1 TcpMemoryNearLimit",
        "CloseWaitLingering:inbound:80:not_closed:cart-1 CloseWaitGrowing:inbound:80"
        " CloseWaitGrowing:inbound:80::cart-2 ListenerDropping::81::cart-1 AcceptQueueFull::81"
        " AbortOnMemory::::cart-1 TcpMemoryNearLimit",
    ),
    "other ports, directions and causes have troubles of their own": (
        "CloseWaitLingering:inbound:80:not_closed CloseWaitGrowing:inbound:81"
        " CloseWaitGrowingOutbound:outbound:80 AcceptQueueFull::80 SynRecvLingering:inbound:82"
        " ReceiveQueueStuck:outbound:80",
        "CloseWaitLingering:inbound:80:not_closed CloseWaitGrowing:inbound:81"
        " CloseWaitGrowingOutbound:outbound:80 AcceptQueueFull::80 SynRecvLingering:inbound:82",
    ),
}


def rules():
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def labels(word, instance):
    name, direction, port, cause, pod = (word.split(":") + [""] * 4)[:5]
    alert = f"Sockdiag{name}"
    named = {"direction": direction, "port": port, "cause": cause, "pod": pod}
    named["namespace"] = pod and "shop"
    severity = rules()[alert]["labels"]["severity"]
    own = {"alertname": alert, "job": "sockdiag", "instance": instance, "severity": severity}
    return own | {label: value for label, value in named.items() if value}


def words(alert):
    """What `labels` was made from."""
    found = alert["labels"]
    word = [found["alertname"].removeprefix("Sockdiag")]
    word += [found.get(label, "") for label in ("direction", "port", "cause", "pod")]
    return ":".join(word).rstrip(":")


class Example(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.webhook = Webhook()
        self.addCleanup(self.webhook.stop)
        self.alertmanager = ShippedAlertmanager()
        self.addCleanup(self.alertmanager.stop)
        self.alertmanager.wait_until_ready()

    def begin(self, trouble, instance):
        self.alertmanager.post([{"labels": labels(word, instance)} for word in trouble.split()])

    def end(self, word, instance):
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        self.alertmanager.post([{"labels": labels(word, instance), "endsAt": now}])

    def told(self, instance):
        """{receiver: alerts} of the notifications about a host."""
        told = {}
        for notification in self.webhook.notifications():
            for alert in notification["alerts"]:
                if (alert["labels"]["instance"], alert["status"]) == (instance, "firing"):
                    told.setdefault(notification["receiver"], set()).add(words(alert))
        return told

    def wait_until_told(self, word, instance):
        def found():
            return word in set().union(*self.told(instance).values())

        wait_until(found, f"{word} of {instance} is told")

    def wait_until_all_before_are_told(self):
        """A group that begins later waits until later."""
        self.begin("PortsFolded SynSentLingering:outbound:1", "last")
        self.wait_until_told("SynSentLingering:outbound:1", "last")

    def test_each_trouble_is_told_once(self):
        for what, (firing, _) in TROUBLES.items():
            self.begin(firing, what)
        for what, (_, expected) in TROUBLES.items():
            for word in expected.split():
                self.wait_until_told(word, what)
        self.wait_until_all_before_are_told()
        for what, (_, expected) in TROUBLES.items():
            with self.subTest(what):
                told = set().union(*self.told(what).values())
                self.assertEqual(told, set(expected.split()))

    def test_what_remains_is_told_when_its_cause_is_over(self):
        self.begin("ListenerDropping::80 AcceptQueueFull::80", "web1")
        self.wait_until_told("ListenerDropping::80", "web1")
        self.assertEqual(self.told("web1"), {"pager": {"ListenerDropping::80"}})
        self.end("ListenerDropping::80", "web1")
        self.wait_until_told("AcceptQueueFull::80", "web1")

    def test_severities_go_to_different_receivers_and_what_pages_nobody_to_none(self):
        self.begin("SynFlood ListenerGone:inbound:80 PortsFolded SocketsHidden", "web1")
        self.wait_until_told("SynFlood", "web1")
        self.wait_until_told("ListenerGone:inbound:80", "web1")
        self.wait_until_all_before_are_told()
        expected = {"pager": {"SynFlood"}, "tickets": {"ListenerGone:inbound:80"}}
        self.assertEqual(self.told("web1"), expected)

    def test_pods_of_a_host_are_told_apart(self):
        for pod in ("", "::cart-1", "::cart-2"):
            self.begin(f"ListenerGone:inbound:80{pod}", "web1")
        self.wait_until_all_before_are_told()
        groups = [
            len(each["alerts"])
            for each in self.webhook.notifications()
            if each["commonLabels"]["instance"] == "web1"
        ]
        self.assertEqual(groups, [1, 1, 1])

    def test_services_of_a_host_are_told_apart_and_alerts_of_one_together(self):
        self.begin("FinWait2Lingering:inbound:80 ListenerGone:inbound:80", "web1")
        self.begin("FinWait2Lingering:inbound:81", "web1")
        self.wait_until_all_before_are_told()
        groups = [
            sorted(words(alert) for alert in each["alerts"])
            for each in self.webhook.notifications()
            if each["commonLabels"]["instance"] == "web1"
        ]
        together = ["FinWait2Lingering:inbound:80", "ListenerGone:inbound:80"]
        self.assertEqual(sorted(groups), [together, ["FinWait2Lingering:inbound:81"]])


if __name__ == "__main__":
    unittest.main()
