# SPDX-License-Identifier: Apache-2.0
"""Becomes the given program under a seccomp filter like that which systemd makes of a unit."""

import errno
import json
import mmap
import os
import socket
import sys

import seccomp
from seccomp import ALLOW, EQ, ERRNO, MASKED_EQ, Arg

_WRITE_OR_RUN = mmap.PROT_WRITE | mmap.PROT_EXEC
_CLONE_NEWNET = 0x40000000
_NEED_RULES_OF_THEIR_OWN = {"socket", "mmap", "mprotect", "pkey_mprotect", "setns"}


def _allow(rules, name, *arguments):
    try:
        rules.add_rule(ALLOW, name, *arguments)
    except (RuntimeError, ValueError):
        pass  # a call that this machine does not have


def load(calls, families, enters_network_namespaces):
    rules = seccomp.SyscallFilter(defaction=ERRNO(errno.EPERM))
    for name in set(calls) - _NEED_RULES_OF_THEIR_OWN:
        _allow(rules, name)
    for family in families:
        _allow(rules, "socket", Arg(0, EQ, getattr(socket, family)))
    for protection in (0, mmap.PROT_WRITE, mmap.PROT_EXEC):
        _allow(rules, "mmap", Arg(2, MASKED_EQ, _WRITE_OR_RUN, protection))
    for name in ("mprotect", "pkey_mprotect"):
        _allow(rules, name, Arg(2, MASKED_EQ, mmap.PROT_EXEC, 0))
    if enters_network_namespaces:
        _allow(rules, "setns", Arg(1, EQ, _CLONE_NEWNET))
    rules.load()


with open(sys.argv[1], encoding="ascii") as file:
    load(**json.load(file))
os.execvp(sys.argv[2], sys.argv[2:])
