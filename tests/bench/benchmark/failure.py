# SPDX-License-Identifier: Apache-2.0
"""What a benchmark raises where something is wrong that is not a matter of speed."""


class Failure(Exception):
    """Ends the benchmark with status 1; `result` is published first where it is given."""

    def __init__(self, message, result=None):
        super().__init__(message)
        self.result = result
