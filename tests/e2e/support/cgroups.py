# SPDX-License-Identifier: Apache-2.0
"""Control groups (cgroup v2) of a test's own, below the root of the tree."""

import contextlib
import os
import pathlib


def _mount_point():
    for line in pathlib.Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, folder, kind, *_ = line.split()
        if kind == "cgroup2":
            return pathlib.Path(folder)
    raise RuntimeError("no cgroup2 file system is mounted")


def _own_cgroup():
    for line in pathlib.Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        if line.startswith("0::"):
            return line.removeprefix("0::")
    raise RuntimeError("this process is in no cgroup v2")


class Cgroup:
    """`path`: such as "a.slice/b.scope". Its folders vanish with remove()."""

    def __init__(self, path):
        self._folders = [_mount_point() / path]
        while self._folders[-1].parent != _mount_point():
            self._folders.append(self._folders[-1].parent)
        for folder in reversed(self._folders):
            folder.mkdir(exist_ok=True)

    @contextlib.contextmanager
    def entered(self):
        """This process, and what it makes, belong to the group meanwhile."""
        home = _mount_point() / _own_cgroup().lstrip("/")
        self._enter(self._folders[0])
        try:
            yield
        finally:
            self._enter(home)

    @staticmethod
    def _enter(folder):
        (folder / "cgroup.procs").write_text(str(os.getpid()), encoding="utf-8")

    def remove(self):
        for folder in self._folders:
            with contextlib.suppress(OSError):  # another test's group is in it, or it has gone
                folder.rmdir()
