# SPDX-License-Identifier: Apache-2.0
"""Makes the exporter's netlink sockets fail, through tests/support/netlink_fault.c."""

import contextlib
import os
import tempfile

_SHIM = os.environ.get("NETLINK_FAULT", "")


class NetlinkFault:
    """A switch: `with fault("ENOBUFS"):` every dump of the exporter fails so."""

    def __init__(self):
        if not os.path.exists(_SHIM):
            raise RuntimeError("NETLINK_FAULT does not name the shim")
        self._directory = tempfile.TemporaryDirectory(prefix="sockdiag_e2e_fault_")
        self._path = os.path.join(self._directory.name, "fault")

    def environment(self):
        """What the exporter is started with; the sanitizer option lets the shim come first."""
        asan_options = os.environ.get("ASAN_OPTIONS", "")
        return {
            "LD_PRELOAD": _SHIM,
            "NETLINK_FAULT_FILE": self._path,
            "ASAN_OPTIONS": ":".join(filter(None, [asan_options, "verify_asan_link_order=0"])),
        }

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
        return os.path.exists(f"{self._path}.hanging")

    def remove(self):
        self._directory.cleanup()
