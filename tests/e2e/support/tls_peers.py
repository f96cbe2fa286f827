# SPDX-License-Identifier: Apache-2.0
"""Makes TLS connections over loopback, each on a port of its own, whose servers say goodbye and
close. Run as a program, as OpenSSL reads the suites of TLS 1.3 from its configuration at the start:
takes a list of connections as JSON in a line, answers with the names of their suites in another,
and keeps the clients' ends open until its input ends."""

import contextlib
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

_CERTIFICATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "localhost.pem")
_NO_ENCRYPT_THEN_MAC = 1 << 19  # SSL_OP_NO_ENCRYPT_THEN_MAC
_ANSWER = b"an answer"

_CONFIGURATION = """
openssl_conf = library
[library]
ssl_conf = ssl
[ssl]
system_default = settings
[settings]
Ciphersuites = {}
"""


def tls12_suites():
    """{name: whether it has a MAC of its own} of those that encrypt and suit the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ECDHE+aECDSA:!eNULL:@SECLEVEL=0")
    suites = [each for each in context.get_ciphers() if each["protocol"] != "TLSv1.3"]
    return {each["name"]: not each["aead"] for each in suites}


class TlsPeers:
    """A running maker of connections. `connections` are keyword arguments of _connect(); all of
    TLS 1.3 have the suite that is given."""

    def __init__(self, connections, tls13_suite="TLS_AES_128_GCM_SHA256"):
        self._configuration = tempfile.NamedTemporaryFile("w", prefix="sockdiag_e2e_openssl_")
        self._configuration.write(_CONFIGURATION.format(tls13_suite))
        self._configuration.flush()
        self._process = subprocess.Popen(
            [sys.executable, "-B", os.path.abspath(__file__)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OPENSSL_CONF": self._configuration.name},
        )
        self._process.stdin.write(json.dumps(connections) + "\n")
        self._process.stdin.flush()
        self.suites = json.loads(self._process.stdout.readline() or "null")

    def close(self):
        self._process.communicate()
        self._configuration.close()


def _context(protocol, version, suite):
    context = ssl.SSLContext(protocol)
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    context.set_ciphers(f"{suite}:@SECLEVEL=0" if suite else "ALL:@SECLEVEL=0")
    return context


def _serve(listener, context, records):
    with listener, context.wrap_socket(listener.accept()[0], server_side=True) as server:
        server.sendall(_ANSWER)
        server.recv(1)
        for record in records:
            server.sendall(bytes.fromhex(record))
        server.setblocking(False)
        with contextlib.suppress(ssl.SSLWantReadError):
            server.unwrap()  # sends close_notify and would wait for the other


def _connect(port, version, suite=None, encrypt_then_mac=True, records=(), reads=True):
    """A client whose server has closed. `records` are what it said before, in hexadecimal digits;
    `suite` is one of TLS 1.2."""
    server = _context(ssl.PROTOCOL_TLS_SERVER, version, suite)
    server.load_cert_chain(_CERTIFICATE)
    if not encrypt_then_mac:
        server.options |= _NO_ENCRYPT_THEN_MAC
    listener = socket.create_server(("127.0.0.1", port))
    serving = threading.Thread(target=_serve, args=(listener, server, records))
    serving.start()
    context = _context(ssl.PROTOCOL_TLS_CLIENT, version, suite)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = context.wrap_socket(socket.create_connection(("127.0.0.1", port)))
    if reads:
        client.recv(len(_ANSWER))
    client.sendall(b"1")
    serving.join()
    return client


def _main():
    clients = [_connect(**each) for each in json.loads(sys.stdin.readline())]
    print(json.dumps([client.cipher()[0] for client in clients]), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    _main()
