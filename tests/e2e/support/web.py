# SPDX-License-Identifier: Apache-2.0
"""HTTP as a well-behaved client speaks it, and as bytes."""

import dataclasses
import errno
import http.client
import re
import socket
import struct

from support.polling import DEADLINE_SECONDS


@dataclasses.dataclass
class Response:
    status: int
    headers: list  # (name, value), as received
    body: bytes

    def header(self, name):
        """The value of a header that is there once, or None."""
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        if len(found) > 1:
            raise AssertionError(f"{name} is there {len(found)} times: {found}")
        return found[0] if found else None

    @property
    def text(self):
        return self.body.decode("utf-8")


def request(port, path="/metrics", method="GET", headers=(), body=b"", host="127.0.0.1", tls=None):
    """One request on a connection of its own. Sends no Accept-Encoding unless `headers` has it.
    `tls` is the ssl.SSLContext of one over HTTPS."""
    if tls:
        connection = http.client.HTTPSConnection(host, port, timeout=DEADLINE_SECONDS, context=tls)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=DEADLINE_SECONDS)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if body:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return Response(answer.status, answer.getheaders(), answer.read())
    finally:
        connection.close()


def get(target, *lines, version=b"1.1"):
    """The bytes of a GET. Its headers are `lines`, or a Host where there are none."""
    head = [b"GET %s HTTP/%s" % (target, version), *(lines or [b"Host: localhost"])]
    return b"\r\n".join(head) + b"\r\n\r\n"


def post(target, *lines, body=b""):
    """The bytes of a POST. `lines` are its headers but Host, and have to announce the body."""
    return b"\r\n".join([b"POST %s HTTP/1.1" % target, b"Host: localhost", *lines, b"", body])


def connect(port, receive_buffer=None, source="127.0.0.1"):
    """A bare connection; a small receive buffer makes its owner a slow reader."""
    connection = socket.socket()
    connection.bind((source, 0))
    connection.settimeout(DEADLINE_SECONDS)
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.connect(("127.0.0.1", port))
    return connection


def reset(connection):
    """Closes with a RST instead of a FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def read_to_end(connection):
    """Everything until the server closes; a reset counts as closing, silence does not."""
    received = bytearray()
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except (ConnectionResetError, BrokenPipeError):
        pass
    return bytes(received)


def exchange(port, payload, then_shut_down=False):
    """Sends bytes and returns all that comes back until the server closes the connection."""
    with connect(port) as connection:
        try:
            connection.sendall(payload)
            if then_shut_down:
                connection.shutdown(socket.SHUT_WR)
        except OSError as error:
            if error.errno not in (errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN):
                raise
        return read_to_end(connection)


def statuses(reply):
    """The status codes of the responses in raw bytes; none where the server only closed."""
    return [int(code) for code in re.findall(rb"HTTP/[0-9.]* ([0-9]{3}) ", reply)]
