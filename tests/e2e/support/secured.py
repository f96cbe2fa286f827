# SPDX-License-Identifier: Apache-2.0
"""An exporter with a web configuration, and curl to ask it."""

import os
import re
import socket
import ssl
import subprocess

from support import web
from support.case import EndToEndTest
from support.certificates import Authority
from support.exporter import FAST, ConfigFile
from support.polling import DEADLINE_SECONDS, wait_until


def curl(url, *arguments):
    """The status that curl(1) sees, 0 if there is no answer, and the whole reply or its error."""
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--include", "--max-time", str(DEADLINE_SECONDS)]
        + [*map(str, arguments), "--write-out", "\n%{http_code}", url],
        capture_output=True,
        check=False,
    )
    reply, _, status = done.stdout.decode().rpartition("\n")
    return int(status), reply + done.stderr.decode()


class SecuredTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.authority = Authority("authority")
        self.addCleanup(self.authority.remove)

    def launch_secured(self, web, *flags, config=FAST):
        """An exporter that listens, with this text as its web configuration in `self.web`."""
        self.web = ConfigFile(web, "web.yml")
        self.addCleanup(self.web.remove)
        file = os.fsdecode(self.web.path)
        exporter = self.launch_exporter(f"--web.config.file={file}", *flags, config=config)
        line = exporter.log.wait_for("listening on ")
        exporter.port = int(re.search(r"://[^/]*:(\d+)/", line)[1])
        self.scheme = re.search(r"(https?)://", line)[1]
        return exporter

    def tls(self, certificate, key, more=""):
        return f"tls_server_config: {{cert_file: {certificate}, key_file: {key}{more}}}\n"

    def ask(self, exporter, *arguments, path="/metrics"):
        return curl(f"{self.scheme}://127.0.0.1:{exporter.port}{path}", *arguments)

    def status(self, exporter, *arguments, path="/metrics"):
        return self.ask(exporter, *arguments, path=path)[0]

    def trusting(self, *arguments):
        return ["--cacert", self.authority.certificate, *arguments]

    def wait_for_status(self, exporter, status, *arguments, path="/metrics"):
        wait_until(
            lambda: self.status(exporter, *arguments, path=path) == status,
            f"{path} answers {status}; log: {exporter.log.text_lines()}",
        )

    def exchange(self, exporter, request):
        """All that comes back over TLS to these bytes."""
        context = ssl.create_default_context(cafile=self.authority.certificate)
        with socket.create_connection(("127.0.0.1", exporter.port)) as bare:
            with context.wrap_socket(bare, server_hostname="127.0.0.1") as connection:
                connection.sendall(request)
                return web.read_to_end(connection)
