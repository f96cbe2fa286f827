# SPDX-License-Identifier: Apache-2.0
"""What the exporter tells of pods when base and components run on a node that is played."""

import re
import unittest

from test_kubernetes import word_for_resources
from test_kubernetes_components import PlayedTest, get

SAMPLE = re.compile(r"^(\w+)\{(.*)\} (\S+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def value(name, **labels):
    """Of the series with exactly these labels; None if there is none."""
    for found, text, number in SAMPLE.findall(get("/metrics")):
        if found == name and dict(LABEL.findall(text)) == labels:
            return float(number)
    return None


@unittest.skipIf(word_for_resources() == "bases", "kubectl before 1.21 knows no components")
class Pods(PlayedTest):
    def setUp(self):
        super().setUp()
        self.pods = {name: self.start_pod(f"{name}_shop") for name in ("cart-7d9", "db-0")}

    def expect(self, exporter, number, name, **labels):
        exporter.wait_until(
            lambda: value(name, **labels) == number, f"{name} {labels} == {number}"
        )

    def test_with_owners_sockets_of_the_nodes_network_are_those_of_pods(self):
        pod = self.start_pod("proxy-x_kube-system", host_network=True)
        (exporter,) = self.start_containers("owners")
        self.wait_until_ready(exporter)
        for state in ("listen", "established"):
            self.expect(exporter, 1, "sockdiag_tcp_owner_sockets",
                        direction="inbound", port=str(pod.port), state=state,
                        namespace="kube-system", pod="proxy-x", container="app")

    def test_with_counters_the_kernels_totals_of_each_pod_are_told(self):
        (exporter,) = self.start_containers("owners", "counters")
        self.wait_until_ready(exporter)
        for name in self.pods:
            self.expect(exporter, 2, "sockdiag_tcp_kernel_sockets",
                        kind="connected", namespace="shop", pod=name)

    def test_with_sockets_each_pods_service_is_told_and_nothing_of_it_is_the_hosts(self):
        exporter, _ = self.start_containers("owners", "sockets")
        self.wait_until_ready(exporter)
        for name, pod in self.pods.items():
            owner = {"namespace": "shop", "pod": name}
            service = {"direction": "inbound", "port": str(pod.port)}
            for state in ("listen", "established"):
                self.expect(exporter, 1, "sockdiag_tcp_sockets", **service, state=state, **owner)
            self.assertIsNone(value("sockdiag_tcp_sockets", **service, state="listen"))
        self.assertEqual(value("sockdiag_sample_success", source="namespaces"), 1)


if __name__ == "__main__":
    unittest.main()
