# SPDX-License-Identifier: Apache-2.0
"""A process of its own that serves a port and does what the test asks it for."""

import contextlib
import multiprocessing
import os
import pathlib
import re
import resource
import subprocess
import tempfile

from support.connection_states import Service, set_sysctl
from support.network import enter_fresh_network_namespace


class Inhabitant:
    """Lives in a fresh network namespace, or in that of the test. Its methods return when it has
    done what they say."""

    def __init__(self, port, fresh_namespace=True, descriptors=1024, backlog=4096):
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_live,
            args=(theirs, self._pipe, port, fresh_namespace, descriptors, backlog),
        )
        self._process.start()
        theirs.close()
        self._wait()
        self.pid = self._process.pid
        with open(f"/proc/{self.pid}/comm", encoding="ascii") as file:
            self.name = file.read().rstrip()

    def connect(self, count):
        self._ask("connect", count)

    def connect_without_accept(self, count):
        self._ask("connect_without_accept", count)

    def leak(self, count):
        """Reads the end of so many clients more and does not close."""
        self._ask("leak", count)

    def emigrate(self):
        """Goes to a fresh network namespace. Its sockets stay in theirs."""
        self._ask("emigrate")

    def set_sysctl(self, name, value):
        self._ask("set_sysctl", name, value)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def close(self):
        self._pipe.close()  # ends it
        self._process.join()

    def _ask(self, *request):
        self._pipe.send(request)
        self._wait()

    def _wait(self):
        problem = self._pipe.recv()
        if problem:
            raise AssertionError(problem)


def _live(pipe, parents_end, port, fresh_namespace, descriptors, backlog):
    parents_end.close()  # else the parent's death would not end recv()
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    if fresh_namespace:
        enter_fresh_network_namespace()
    service = Service(port, backlog=backlog)
    kept = []
    actions = {
        "connect": service.connect,
        "connect_without_accept": service.connect_without_accept,
        "leak": lambda count: kept.extend(service.not_closed() for _ in range(count)),
        "emigrate": enter_fresh_network_namespace,
        "set_sysctl": set_sysctl,
    }
    pipe.send(None)
    while True:
        try:
            name, *arguments = pipe.recv()
        except EOFError:
            os._exit(0)  # without a word on what is still open
        try:
            actions[name](*arguments)
            pipe.send(None)
        except Exception as error:  # told to the test
            pipe.send(repr(error))


@contextlib.contextmanager
def cgroup_tree():
    """The path at which cgroup v2 is mounted, here for the time of `with` where it is not."""
    mounts = pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    found = re.search(r"(?m)^(?:\S+ ){4}(\S+) .* - cgroup2 ", mounts)
    if found:
        yield found[1]
        return
    with tempfile.TemporaryDirectory(prefix="sockdiag_e2e_cgroup_") as folder:
        subprocess.run(["mount", "-t", "cgroup2", "none", folder], check=True)
        try:
            yield folder
        finally:
            subprocess.run(["umount", folder], check=True)


class Cgroup:
    """A cgroup of the tree, within `with`, which this process is in until leave()."""

    def __init__(self, tree):
        self._tree = pathlib.Path(tree)
        self._path = self._tree / f"sockdiag-e2e-{os.getpid()}"

    def __enter__(self):
        own = pathlib.Path("/proc/self/cgroup").read_text(encoding="utf-8")
        self._former = self._tree / re.search(r"(?m)^0::/(.*)$", own)[1]
        self._path.mkdir()
        self._move(self._path)
        return self

    def leave(self):
        self._move(self._former)

    def __exit__(self, *_):
        self.leave()
        self._path.rmdir()

    @staticmethod
    def _move(path):
        (path / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")


class NamedNamespace:
    """Gives the namespace of a process a name as `ip netns attach` does, within `with`."""

    def __init__(self, pid):
        self._name, self._pid = f"sockdiag-e2e-{os.getpid()}", pid

    def __enter__(self):
        subprocess.run(["ip", "netns", "attach", self._name, str(self._pid)], check=True)
        return self._name

    def __exit__(self, *_):
        subprocess.run(["ip", "netns", "delete", self._name], check=True)
