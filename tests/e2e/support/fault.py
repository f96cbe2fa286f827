# SPDX-License-Identifier: Apache-2.0
"""Makes the system fail the exporter, through the shims in tests/support/*.c."""

import contextlib
import fcntl
import os
import tempfile


def _preload(name):
    """What the exporter is started with to have the shim that the variable of that name names; the
    sanitizer option lets the shim come first."""
    shim = os.environ.get(name, "")
    if not os.path.exists(shim):
        raise RuntimeError(f"{name} does not name the shim")
    asan_options = os.environ.get("ASAN_OPTIONS", "")
    return {
        "LD_PRELOAD": shim,
        "ASAN_OPTIONS": ":".join(filter(None, [asan_options, "verify_asan_link_order=0"])),
    }


def _is_locked(path):
    """Whether a shim holds somebody up and so has locked the file."""
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False


def thread_fault(number, error="EAGAIN"):
    """The environment in which that thread cannot be had, counted from 1, with EAGAIN or EPERM.
    CivetWeb does not free all that it has when it cannot start."""
    environment = _preload("THREAD_FAULT")
    environment["ASAN_OPTIONS"] += ":detect_leaks=0"
    return {**environment, "THREAD_FAULT": f"{number}:{error}"}


class NetlinkFault:
    """A switch: `with fault("ENOBUFS"):` every dump of the exporter fails so."""

    def __init__(self):
        self._preload = _preload("NETLINK_FAULT")
        self._directory = tempfile.TemporaryDirectory(prefix="sockdiag_e2e_fault_")
        self._path = os.path.join(self._directory.name, "fault")

    def environment(self):
        return {**self._preload, "NETLINK_FAULT_FILE": self._path}

    @contextlib.contextmanager
    def __call__(self, name):
        temporary = f"{self._path}.new"
        with open(temporary, "w", encoding="ascii") as file:
            file.write(name)
        os.replace(temporary, self._path)
        try:
            yield
        finally:
            os.unlink(self._path)

    def is_hanging(self):
        """Whether a dump is held up by "HANG" at this moment."""
        return _is_locked(self._path)

    def remove(self):
        self._directory.cleanup()


class HangingFile:
    """A configuration file that cannot be opened while hang() is in force."""

    def __init__(self, text):
        self._preload = _preload("HANGING_FILE")
        self._directory = tempfile.TemporaryDirectory(prefix="sockdiag_e2e_hang_")
        self.path = os.path.join(self._directory.name, "sockdiag_exporter.yml")
        self._write(self.path, text)

    def environment(self):
        return {**self._preload, "HANGING_FILE": self.path}

    def hang(self):
        self._write(f"{self.path}.hang", "")

    def release(self):
        os.unlink(f"{self.path}.hang")

    def is_waited_for(self):
        return _is_locked(f"{self.path}.hang")

    def remove(self):
        self._directory.cleanup()

    @staticmethod
    def _write(path, text):
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
