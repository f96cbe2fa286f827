# SPDX-License-Identifier: Apache-2.0
"""Arguments that are lists."""


def numbers(text):
    return [int(number) for number in text.split(",")]
