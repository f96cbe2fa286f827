# SPDX-License-Identifier: Apache-2.0
"""Becomes the given program, for which one system call fails: CALL ERRNO PROGRAM ARGUMENTS..."""

import errno
import os
import sys

import seccomp

rules = seccomp.SyscallFilter(defaction=seccomp.ALLOW)
rules.add_rule(seccomp.ERRNO(getattr(errno, sys.argv[2])), sys.argv[1])
rules.load()
os.execvp(sys.argv[3], sys.argv[3:])
