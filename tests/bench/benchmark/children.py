# SPDX-License-Identifier: Apache-2.0
"""Servers and forks for the time of a `with`; like all children they end with this process."""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import traceback

from support import web
from support.polling import wait_until

from benchmark import processes
from benchmark.command import Failure

NODE_EXPORTER = "prometheus-node-exporter"
_PR_SET_PDEATHSIG = 1

# node_exporter reads a directory: this one is its own, in memory, and gone when it ends.
_WITH_A_FILE_OF_ITS_OWN = (
    *("unshare", "--mount", "--", "sh", "-c"),
    'mount -t tmpfs tmpfs /mnt && cat > /mnt/page.prom && exec "$@"',
    "sh",
)
_TEXTFILE_DIRECTORY = "/mnt"


def has_node_exporter():
    return shutil.which(NODE_EXPORTER) is not None


@contextlib.contextmanager
def node_exporter(*flags, page=b""):
    """Answers when it is given, as (process, port). `page` is what its textfile collector reads."""
    port = unused_port()
    command = [NODE_EXPORTER, *flags, f"--web.listen-address=127.0.0.1:{port}"]
    command += ["--web.disable-exporter-metrics"]
    command += [f"--collector.textfile.directory={_TEXTFILE_DIRECTORY}"]
    process = processes.start(
        [*_WITH_A_FILE_OF_ITS_OWN, *command], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        process.stdin.write(page)
        process.stdin.close()
        wait_until(lambda: _is_answering(port), "node_exporter answers")
        yield process, port
    finally:
        processes.end(process)


def unused_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _is_answering(port):
    try:
        return web.request(port).status == 200
    except ConnectionError:
        return False


@contextlib.contextmanager
def fork(body):
    """Runs body(), which has no end, beside the `with`, in a process group of its own. Gives its
    process id."""
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _be_child(body, parent)
    try:
        yield pid
    finally:
        had_ended = _end_group(pid)
    if had_ended:
        raise Failure("what ran beside ended by itself")


def _be_child(body, parent):
    try:
        os.setpgid(0, 0)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == parent:
            body()
    except Exception:  # pylint: disable=broad-except
        traceback.print_exc()
    finally:
        os._exit(1)


def _end_group(pid):
    """Whether it had ended before."""
    had_ended = os.waitpid(pid, os.WNOHANG)[0] == pid
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    if not had_ended:
        os.kill(pid, signal.SIGKILL)  # where it had no time to become a group
        os.waitpid(pid, 0)
    return had_ended
