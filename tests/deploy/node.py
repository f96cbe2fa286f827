# SPDX-License-Identifier: Apache-2.0
"""A node of Kubernetes played by hand: pods as namespaces and cgroups with the names that kubelet and
containerd give them, and containers started with the users, capabilities, mounts and namespaces of a
manifest. What is not played: the runtime's seccomp profile, AppArmor, SELinux, limits of memory."""

import contextlib
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import uuid

from support.exporter import BINARY, Log
from support.opener import HOLD_SOCKETS
from support.polling import DEADLINE_SECONDS, wait_until
from support.server import DIES_WITH_US

IMAGE = pathlib.Path(BINARY).parent
CONFIGURATION = pathlib.Path(__file__).resolve().parents[2] / "config/sockdiag_exporter.yml"
PROGRAMS = ("sockdiag_exporter", "sockdiag_opener")
ENTRYPOINT = "/usr/bin/sockdiag_exporter"


def cgroup2():
    """Where the hierarchy of version 2 is mounted."""
    with open("/proc/self/mountinfo", encoding="ascii") as mounts:
        found = re.search(r"^\S+ \S+ \S+ / (\S+) .* - cgroup2 ", mounts.read(), re.MULTILINE)
    if not found:
        raise AssertionError("no cgroup2 is mounted here")
    return pathlib.Path(found[1])


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return dict(map(str.strip, line.split(":", 1)) for line in file)


class Pod:
    """A pause container that holds the network namespace, and a container in it that has a listener
    with one connection. `name`: as kubelet writes it, NAME_NAMESPACE. With `host_network` both are in
    the network namespace of the node. `scopes`: where its containers' cgroups are, and their beginning."""

    KUBEPODS = "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{uid}.slice/cri-containerd-"
    DOCKER = "system.slice/docker-"

    def __init__(self, node, name, host_network=False, scopes=KUBEPODS):
        beginning = scopes.format(uid=str(uuid.uuid4()).replace("-", "_"))
        pause, application = (uuid.uuid4().hex * 2 for _ in range(2))
        self.container_id = application
        self._scopes = [node.cgroup / f"{beginning}{each}.scope" for each in (pause, application)]
        for scope in self._scopes:
            scope.mkdir(parents=True)
        (node.container_logs / f"{name}_app-{application}.log").symlink_to("/var/log/pods/none")
        isolate = [] if host_network else ["unshare", "--net"]
        wait = ["sh", "-c", "ip link set lo up && echo && exec cat"]
        self._pause = self._start(self._scopes[0], *isolate, *wait)
        self.pid = self._pause.pid
        self._pause.stdout.readline()
        enter = ["nsenter", f"--net=/proc/{self.pid}/ns/net"]
        self._application = self._start(self._scopes[1], *enter, sys.executable, "-c", HOLD_SOCKETS)
        self.port = int(self._application.stdout.readline())

    @staticmethod
    def _start(scope, *command):
        join = 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"'
        return subprocess.Popen(
            [*DIES_WITH_US, "sh", "-c", join, "sh", str(scope), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def end(self):
        for process in (self._application, self._pause):
            process.kill()
            process.communicate()


class Container:
    """One container of a pod's specification. Volumes: {name: folder}."""

    def __init__(self, pod, container, volumes, substitutions=()):
        self._root = tempfile.TemporaryDirectory(prefix="sockdiag_node_")
        security = {**pod["securityContext"], **container["securityContext"]}
        command = [*container.get("command", [ENTRYPOINT]), *container["args"]]
        for old, new in substitutions:
            command = [word.replace(old, new) for word in command]
        script = self._script(container["volumeMounts"], volumes, self._as_user(security), command)
        isolated = ["unshare", "--mount", "--pid", "--fork", "sh", "-euc", script]
        self._process = subprocess.Popen(
            [*DIES_WITH_US, *isolated], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        self.log = Log(self._process.stderr)

    def _script(self, mounts, volumes, as_user, command):
        """Makes a root of the libraries here and the two programs, mounts volumes, and starts it."""
        root = self._root.name
        lines = [
            f"mount -t tmpfs -o mode=755 tmpfs {root}",
            f"cd {root}",
            "mkdir -p usr/bin usr/lib usr/lib64 etc/sockdiag_exporter proc dev",
            f"cp {CONFIGURATION} etc/sockdiag_exporter",
            "ln -s usr/lib lib; ln -s usr/lib64 lib64",
            "for each in /usr/lib /usr/lib64; do mount --rbind $each .$each; done",
            "touch dev/null && mount --bind /dev/null dev/null",
            *(f"touch usr/bin/{name} && mount --bind {IMAGE / name} usr/bin/{name}" for name in PROGRAMS),
            "touch usr/bin/setpriv && mount --bind /usr/bin/setpriv usr/bin/setpriv",
        ]
        for mount in mounts:
            lines.append(f"mkdir -p .{mount['mountPath']}")
            lines.append(f"mount --rbind {volumes[mount['name']]} .{mount['mountPath']}")
            if mount.get("readOnly"):
                lines.append(f"mount -o remount,bind,ro .{mount['mountPath']}")
        lines += ["mount -t proc proc proc", "mount -o remount,ro ."]
        return "\n".join([*lines, f"exec chroot . {shlex.join([*as_user, *command])}"])

    @staticmethod
    def _as_user(security):
        assert security["readOnlyRootFilesystem"] and security["capabilities"]["drop"] == ["ALL"]
        added = [f"+{name.lower()}" for name in security["capabilities"].get("add", [])]
        capabilities = ",".join(["-all", *added])
        privileges = ["--no-new-privs"] if security.get("allowPrivilegeEscalation") is False else []
        return [
            *("/usr/bin/setpriv", f"--reuid={security['runAsUser']}"),
            *(f"--regid={security['runAsGroup']}", "--clear-groups", "--pdeathsig=KILL", *privileges),
            *(f"--inh-caps={capabilities}", f"--bounding-set={capabilities}", "--"),
        ]

    @property
    def pid(self):
        """Of the container's first process, as the node sees it."""
        path = f"/proc/{self._process.pid}/task/{self._process.pid}/children"
        with open(path, encoding="ascii") as children:
            return int(children.read())

    def wait_until(self, condition, what):
        def holds():
            if self._process.poll() is not None:
                raise AssertionError(f"the container ended: {self.log.text_lines()}")
            return condition()

        return wait_until(holds, f"{what}; the log: {self.log.text_lines()}")

    def stop(self):
        """As the kubelet does. Returns the exit status."""
        with contextlib.suppress(OSError, ValueError):
            os.kill(self.pid, 15)
        status = self._process.wait(DEADLINE_SECONDS)
        self.log.finish()
        self._root.cleanup()
        return status


class Node:
    """The folders of a node that the components mount, and a folder for each emptyDir."""

    def __init__(self):
        self._directory = tempfile.TemporaryDirectory(prefix="sockdiag_node_")
        top = pathlib.Path(self._directory.name)
        top.chmod(0o755)
        self.container_logs = top / "containers"
        self.container_logs.mkdir()
        self._empty = top / "empty"
        self.cgroup = cgroup2() / f"sockdiag_node_{os.getpid()}"

    def volumes(self, pod, configuration):
        """{name: folder} of the volumes of a pod; the configuration is the data of its ConfigMap."""
        folders = {
            volume["name"]: self.folder_of(volume.get("hostPath", {}).get("path", volume["name"]))
            for volume in pod["volumes"]
        }
        for name, text in configuration.items():
            pathlib.Path(folders["config"], name).write_text(text, encoding="utf-8")
        return folders

    def folder_of(self, name):
        """That plays a path of the node, or a volume of that name."""
        hosts = {"/sys/fs/cgroup": cgroup2(), "/var/log/containers": self.container_logs, "/proc": "/proc"}
        if name in hosts:
            return hosts[name]
        folder = self._empty / name
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o777)
        return folder

    def end(self):
        for folder, _, _ in os.walk(self.cgroup, topdown=False):
            os.rmdir(folder)
        self._directory.cleanup()
