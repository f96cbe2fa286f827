# SPDX-License-Identifier: Apache-2.0
"""Runs tests that mostly wait side by side, each on a thread and thus in a network namespace of its
own. A module asks for it with `load_tests = side_by_side`."""

import concurrent.futures
import unittest

# What they do meanwhile is little, but the processors may be two.
AT_A_TIME = 16


class _Events(unittest.TestResult):
    """What a test had to say, to be told again."""

    def __init__(self):
        super().__init__()
        self._events = []

    def tell(self, result):
        for name, arguments in self._events:
            getattr(result, name)(*arguments)


def _record(name):
    def event(self, *arguments):
        self._events.append((name, arguments))
        getattr(unittest.TestResult, name)(self, *arguments)

    return event


for _name in (
    *("startTest", "stopTest", "addSuccess", "addError", "addFailure", "addSkip", "addSubTest"),
    *("addExpectedFailure", "addUnexpectedSuccess"),
):
    setattr(_Events, _name, _record(_name))


def _tests_in(suite):
    for each in suite:
        yield from _tests_in(each) if isinstance(each, unittest.TestSuite) else [each]


def _run(test):
    events = _Events()
    test.run(events)
    return events


class _SideBySide(unittest.TestSuite):
    def run(self, result, debug=False):
        with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as threads:
            running = [threads.submit(_run, test) for test in _tests_in(self)]
            for each in concurrent.futures.as_completed(running):
                each.result().tell(result)
        return result


def side_by_side(_loader, tests, _pattern):
    return _SideBySide(tests)
