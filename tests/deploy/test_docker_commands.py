# SPDX-License-Identifier: Apache-2.0
"""The commands for Docker in deploy/README.md, "Container" and "Sockets of containers": their containers started by
hand with the users, capabilities and mounts that the flags say."""

import argparse
import re
import shlex
import unittest

from node import Container, Pod, status_of
from support.opener import look_into_as_nobody
from test_kubernetes_components import BOTH, PlayedTest, get
from test_readme import DEPLOY, read

IMAGE_USER = "65534:65534"
IMAGE = "sockdiag_exporter:0.1.0"
CONFIGURATION = "--config.file=/etc/sockdiag_exporter/sockdiag_exporter.yml"  # as the image's own flags


def commands():
    """Those that run a container, each as its flags, and what follows the image's name."""
    text = "\n".join(re.findall(r"^```\n(.*?)^```$", read(DEPLOY), re.MULTILINE | re.DOTALL))
    for line in re.findall("^docker run .*", text.replace("\\\n", " "), re.MULTILINE):
        words = shlex.split(line)
        at = words.index(IMAGE)
        flags, unknown = parser().parse_known_args(words[2:at])
        if unknown:
            raise AssertionError(line)
        yield flags, words[at + 1 :]


def parser():
    flags = argparse.ArgumentParser()
    for name in ("--name", "--network", "--user", "--entrypoint", "--cap-drop"):
        flags.add_argument(name)
    for name in ("--cap-add", "--security-opt", "-v"):
        flags.add_argument(name, action="append", default=[])
    for name in ("--read-only", "--no-healthcheck"):
        flags.add_argument(name, action="store_true")
    return flags


def container_of(flags, arguments):
    """The same in the words of Kubernetes."""
    user, group = (flags.user or IMAGE_USER).split(":")
    mounts = [text.split(":") for text in flags.v]
    return {
        **({"command": [flags.entrypoint]} if flags.entrypoint else {}),
        "args": arguments,
        "securityContext": {
            "runAsUser": user,
            "runAsGroup": group,
            "readOnlyRootFilesystem": flags.read_only,
            "allowPrivilegeEscalation": "no-new-privileges" not in flags.security_opt,
            "capabilities": {"drop": [flags.cap_drop], "add": flags.cap_add},
        },
        "volumeMounts": [
            {"name": source, "mountPath": path, "readOnly": options == ["ro"]}
            for source, path, *options in mounts
        ],
    }


class Docker(PlayedTest):
    def start_command(self, flags, arguments):
        self.volumes = {
            name: self.node.folder_of(name) for name in (text.split(":")[0] for text in flags.v)
        }
        container = Container({"securityContext": {}}, container_of(flags, arguments), self.volumes)
        self.addCleanup(lambda: self.assertEqual(container.stop(), 0, container.log.text_lines()))
        return container

    def expect_owner_of(self, pod):
        text = get("/metrics")
        self.assertIn('sockdiag_sample_success{source="owners"} 1\n', text)
        series = f'sockdiag_tcp_owner_sockets{{direction="inbound",port="{pod.port}",state="established",'
        self.assertIn(f'{series}container="{pod.container_id[:12]}"}} 1\n', text)

    def test_each_exporter_serves_without_a_right(self):
        exporters = [command for command in commands() if not command[0].entrypoint]
        self.assertEqual(len(exporters), 3)
        pod = self.start_pod("proxy", host_network=True, scopes=Pod.DOCKER)
        for flags, arguments in exporters:
            with self.subTest(arguments):
                self.assertEqual(flags.network, "host")
                exporter = self.start_command(flags, arguments)
                self.wait_until_ready(exporter)
                self.assertEqual(status_of(exporter.pid)["CapEff"], "0" * 16)
                self.assertEqual(arguments[0], CONFIGURATION)
                self.expect_owner_of(pod)
                self.assertEqual(exporter.stop(), 0)

    def test_the_opener_passes_sockets_to_the_exporters_user(self):
        pod = self.start_pod("cart-7d9_shop")
        ((flags, arguments),) = [command for command in commands() if command[0].entrypoint]
        self.assertTrue(flags.no_healthcheck)  # the image's is the exporter's
        opener = self.start_command(flags, arguments)
        path = self.volumes["sockdiag_opener"] / "socket"
        opener.wait_until(path.exists, "the socket")
        found = look_into_as_nobody(str(path), pod.pid)
        self.assertEqual((len(found["sockets"]), found["destroy"]), (3, "EPERM"))
        status = status_of(opener.pid)
        self.assertEqual((int(status["CapEff"], 16), status["NoNewPrivs"]), (BOTH, "1"))


if __name__ == "__main__":
    unittest.main()
