# SPDX-License-Identifier: Apache-2.0
"""Waiting for a condition, never for a time."""

import time

# Generous: a sanitizer build on a machine that compiles beside it must fit. Nothing asserts how
# long it took.
DEADLINE_SECONDS = 120
POLL_SECONDS = 0.02


def wait_until(condition, what, deadline=DEADLINE_SECONDS, pause=POLL_SECONDS):
    """Polls until condition() is truthy and returns that value; fails naming `what`, a text or what
    makes one then."""
    end = time.monotonic() + deadline
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline} s: {what() if callable(what) else what}")
        time.sleep(pause)
