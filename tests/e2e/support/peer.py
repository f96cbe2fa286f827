# SPDX-License-Identifier: Apache-2.0
"""A second network namespace, a cable away from the one that this thread is in."""

import contextlib
import os
import subprocess

from support.network import NetworkNamespace, enter_fresh_network_namespace

HERE, THERE = "192.0.2.1", "192.0.2.2"


class Peer:
    """Its address is THERE, that of the namespace in which it was made is HERE."""

    def __init__(self):
        self._here = NetworkNamespace()
        enter_fresh_network_namespace()
        self._there = NetworkNamespace()
        here = f"/proc/{os.getpid()}/fd/{self._here.fd}"
        _ip(f"link add cable type veth peer cable netns {here}")
        _plug_in(THERE)
        self._here.enter()
        _plug_in(HERE)

    @contextlib.contextmanager
    def entered(self):
        """What is done within happens over there."""
        self._there.enter()
        try:
            yield
        finally:
            self._here.enter()

    def close(self):
        self._here.close()
        self._there.close()


def _plug_in(address):
    _ip(f"address add {address}/24 dev cable")
    _ip("link set cable up")


def _ip(arguments):
    subprocess.run(["ip", *arguments.split()], check=True)
