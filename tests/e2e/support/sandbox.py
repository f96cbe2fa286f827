# SPDX-License-Identifier: Apache-2.0
"""The restrictions of the systemd unit that can be had without systemd."""

import json
import os
import re
import subprocess
import tempfile

_HERE = os.path.dirname(os.path.abspath(__file__))
UNIT = os.path.join(_HERE, "../../../deploy/systemd/sockdiag_exporter.service")
OPENER_UNIT = os.path.join(_HERE, "../../../deploy/systemd/sockdiag_opener.service")


def settings(unit, name):
    """All values that a unit file gives to a setting, in its order."""
    with open(unit, encoding="ascii") as file:
        return re.findall(rf"^{name}=(.*)$", file.read(), re.MULTILINE)


def _members(name):
    """The system calls of a group such as @system-service, groups in it included."""
    if not name.startswith("@"):
        return {name}
    text = subprocess.run(
        ["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True
    ).stdout
    lines = [line.strip() for line in text.splitlines()[1:]]
    return set().union(*(_members(line) for line in lines if line and line[0] != "#"))


def allowed_system_calls(unit):
    allowed = set()
    for value in settings(unit, "SystemCallFilter"):
        calls = set().union(*map(_members, value.removeprefix("~").split()))
        allowed = allowed - calls if value.startswith("~") else allowed | calls
    return allowed


def ambient_capabilities(unit):
    """As setpriv names them."""
    words = settings(unit, "AmbientCapabilities")[0].split()
    return ["+" + word.removeprefix("CAP_").lower() for word in words]


class Sandbox:
    """A command prefix that runs a program as the unit would: as nobody, with the unit's capabilities
    and no new privileges, with the unit's system calls, address families and kinds of namespaces,
    without code made at run time."""

    def __init__(self, unit):
        self._rules = tempfile.NamedTemporaryFile("w", prefix="sockdiag_e2e_sandbox_")
        os.chmod(self._rules.name, 0o644)
        self._capabilities = ",".join(["-all", *ambient_capabilities(unit)])
        rules = {
            # What systemd always allows.
            "calls": sorted(allowed_system_calls(unit) | _members("@default")),
            "families": settings(unit, "RestrictAddressFamilies")[0].split(),
            "enters_network_namespaces": settings(unit, "RestrictNamespaces") == ["net"],
        }
        json.dump(rules, self._rules)
        self._rules.flush()

    def command(self):
        return [
            *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"),
            *(f"--{kind}={self._capabilities}" for kind in ("bounding-set", "inh-caps", "ambient-caps")),
            "--",
            *("/usr/bin/python3", "-B", os.path.join(_HERE, "sandbox_exec.py"), self._rules.name),
        ]

    def remove(self):
        self._rules.close()
