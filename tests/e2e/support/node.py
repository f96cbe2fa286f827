# SPDX-License-Identifier: Apache-2.0
"""A node with pods, as an exporter would show it that sees their network namespaces: synthetic text
behind a real HTTP server."""

import http.server
import threading
import time

_HOST_STATES = ("established", "time_wait", "close_wait", "syn_recv", "syn_sent", "fin_wait2")
_COUNTERS = (
    "listen_overflows",
    "listen_drops",
    "request_queue_full_drops",
    "request_queue_full_cookies",
    "syncookies_sent",
    "syncookies_failed",
    "time_wait_overflows",
    "abort_on_memory",
    "syn_retransmits",
    "active_opens",
    "passive_opens",
    "attempt_failures",
    "embryonic_resets",
    "established_resets",
)
_PER_SECOND = {"active_opens": 5, "passive_opens": 5}  # of each owner; the others stand still


def labelled(**labels):
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def pod(number, namespace="shop"):
    return {"namespace": namespace, "pod": f"cart-{number}"}


def close_waits(count, port, **owner):
    """{series: value} of an inbound port that leaks, old and new ones alike."""
    place = {"direction": "inbound", "port": port}
    return {
        "sockdiag_tcp_sockets" + labelled(**place, state="close_wait", **owner): count,
        "sockdiag_tcp_close_wait_sockets" + labelled(**place, cause="not_closed", **owner): count,
        "sockdiag_tcp_lingering_sockets" + labelled(**place, state="close_wait", **owner): count,
    }


def _sockets(owner, port, states):
    series = {}
    for direction, each in (("inbound", port), ("outbound", 5432)):
        for state in states:
            place = labelled(direction=direction, port=each, state=state, **owner)
            series[f"sockdiag_tcp_sockets{place}"] = 40 if state == "established" else 0
    listening = labelled(direction="inbound", port=port, state="listen", **owner)
    series[f"sockdiag_tcp_sockets{listening}"] = 1
    series["sockdiag_tcp_accept_queue_utilization_ratio" + labelled(port=port, **owner)] = 0.1
    return series


def _counters(owner, age):
    return {
        f"sockdiag_tcp_{name}_total" + labelled(**owner): 100 + _PER_SECOND.get(name, 0) * age
        for name in _COUNTERS
    }


def _exporter(pods):
    series = {'sockdiag_exporter_build_info{version="1",revision="a",compiler="g"}': 1}
    for source in ("tcp", "listeners", "kernel", "owners", "namespaces"):
        series["sockdiag_sample_success" + labelled(source=source)] = 1
        series["sockdiag_sample_interval_seconds" + labelled(source=source)] = 5
        series["sockdiag_sample_timestamp_seconds" + labelled(source=source)] = time.time()
    for status, count in (("sampled", pods), ("counted", 0), ("skipped", 0), ("failed", 0)):
        series["sockdiag_namespaces" + labelled(status=status)] = count
    return series | {"sockdiag_namespaces_rotation_seconds": 15}


def _limits():
    return {
        "sockdiag_tcp_time_wait_limit_sockets": 131072,
        "sockdiag_tcp_orphans": 5,
        "sockdiag_tcp_orphans_limit": 131072,
        "sockdiag_tcp_memory_bytes": 4e7,
        "sockdiag_tcp_memory_limit_bytes": 2e9,
        "sockdiag_tcp_allocated_sockets": 9000,
    }


class Node:
    """Serves all series of a host and its pods that are well, and `more`, on this port."""

    def __init__(self, port, pods, more):
        self._started, self._pods, self._more = time.time(), pods, more
        handler = type("Handler", (_Handler,), {"text": self._text})
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def series(self):
        age = time.time() - self._started
        series = _exporter(self._pods) | _limits() | _sockets({}, 10250, _HOST_STATES)
        series |= _counters({}, age)
        for number in range(self._pods):
            owner = pod(number)
            series |= _sockets(owner, 8080, ("established", "time_wait")) | _counters(owner, age)
        return series | self._more

    def _text(self):
        lines = [f"{name} {value}" for name, value in self.series().items()]
        return ("\n".join(lines) + "\n").encode()

    def stop(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.text()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing on stderr."""
