# SPDX-License-Identifier: Apache-2.0
"""sockdiag_opener as a process, its protocol, and what can be done with a socket that it passes.

As a program, `opener.py SOCKET PID` does that with the rights of who runs it: see look_into().
"""

import errno
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile

from support.exporter import BINARY, Log
from support.polling import DEADLINE_SECONDS, wait_until
from support.server import DIES_WITH_US

OPENER = os.path.join(os.path.dirname(BINARY), "sockdiag_opener")
CAPABILITIES = ("+sys_admin", "+sys_ptrace")
CONNECTIONS = 16

_SOCK_DIAG_BY_FAMILY = 20
_SOCK_DESTROY = 21
_REQUEST_AND_DUMP = 0x301
_REQUEST_AND_ACK = 0x5
_ERROR, _DONE = 2, 3
_SIOCGSKNS = 0x894C
_SO_NETNS_COOKIE = 71


def as_nobody(*capabilities):
    """The prefix of a command that is to run as nobody, with these capabilities alone."""
    words = ",".join(["-all", *capabilities])
    return [
        *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
        *(f"--{kind}={words}" for kind in ("bounding-set", "inh-caps", "ambient-caps")),
        *("--pdeathsig=KILL", "--"),  # another user's process forgets the one of before
    ]


def inode_of(pid, procfs="/proc"):
    """What identifies the network namespace of a process."""
    return os.stat(f"{procfs}/{pid}/net/tcp").st_ino


class Connection:
    """A client of the opener."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self.socket.connect(path)  # before the deadline: one that may not wait can find no room
        except OSError:
            self.socket.close()
            raise
        self.socket.settimeout(DEADLINE_SECONDS)

    def send(self, pid, inode):
        self.socket.send(struct.pack("=qQ", pid, inode))

    def receive(self):
        """The error, and the descriptor or None."""
        packet, descriptors, _, _ = socket.recv_fds(self.socket, 64, 2)
        (error,) = struct.unpack("=i", packet)
        return error, *(descriptors or [None])

    def ask(self, pid, inode=None):
        self.send(pid, inode_of(pid) if inode is None else inode)
        return self.receive()

    def is_closed(self):
        """Whether the other end has closed, without an answer."""
        try:
            return self.socket.recv(64) == b""
        except ConnectionResetError:
            return True

    def close(self):
        self.socket.close()


def _popen(command, **options):
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, **options
    )


class Opener:
    """A running opener. Its socket is in a directory that all may enter, unless a path is given."""

    def __init__(self, *flags, prefix=(), path=None):
        self._directory = tempfile.TemporaryDirectory(prefix="sockdiag_e2e_opener_")
        os.chmod(self._directory.name, 0o777)
        self.path = path or os.path.join(self._directory.name, "socket")
        self.process = self._start(prefix, flags)
        self.log = Log(self.process.stderr)

    def _start(self, prefix, flags):
        return _popen([*DIES_WITH_US, *prefix, OPENER, f"--socket={self.path}", *flags])

    def wait_until_listening(self):
        wait_until(self._listens, "the opener listens")
        return self

    def _listens(self):
        if self.process.poll() is not None:
            raise AssertionError(f"it ended: {self.log.text_lines()}")
        try:
            Connection(self.path).close()
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True

    def connect(self):
        return Connection(self.path)

    def descriptors(self):
        return sorted(os.listdir(f"/proc/{self.process.pid}/fd"))

    def dispose(self):
        """Ends it. Returns its exit status."""
        self.process.terminate()
        status = self.process.wait(DEADLINE_SECONDS)
        self.log.finish()
        self._directory.cleanup()
        return status


# As sd_listen_fds(3) has it.
_HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execvp(sys.argv[2], sys.argv[2:])
"""


class ActivatedOpener(Opener):
    """One that is started with a socket that listens already, as by a service manager."""

    def _start(self, prefix, flags):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(self.path)
            os.chmod(self.path, 0o666)
            listener.listen()
            passed = listener.fileno()
            hand_over = [sys.executable, "-c", _HAND_OVER, str(passed)]
            command = [*DIES_WITH_US, *hand_over, *prefix, OPENER, *flags]
            return _popen(command, pass_fds=[passed])


HOLD_SOCKETS = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
"""


class Container:
    """A process in a network namespace of its own, with a listener and a connection to it."""

    def __init__(self, prefix=()):
        loopback = ["sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
        command = ["unshare", "--net", *loopback, *prefix, sys.executable, "-c", HOLD_SOCKETS]
        self.process = subprocess.Popen(
            [*DIES_WITH_US, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.port = int(self.process.stdout.readline())
        self.pid = self.process.pid

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def _messages(diag, kind, flags, payload):
    diag.send(struct.pack("=IHHII", 16 + len(payload), kind, flags, 1, 0) + payload)
    while True:
        datagram = diag.recv(65536)
        while datagram:
            length, received = struct.unpack_from("=IH", datagram)
            if received == _DONE:
                return
            yield received, datagram[16:length]
            if received == _ERROR:
                return
            datagram = datagram[(length + 3) & ~3 :]


def _tcp_request(states, identity=bytes(48)):
    return struct.pack("=BBBxI", socket.AF_INET, socket.IPPROTO_TCP, 0, states) + identity


def _ends(message):
    """{"ports": local and remote, "state": number} of an inet_diag_msg, and what names the socket."""
    identity = message[4:52]
    return list(struct.unpack_from("!HH", identity)), message[1], identity


def look_into(descriptor):
    """Dumps through the socket, then tries to do more."""
    with socket.socket(fileno=descriptor) as diag:
        diag.settimeout(DEADLINE_SECONDS)
        dump = list(_messages(diag, _SOCK_DIAG_BY_FAMILY, _REQUEST_AND_DUMP, _tcp_request(0xFFF)))
        sockets = [_ends(message) for _, message in dump]
        (answer,) = _messages(
            diag, _SOCK_DESTROY, _REQUEST_AND_ACK, _tcp_request(0xFFF, sockets[0][2])
        )
        return {
            "sockets": sorted([ports, state] for ports, state, _ in sockets),
            "destroy": errno.errorcode[-struct.unpack_from("=i", answer[1])[0]],
            "namespace": _try_to_get_the_namespace(diag),
            "cookie": struct.unpack("=Q", diag.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, 8))[0],
        }


def _try_to_get_the_namespace(diag):
    try:
        return fcntl.ioctl(diag, _SIOCGSKNS)
    except OSError as error:
        return errno.errorcode[error.errno]


def look_into_as_nobody(path, pid):
    """What look_into() returns to a process that has no capability."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    command = [*as_nobody(), sys.executable, "-B", "-m", "support.opener", path, str(pid)]
    done = subprocess.run(command, cwd=here, capture_output=True, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stderr.decode())
    return json.loads(done.stdout)


if __name__ == "__main__":
    problem, passed = Connection(sys.argv[1]).ask(int(sys.argv[2]))
    if problem:
        sys.exit(os.strerror(problem))
    print(json.dumps(look_into(passed)))
