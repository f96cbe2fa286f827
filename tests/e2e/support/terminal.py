# SPDX-License-Identifier: Apache-2.0
"""A terminal of its own for a program: a tmux server that nobody else talks to."""

import os
import shlex
import subprocess
import tempfile

from support.polling import wait_until


class Terminal:
    """Runs a shell of `columns` x `rows` in tmux, in the network namespace of the caller."""

    def __init__(self, columns=80, rows=50):
        self._directory = tempfile.TemporaryDirectory(prefix="sockdiag_e2e_tmux_")
        self._tmux("-f", "/dev/null", "new-session", "-d", f"-x{columns}", f"-y{rows}", "sh")
        self._tmux("set-option", "-g", "history-limit", "10000")

    def _tmux(self, *arguments):
        socket = os.path.join(self._directory.name, "socket")
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color", "PS1": "$ "}
        environment.pop("TMUX", None)
        environment.pop("NO_COLOR", None)
        return subprocess.run(
            ["tmux", "-u", "-S", socket, *arguments],
            check=True, capture_output=True, text=True, env=environment,
        ).stdout

    def type(self, text):
        self._tmux("send-keys", "-l", text)

    def press(self, key):
        """A key by tmux's name: Enter, C-c."""
        self._tmux("send-keys", key)

    def run(self, *command):
        self.type(shlex.join(command))
        self.press("Enter")

    def text(self, with_escapes=False, with_history=False):
        escapes = ["-e"] if with_escapes else []
        history = ["-S", "-"] if with_history else []
        return self._tmux("capture-pane", "-p", *escapes, *history)

    def wait_for(self, words, **options):
        """The text, once it has these words."""
        return wait_until(
            lambda: self._text_with(words, **options), f"{words!r} in the terminal"
        )

    def _text_with(self, words, **options):
        text = self.text(**options)
        return text if words in text else None

    def query(self, format):
        """What tmux knows of the pane, for example #{alternate_on}."""
        return self._tmux("display-message", "-p", format).strip()

    def resize(self, columns, rows):
        self._tmux("resize-window", f"-x{columns}", f"-y{rows}")

    def close(self):
        subprocess.run(
            ["tmux", "-S", os.path.join(self._directory.name, "socket"), "kill-server"],
            check=False, capture_output=True,
        )
        self._directory.cleanup()
