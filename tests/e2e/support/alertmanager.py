# SPDX-License-Identifier: Apache-2.0
"""A real Alertmanager that tells a webhook in this process at once, and that webhook."""

import http.server
import json
import pathlib
import re
import threading

from support import web
from support.server import Server

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
_SHIPPED = pathlib.Path(__file__).resolve().parents[3] / "deploy/prometheus/alertmanager.yml"


class Webhook:
    """Keeps all notifications, as Alertmanager sent them."""

    def __init__(self):
        self._notifications = []
        handler = type("Handler", (_Handler,), {"notifications": self._notifications})
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", _WEBHOOK_PORT), handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def notifications(self):
        return list(self._notifications)

    def alerts(self):
        """All alerts of all notifications."""
        return [alert for each in self._notifications for alert in each["alerts"]]

    def stop(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.notifications.append(json.loads(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        """Says nothing on stderr."""


class Alertmanager(Server):
    PROGRAM = "prometheus-alertmanager"
    PORT = 9093  # its own default, where the shipped configurations send alerts

    def _flags(self, directory):
        config = directory / "alertmanager.yml"
        config.write_text(self._config(), encoding="ascii")
        return [
            f"--config.file={config}",
            f"--storage.path={directory}/data",
            f"--web.listen-address=127.0.0.1:{self.PORT}",
            "--cluster.listen-address=",
        ]

    def _config(self):
        return _CONFIG

    def post(self, alerts):
        """Begins or ends alerts, as Prometheus does."""
        headers = [("Content-Type", "application/json")]
        body = json.dumps(alerts).encode()
        answer = web.request(self.PORT, "/api/v2/alerts", "POST", headers=headers, body=body)
        if answer.status != 200:
            raise AssertionError(f"Alertmanager: {answer.status} {answer.body!r}")

    def alerts(self):
        """The alerts that it holds now, by its API."""
        return json.loads(web.request(self.PORT, "/api/v2/alerts").body)


class ShippedAlertmanager(Alertmanager):
    """One that runs the shipped example, of which only the waits are changed."""

    def _config(self):
        config, changes = re.subn(
            "(group_wait|group_interval): .*", r"\1: 1s", _SHIPPED.read_text(encoding="ascii")
        )
        if changes != 2:
            raise AssertionError(f"{changes} waits in {config}")
        return config
