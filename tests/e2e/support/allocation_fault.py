# SPDX-License-Identifier: Apache-2.0
"""Makes allocations of the exporter fail, through tests/support/allocation_fault.c."""

import contextlib
import mmap
import os
import struct
import tempfile

_FIELDS = struct.Struct("=QQQQQ")  # enabled, first, failures, count, unchecked


class AllocationFault:
    """Allocation number `first` fails, and as many after it as make `failures`."""

    def __init__(self):
        self._shim = os.environ.get("ALLOCATION_FAULT_SHIM", "")
        if not os.path.exists(self._shim):
            raise RuntimeError("ALLOCATION_FAULT_SHIM does not name the shim")
        self._file = tempfile.NamedTemporaryFile(prefix="sockdiag_e2e_allocations_")
        self._file.truncate(_FIELDS.size)
        self._control = mmap.mmap(self._file.fileno(), _FIELDS.size)

    def prefix(self, first=None, failures=1, library=None):
        """What stands before the command of a process that can be made to fail. With `first`, its
        allocations count from its beginning; with `library`, those alone that the library makes."""
        self._set(0, 0, 0)
        variables = [f"LD_PRELOAD={self._shim}", f"ALLOCATION_FAULT_FILE={self._file.name}"]
        if first is not None:
            variables.append(f"ALLOCATION_FAULT={first}:{failures}")
        if library is not None:
            variables.append(f"ALLOCATION_FAULT_OF={library}")
        return ["env", *variables]

    @contextlib.contextmanager
    def __call__(self, first, failures=1):
        """Counts from now on, until the end of the `with`."""
        self._set(0, first, failures)
        self._control[:8] = struct.pack("=Q", 1)
        try:
            yield
        finally:
            self._control[:8] = struct.pack("=Q", 0)

    def count(self):
        return _FIELDS.unpack(self._control[:])[3]

    def was_unchecked(self):
        """Whether a library that does not look for failures made an allocation that failed."""
        return _FIELDS.unpack(self._control[:])[4] > 0

    def remove(self):
        self._control.close()
        self._file.close()

    def _set(self, enabled, first, failures):
        self._control[:] = _FIELDS.pack(enabled, first, failures, 0, 0)
