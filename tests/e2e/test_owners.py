# SPDX-License-Identifier: Apache-2.0
"""Whose sockets are: units, pods and containers, by cgroups that the test makes."""

import os
import tempfile
import unittest

from support.case import EndToEndTest
from support.cgroups import Cgroup
from support.connection_states import connect, listen
from support.exporter import FAST

SOCKETS = "sockdiag_tcp_owner_sockets"
CAUSES = "sockdiag_tcp_owner_close_wait_sockets"
LISTENERS = "sockdiag_tcp_listener_info"
MINI_STATES = ("time_wait", "syn_recv", "fin_wait2")

UNIT = f"sockdiag-e2e-{os.getpid()}.service"
UID = "0a1b2c3d-1111-2222-3333-444455556666"
CONTAINER_ID = "ab" * 32
POD = (
    f"sockdiag-e2e-{os.getpid()}.slice/kubepods-pod{UID.replace('-', '_')}.slice/"
    f"cri-containerd-{CONTAINER_ID}.scope"
)
APP = {"namespace": "shop", "pod": "cart-7d9", "container": "app"}


class OwnersTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self._held = []
        self.addCleanup(lambda: [each.close() for each in self._held])

    def cgroup(self, path):
        cgroup = Cgroup(path)
        self.addCleanup(cgroup.remove)
        return cgroup

    def hold(self, connection):
        self._held.append(connection)
        return connection

    def listen_in(self, cgroup, port):
        with cgroup.entered():
            return self.hold(listen(port))

    def connected(self, listener, port):
        """The client's end and the accepted one."""
        client = self.hold(connect("127.0.0.1", port))
        return client, self.hold(listener.accept()[0])

    def folder_of_logs(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        os.symlink("/nowhere", f"{folder.name}/cart-7d9_shop_app-{CONTAINER_ID}.log")
        return folder.name


class Owners(OwnersTest):
    def test_a_unit_owns_its_listener_and_what_that_accepts(self):
        listener = self.listen_in(self.cgroup(UNIT), 8080)
        self.connected(listener, 8080)
        exporter = self.start_exporter()
        place = {"direction": "inbound", "port": "8080", "unit": UNIT}
        scrape = self.expect_series(exporter, SOCKETS, 1, state="established", **place)
        self.assertEqual(scrape.value(SOCKETS, state="listen", **place), 1)
        self.assertEqual(scrape.value(LISTENERS, port="8080", unit=UNIT), 1)

    def test_a_leak_has_the_name_of_its_pod(self):
        listener = self.listen_in(self.cgroup(POD), 8443)
        client, _ = self.connected(listener, 8443)
        client.close()
        exporter = self.start_exporter(f"--path.container-logs={self.folder_of_logs()}")
        place = {"direction": "inbound", "port": "8443", "cause": "unread_eof"}
        self.expect_series(exporter, CAUSES, 1, **place, **APP)

    def test_over_the_owners_of_a_port_full_sockets_add_up(self):
        owners = [self.cgroup(UNIT), self.cgroup(POD)]
        for port, cgroup in zip((8080, 8443), owners):
            listener = self.listen_in(cgroup, port)
            for client_of in owners:
                with client_of.entered():
                    self.connected(listener, port)
        exporter = self.start_exporter()
        scrape = self.expect_series(
            exporter, SOCKETS, 2, direction="inbound", port="8080", state="established", unit=UNIT
        )
        for direction in ("inbound", "outbound"):
            for port in (8080, 8443):
                self.check_sums(scrape, direction, str(port))

    def test_an_owner_whose_cgroup_was_removed_yields_its_seat_to_the_next(self):
        place = {"direction": "inbound", "port": "8080", "state": "listen"}
        job = self.cgroup("job-" + UNIT)
        listener = self.listen_in(job, 8080)
        # The other seat is that of the exporter.
        exporter = self.start_exporter(config=FAST + "owners: {max_owners: 2}\n")
        self.expect_series(exporter, SOCKETS, 1, unit="job-" + UNIT, **place)
        listener.close()
        self.expect_series(exporter, SOCKETS, 0, unit="job-" + UNIT, **place)
        job.remove()
        self.listen_in(self.cgroup("next-" + UNIT), 8080)
        scrape = self.expect_series(exporter, SOCKETS, 1, unit="next-" + UNIT, **place)
        self.assertIsNone(scrape.get(SOCKETS, unit="job-" + UNIT, **place))

    def check_sums(self, scrape, direction, port):
        sums = {}
        for labels, value in scrape.labelled(SOCKETS):
            if (labels["direction"], labels["port"]) == (direction, port):
                sums[labels["state"]] = sums.get(labels["state"], 0) + value
        for state, value in scrape.sockets(port, direction).items():
            if state not in MINI_STATES:
                self.assertEqual(sums.get(state, 0), value, (direction, port, state))

    def test_without_the_cgroup_tree_there_are_no_owners_and_the_log_says_what_to_mount(self):
        self.listen_in(self.cgroup(UNIT), 8080)
        with tempfile.TemporaryDirectory() as folder:
            exporter = self.start_exporter(f"--path.cgroup={folder}")
            scrape = self.expect_series(exporter, "sockdiag_sample_success", 0, source="owners")
            self.assertEqual(scrape.family(SOCKETS), {})
            self.assertEqual(scrape.value("sockdiag_sample_success", source="tcp"), 1)
            exporter.log.wait_for("owners sample failed: .*/host/cgroup:ro")

    def test_owners_can_be_switched_off_and_on(self):
        self.listen_in(self.cgroup(UNIT), 8080)
        exporter = self.start_exporter(config=FAST + "owners: {enabled: false}\n")
        scrape = exporter.fresh_scrape()
        self.assertEqual(scrape.family(SOCKETS), {})
        self.assertIsNone(scrape.get("sockdiag_sample_success", source="owners"))
        exporter.reload(FAST)
        place = {"direction": "inbound", "port": "8080", "unit": UNIT}
        self.expect_series(exporter, SOCKETS, 1, state="listen", **place)


if __name__ == "__main__":
    unittest.main()
