# SPDX-License-Identifier: Apache-2.0
"""A real Alertmanager that tells a webhook in this process at once, and that webhook."""

import http.server
import json
import os
import subprocess
import tempfile
import threading

from support import web
from support.polling import wait_until

# The namespace belongs to the test alone, so fixed ports are free. Alertmanager's own default is
# where the shipped configurations send alerts.
_PORT = 9093
_WEBHOOK_PORT = 9099
_CONFIG = f"""
route:
  receiver: test
  group_by: ['...']
  group_wait: 1s
  group_interval: 1s
  repeat_interval: 1h
receivers:
- name: test
  webhook_configs: [{{url: 'http://127.0.0.1:{_WEBHOOK_PORT}/'}}]
"""


class Webhook:
    """Keeps all alerts of all notifications, as Alertmanager sent them."""

    def __init__(self):
        self._alerts = []
        handler = type("Handler", (_Handler,), {"alerts": self._alerts})
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", _WEBHOOK_PORT), handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def alerts(self):
        return list(self._alerts)

    def stop(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.alerts.extend(json.loads(body)["alerts"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        """Says nothing on stderr."""


class Alertmanager:
    def __init__(self):
        self._directory = tempfile.TemporaryDirectory(prefix="sockdiag_e2e_alertmanager_")
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", "prometheus-alertmanager", *self._flags()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _flags(self):
        config = os.path.join(self._directory.name, "alertmanager.yml")
        with open(config, "w", encoding="ascii") as file:
            file.write(_CONFIG)
        return [
            f"--config.file={config}",
            f"--storage.path={self._directory.name}/data",
            f"--web.listen-address=127.0.0.1:{_PORT}",
            "--cluster.listen-address=",
        ]

    def wait_until_ready(self):
        wait_until(self._is_ready, "Alertmanager is ready")
        return self

    def _is_ready(self):
        if self._process.poll() is not None:
            raise AssertionError(f"Alertmanager ended with {self._process.returncode}")
        try:
            return web.request(_PORT, "/-/ready").status == 200
        except ConnectionError:
            return False

    def alerts(self):
        """The alerts that it holds now, by its API."""
        return json.loads(web.request(_PORT, "/api/v2/alerts").body)

    def stop(self):
        self._process.terminate()
        self._process.wait()
        self._directory.cleanup()
