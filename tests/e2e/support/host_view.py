# SPDX-License-Identifier: Apache-2.0
"""A host's /proc as --path.procfs sees it, with the processes of a test alone, in cgroups of its
choice. Their network namespaces are the real ones."""

import os
import tempfile


class HostView:
    def __init__(self):
        self._directory = tempfile.TemporaryDirectory(prefix="sockdiag_e2e_proc_")
        self.path = self._directory.name
        os.chmod(self.path, 0o755)
        os.symlink("/proc/self", f"{self.path}/self")

    def add(self, pid, cgroup):
        """Shows a process. Returns its number."""
        folder = f"{self.path}/{pid}"
        os.mkdir(folder, 0o755)
        for name in ("net", "ns"):
            os.symlink(f"/proc/{pid}/{name}", f"{folder}/{name}")
        with open(f"{folder}/cgroup", "w", encoding="ascii") as file:
            file.write(f"0::{cgroup}\n")
        return pid

    def remove(self):
        self._directory.cleanup()
