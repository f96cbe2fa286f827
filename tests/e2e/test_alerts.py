# SPDX-License-Identifier: Apache-2.0
"""The shipped configuration and rules, from sockets to a page: a leak and exhausted ports are
alerted and resolved, churn is not alerted. Takes as long as the rules wait, about seven minutes."""

import threading
import time
import unittest

from support.alertmanager import Alertmanager, Webhook
from support.case import EndToEndTest
from support.connection_states import Service, set_sysctl
from support.polling import wait_until
from support.prometheus import ShippedPrometheus

LEAKING, CHURNING, CALLED = 8080, 8090, 5432
INSTANCE = "localhost:10293"
RUNBOOK = (
    "https://github.com/sockdiag/sockdiag_exporter/blob/main/deploy/prometheus/runbook.md#"
)

# Of 200 ports for outgoing connections to one destination 96 % are in use.
PORT_RANGE, IN_USE = "40000 40199", 192

# The leak's clients have ports outside that range, each used once.
FIRST_CLIENT_PORT = 20000

# CLOSE_WAITs of both ports: 30 minutes ago there were 13 of them, 15 minutes ago 52, and the
# rule's floor, 50, holds from now on: two rising steps.
HISTORY_SECONDS, HISTORY_STEP_SECONDS = 35 * 60, 5
FLOOR, FLOOR_SECONDS = "instance_direction_port_state:sockdiag_tcp_sockets:min15m", 15 * 60
STATE, CAUSE = 'state="close_wait"', 'cause="not_closed"'
KNOWN_BEFORE = (  # name, its last label, the window that it looks back
    ("sockdiag_tcp_sockets", STATE, 0),
    ("sockdiag_tcp_close_wait_sockets", CAUSE, 0),
    (FLOOR, STATE, FLOOR_SECONDS),
)
LEAKED_BEFORE, CHURNED_AT_A_TIME = 90, 60

PORTS_EXHAUSTED = "SockdiagEphemeralPortsExhausted"
LEAK_ALERTS = ("SockdiagCloseWaitGrowing", "SockdiagCloseWaitLingering")

# From when on the leaked sockets are old (lifetimes.close_wait), and how many the rules ask for.
OLD_AFTER_SECONDS, OLD_SOCKETS = 60, 50

# Longer than the rules wait (2 and 5 minutes): nothing asserts how long it took.
PORTS_DEADLINE_SECONDS, LEAK_DEADLINE_SECONDS = 5 * 60, 10 * 60


def history(now):
    """What Prometheus would have stored of ports whose CLOSE_WAITs became more and more: the
    number, by state and by cause, and the floor that a rule records of it."""
    lines = []
    for name, label, window in KNOWN_BEFORE:
        lines.append(f"# TYPE {name} gauge")
        for port in (LEAKING, CHURNING):
            labels = f'direction="inbound",port="{port}",{label}'
            series = f'{name}{{job="sockdiag",instance="{INSTANCE}",{labels}}}'
            for age in range(HISTORY_SECONDS, 0, -HISTORY_STEP_SECONDS):
                since = min(age + window, HISTORY_SECONDS)
                sockets = LEAKED_BEFORE - LEAKED_BEFORE * since // HISTORY_SECONDS
                lines.append(f"{series} {sockets} {now - age}")
    return "\n".join([*lines, "# EOF", ""])


class Repeated:
    """Does something again and again on a thread of its own."""

    def __init__(self, action, seconds):
        self._action, self._seconds = action, seconds
        self._over = threading.Event()
        self.error = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        try:
            while not self._over.wait(self._seconds):
                self._action()
        except Exception as error:  # told by stop()
            self.error = error

    def stop(self):
        self._over.set()
        self._thread.join()
        if self.error:
            raise self.error


class Leak:
    """A service that reads the end of each connection and never closes its own end."""

    def __init__(self):
        self._service = Service(LEAKING)
        self._sockets = 0
        for _ in range(LEAKED_BEFORE):
            self._leak_one()
        self._growth = Repeated(self._leak_one, seconds=5)

    def _leak_one(self):
        ends = self._service.close_wait(local=("127.0.0.1", FIRST_CLIENT_PORT + self._sockets))
        ends.here.recv(1)
        ends.there.close()
        self._sockets += 1

    def end(self):
        try:
            self._growth.stop()
        finally:
            self._service.close()


class Churn:
    """A service that always has CLOSE_WAITs, none of them for longer than a few seconds."""

    def __init__(self):
        self._service = Service(CHURNING)
        self._held = []
        self._renew()
        self._renewal = Repeated(self._renew, seconds=1)

    def _renew(self):
        """The next ones come before the last ones go, so that there is never a gap."""
        last, self._held = self._held, self._service.close_waits(CHURNED_AT_A_TIME)
        for ends in self._held:
            ends.here.recv(1)
        for ends in last:
            ends.reset()

    def end(self):
        try:
            self._renewal.stop()
        finally:
            self._service.close()


class Alerts(EndToEndTest):
    def setUp(self):
        super().setUp()
        set_sysctl("ipv4/ip_local_port_range", PORT_RANGE)
        self.webhook = self._ended_by("stop", Webhook())
        self.alertmanager = self._ended_by("stop", Alertmanager()).wait_until_ready()
        self.churn = self._ended_by("end", Churn())
        self.leak = self._ended_by("end", Leak())
        pool = self.start_service(CALLED)
        self.pool = [pool.established() for _ in range(IN_USE)]
        self.wait_until_the_leak_is_old(self.start_exporter(config=None, listen=None))
        self.prometheus = self._ended_by("stop", ShippedPrometheus(history(int(time.time()))))
        self.prometheus.wait_until_ready()

    def wait_until_the_leak_is_old(self, exporter):
        """Before Prometheus begins, which would else see for minutes that it was young."""
        labels = {"direction": "inbound", "port": str(LEAKING), "state": "close_wait"}

        def old():
            return exporter.scrape().value("sockdiag_tcp_lingering_sockets", **labels)

        wait_until(lambda: old() >= OLD_SOCKETS, "the leak is old", 2 * OLD_AFTER_SECONDS)

    def _ended_by(self, method, started):
        self.addCleanup(getattr(started, method))
        return started

    def test_exhausted_ports_and_a_leak_are_alerted_and_resolved_and_churn_is_not(self):
        ports = self.notified(PORTS_EXHAUSTED, "firing", PORTS_DEADLINE_SECONDS)
        self.assert_tells(ports, "critical", {})
        self.assert_active({PORTS_EXHAUSTED})
        for ends in self.pool:
            ends.reset()
        self.notified(PORTS_EXHAUSTED, "resolved")

        leak = {"direction": "inbound", "port": str(LEAKING)}
        for name in LEAK_ALERTS:
            self.assert_tells(
                self.notified(name, "firing", LEAK_DEADLINE_SECONDS), "warning", leak
            )
        self.assert_active(set(LEAK_ALERTS))
        self.assert_churn_looks_like_a_leak_to_counts()
        self.leak.end()
        for name in LEAK_ALERTS:
            self.notified(name, "resolved")
        self.assert_nothing_else_was_told()

    def notified(self, name, status, deadline=60):
        """The first alert of that name and status that came in at the webhook."""

        def found():
            return [
                alert
                for alert in self.webhook.alerts()
                if (alert["labels"]["alertname"], alert["status"]) == (name, status)
            ]

        what = f"{name} {status}"
        try:
            return wait_until(found, what, deadline)[0]
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.prometheus.alerts()}") from None

    def assert_tells(self, alert, severity, labels):
        """All that whoever is paged needs, and no leftovers of a template."""
        name = alert["labels"]["alertname"]
        expected = {"job": "sockdiag", "instance": INSTANCE, "severity": severity, **labels}
        self.assertLessEqual(expected.items(), alert["labels"].items(), name)
        texts = alert["annotations"]
        for word in (INSTANCE, *labels.values()):
            self.assertIn(word, texts["summary"], name)
        for text in (texts["summary"], texts["description"]):
            self.assertRegex(text, r"\A[^<{}]+\Z", name)
        self.assertEqual(texts["runbook_url"], RUNBOOK + name.lower())

    def assert_active(self, names):
        active = {alert["labels"]["alertname"] for alert in self.alertmanager.alerts()}
        self.assertEqual(active, names)

    def assert_churn_looks_like_a_leak_to_counts(self):
        """Its floor is as high and has risen as much: only the ages tell it apart."""
        series = f"sockdiag_tcp_sockets{{direction='inbound',port='{CHURNING}',state='close_wait'}}"
        floor = f"min_over_time({series}[15m])"
        earlier = f"min_over_time({series}[15m] offset 15m)"
        self.assertGreaterEqual(self.prometheus.value(floor), 50)
        self.assertGreater(self.prometheus.value(f"{floor} / {earlier}"), 1.2)

    def assert_nothing_else_was_told(self):
        told = {(a["labels"]["alertname"], a["labels"].get("port")) for a in self.webhook.alerts()}
        leak = {(name, str(LEAKING)) for name in LEAK_ALERTS}
        self.assertEqual(told, {(PORTS_EXHAUSTED, None), *leak})


if __name__ == "__main__":
    unittest.main()
