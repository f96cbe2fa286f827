# SPDX-License-Identifier: Apache-2.0
"""The restrictions of the systemd unit that can be had without systemd."""

import json
import os
import re
import subprocess
import tempfile

_HERE = os.path.dirname(os.path.abspath(__file__))
UNIT = os.path.join(_HERE, "../../../deploy/systemd/sockdiag_exporter.service")


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


class Sandbox:
    """A command prefix that runs a program as the unit would: as nobody, without capabilities or new
    privileges, with the unit's system calls and address families, without code made at run time."""

    def __init__(self, unit):
        self._rules = tempfile.NamedTemporaryFile("w", prefix="sockdiag_e2e_sandbox_")
        os.chmod(self._rules.name, 0o644)
        families = settings(unit, "RestrictAddressFamilies")[0].split()
        json.dump({"calls": sorted(allowed_system_calls(unit)), "families": families}, self._rules)
        self._rules.flush()

    def command(self):
        return [
            *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"),
            *("--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--"),
            *("/usr/bin/python3", "-B", os.path.join(_HERE, "sandbox_exec.py"), self._rules.name),
        ]

    def remove(self):
        self._rules.close()
