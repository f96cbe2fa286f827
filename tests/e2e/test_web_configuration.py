# SPDX-License-Identifier: Apache-2.0
"""Users, passwords and headers, and what the web configuration file accepts."""

import base64
import os
import re
import subprocess
import threading
import time
import unittest

from support import web
from support.case import RefusalTest
from support.certificates import bcrypt
from support.exporter import FAST, ConfigFile, run
from support.polling import wait_until
from support.secured import SecuredTest

USERS = "basic_auth_users: {alice: '%s'}\n"


def basic(user, password):
    return [("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())]


ALICE = basic("alice", "wonderland")


class Logins(SecuredTest):
    def launch(self, *flags, cost=4, more="", config=FAST):
        return self.launch_secured(USERS % bcrypt("wonderland", cost) + more, *flags, config=config)

    def test_every_path_needs_a_login(self):
        exporter = self.launch("--web.enable-lifecycle")
        for method, path in (
            *(("GET", path) for path in ("/", "/metrics", "/api/v1/samples", "/page.css", "/none")),
            *(("GET", path) for path in ("/-/healthy", "/-/ready", "//-/healthy", "/-/healthy?")),
            *(("POST", "/-/reload"), ("HEAD", "/metrics"), ("OPTIONS", "*"), ("PUT", "/metrics")),
        ):
            answer = exporter.request(path, method)
            self.assertEqual(answer.status, 401, (method, path))
            self.assertRegex(answer.header("WWW-Authenticate"), '^Basic realm="')
            self.assertNotIn(b"sockdiag_", answer.body)
            self.assertNotEqual(exporter.request(path, method, ALICE).status, 401, (method, path))

    def test_only_the_right_login_passes(self):
        exporter = self.launch()
        good = ALICE[0][1]
        for value, expected in (
            (good, 200),
            (good.replace("Basic", "bAsIc"), 200),
            (basic("alice", "Wonderland")[0][1], 401),
            (basic("alice", "")[0][1], 401),
            (basic("alice", "wonderland\0")[0][1], 401),
            (basic("Alice", "wonderland")[0][1], 401),
            (basic("", "wonderland")[0][1], 401),
            (basic("bob", "wonderland")[0][1], 401),
            (basic("alice", "w" * 5000)[0][1], 401),
            (good.rstrip("="), 401 if good.endswith("=") else 200),
            (good + "!", 401),
            (good.replace("Basic", "Bearer"), 401),
            ("Basic", 401),
            ("", 401),
        ):
            answer = exporter.request("/-/healthy", headers=[("Authorization", value)])
            self.assertEqual(answer.status, expected, value)
        self.assertEqual(exporter.request("/-/healthy", headers=ALICE + ALICE).status, 401)

    def test_each_kind_of_bcrypt_hash(self):
        digest = bcrypt("wonderland")
        for prefix in ("$2a$", "$2b$", "$2y$"):
            exporter = self.launch_secured(USERS % (prefix + digest[4:]))
            self.assertEqual(exporter.request(headers=ALICE).status, 200, prefix)
            self.assertEqual(exporter.terminate(), 0)

    def test_health_without_a_login_if_configured(self):
        exporter = self.launch(config=FAST + "web: {health_without_login: true}\n")
        self.assertEqual(exporter.request("/-/healthy").status, 200)
        for path in ("/", "/-/ready", "/metrics", "/-/healthy/", "/%2D/healthy"):
            self.assertEqual(exporter.request(path).status, 401, path)

    def test_health_asks_for_what_it_needs(self):
        exporter = self.launch()
        flags = [f"--web.listen-address=127.0.0.1:{exporter.port}", "--health"]
        done = run(*flags, b"--web.config.file=" + self.web.path)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"web.health_without_login", done.stdout)
        url = f"http://127.0.0.1:{exporter.port}"
        done = run("diagnose", "--url", url)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"asks for a login", done.stderr)
        done = run("diagnose", "--url", url.replace("http:", "https:"))
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"https is not supported", done.stderr)

    def test_a_new_password_holds_from_the_next_request_on(self):
        exporter = self.launch()
        self.assertEqual(exporter.request(headers=ALICE).status, 200)
        self.web.write(USERS % bcrypt("mirror"))
        wait_until(
            lambda: exporter.request(headers=basic("alice", "mirror")).status == 200, "a login"
        )
        self.assertEqual(exporter.request(headers=ALICE).status, 401)
        self.web.write("basic_auth_user: {}\n")
        exporter.log.wait_for(r"level=error .*web\.yml:1:1: .*did you mean .*basic_auth_users")
        self.assertEqual(exporter.request(headers=basic("alice", "mirror")).status, 200)
        self.assertEqual(exporter.request().status, 401)

    def test_a_reload_reads_it_as_well(self):
        exporter = self.launch()
        self.web.write("nonsense: 1\n")
        self.assertRegex(exporter.reload(), r"level=error .*web\.yml:1:1: ")
        self.assertEqual(exporter.request(headers=ALICE).status, 200)
        self.web.write(USERS % bcrypt("mirror"))
        self.assertIn("level=info", exporter.reload())
        self.assertEqual(exporter.request(headers=ALICE).status, 401)


class Headers(SecuredTest):
    def test_every_answer_has_them(self):
        exporter = self.launch_secured(
            "http_server_config:\n"
            "  http2: false\n"
            "  headers:\n"
            "    X-Frame-Options: deny\n"
            "    X-Content-Type-Options: nosniff\n"
            "    Strict-Transport-Security: max-age=31536000\n"
            + (USERS % bcrypt("wonderland"))
        )
        for path, headers in (("/metrics", ALICE), ("/none", ALICE), ("/metrics", ()), ("/", ALICE)):
            answer = exporter.request(path, headers=headers)
            self.assertEqual(answer.header("X-Frame-Options"), "deny", path)
            self.assertEqual(answer.header("X-Content-Type-Options"), "nosniff", path)
            self.assertEqual(answer.header("Strict-Transport-Security"), "max-age=31536000", path)
        reply = web.exchange(exporter.port, b"nonsense\r\n\r\n")
        self.assertIn(b"X-Frame-Options: deny\r\n", reply)


def writable_memory(pid):
    """The places of it, as (start, end). Without what a sanitizer reserves for its shadow."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        for line in maps:
            start, end, access = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line).groups()
            place = int(start, 16), int(end, 16)
            if "w" in access and place[1] - place[0] < 1 << 30:
                yield place


def in_memory(pid, words):
    """Those of the words that the writable memory of a process holds."""
    piece, overlap = 1 << 20, 256
    found = set()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end in writable_memory(pid):
            for begin in range(start, end, piece):
                try:
                    memory.seek(begin)
                    chunk = memory.read(min(piece + overlap, end - begin))
                except OSError:
                    continue  # nothing is there
                found |= {word for word in words if word in chunk}
    return found


class Memory(SecuredTest):
    SECRETS = {"right": "wonderland-4711-secret", "wrong": "looking-glass-4711-guess"}

    def words(self):
        for password in self.SECRETS.values():
            yield password.encode()
            code = base64.b64encode(f"alice:{password}".encode())
            yield code[8:-4]  # what no other user name changes

    def expect_forgotten(self, exporter, seen_before):
        self.assertEqual(in_memory(exporter.process.pid, {seen_before}), {seen_before})
        self.assertEqual(in_memory(exporter.process.pid, set(self.words())), set())

    def ask_all(self, exporter, *arguments):
        for name, expected in (("right", 200), ("wrong", 401)):
            login = f"alice:{self.SECRETS[name]}"
            for _ in range(8):
                self.assertEqual(self.status(exporter, *arguments, "--user", login), expected)

    def test_no_password_stays_over_http(self):
        exporter = self.launch_secured(USERS % bcrypt(self.SECRETS["right"]))
        self.ask_all(exporter)
        code = base64.b64encode(f"alice:{self.SECRETS['right']}".encode())
        keep = web.connect(exporter.port)  # open: the worker has not yet dropped the request
        self.addCleanup(keep.close)
        keep.sendall(web.get(b"/-/healthy", b"Host: h", b"Authorization: Basic " + code))
        self.assertIn(b"200", keep.recv(65536))
        self.expect_forgotten(exporter, b"sockdiag_tcp_sockets")

    def test_no_password_stays_over_https(self):
        pair = self.authority.issue("server")
        exporter = self.launch_secured(self.tls(*pair) + USERS % bcrypt(self.SECRETS["right"]))
        self.ask_all(exporter, *self.trusting())
        code = base64.b64encode(f"alice:{self.SECRETS['right']}".encode())
        refused = web.get(b"no path", b"Authorization: Basic " + code)
        self.assertIn(b" 400 ", self.exchange(exporter, refused))
        self.expect_forgotten(exporter, b"sockdiag_tcp_sockets")


class Guessing(SecuredTest):
    COST = 10
    GUESSES = 8  # whose CPU time is measured

    def launch(self):
        """Its CPU time is that of guesses: it takes no samples. A client may have enough connections
        for all guessers and a scraper, those that have just ended as well."""
        alice, bob = bcrypt("wonderland", self.COST), bcrypt("builder", self.COST)
        return self.launch_secured(
            f"basic_auth_users: {{alice: '{alice}', bob: '{bob}'}}\n",
            config="sampling: {interval: 1h}\nlisteners: {interval: 1m}\n"
            "web: {max_connections_per_client: 150}\n",
        )

    def guess(self, exporter, stop, statuses):
        number = 0
        while not stop.is_set():
            number += 1
            login = basic("alice", f"{threading.get_ident()}-{number}")
            statuses.append(exporter.request(headers=login).status)

    def test_a_scraper_is_served_beside_fifty_guessers(self):
        """Who has logged in before waits for no guess, or it would be refused as they are. A load
        of the host makes guesses rarer, never more frequent."""
        exporter = self.launch()
        self.assertEqual(exporter.request(headers=ALICE).status, 200)
        one_hash = self.cpu_seconds_of_guesses(exporter, "alice") / self.GUESSES
        stop, statuses, began = threading.Event(), [], time.monotonic()
        guessers = [
            threading.Thread(target=self.guess, args=(exporter, stop, statuses)) for _ in range(50)
        ]
        for each in guessers:
            each.start()
        try:
            wait_until(lambda: 429 in statuses and 401 in statuses, "guesses")
            for _ in range(5):
                self.assertEqual(exporter.request(headers=ALICE).status, 200)
            first = self.login_of_bob(exporter, "127.0.0.2")
        finally:
            stop.set()
            for each in guessers:
                each.join()
        self.assertEqual(set(statuses), {401, 429})
        hashing = statuses.count(401) * one_hash
        self.assertLess(hashing, (time.monotonic() - began) / 2)
        self.assertEqual(first, "200")

    def login_of_bob(self, exporter, address):
        """The status of a first login, whose password has to be hashed, from another address."""
        done = subprocess.run(
            ["curl", "--silent", "--interface", address, "--user", "bob:builder"]
            + ["--write-out", "%{http_code}", "--output", "/dev/null"]
            + [f"http://127.0.0.1:{exporter.port}/-/healthy"],
            capture_output=True,
            check=False,
        )
        return done.stdout.decode()

    def test_an_unknown_user_costs_as_much_as_a_wrong_password(self):
        exporter = self.launch()
        ratio = self.cpu_seconds_of_guesses(exporter, "nobody") / self.cpu_seconds_of_guesses(
            exporter, "alice"
        )
        self.assertGreater(ratio, 0.5)
        self.assertLess(ratio, 2)

    def cpu_seconds_of_guesses(self, exporter, user):
        before = self.cpu_seconds(exporter)
        for number in range(self.GUESSES):
            answer = exporter.request("/-/healthy", headers=basic(user, f"guess {number}"))
            self.assertEqual(answer.status, 401)
        return self.cpu_seconds(exporter) - before

    def cpu_seconds(self, exporter):
        with open(f"/proc/{exporter.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


HASH = "$2y$04$Ev0e1pxU/5c4Mg6OvyswZOcYOIxT4xtlQ7xTCR0KgKE4wWunKUjQ2"

# Text, what we say of it (None: good), and whether promtool of Debian 12 agrees. Where it does not,
# it accepts what would have no effect, or what it does not know yet.
FILES = (
    ("", None, True),
    ("tls_server_config:\n", None, True),
    ("tls_server_config: {cert_file: server.crt, key_file: server.key}\n", None, True),
    (f"basic_auth_users: {{a: '{HASH}'}}\n", None, True),
    (f"basic_auth_users: {{a: '{HASH}', b: '{HASH}'}}\n", None, True),
    ("http_server_config: {http2: false}\n", None, True),
    ("http_server_config: {headers: {X-Frame-Options: sameorigin}}\n", None, True),
    ("http_server_config: {headers: {Content-Security-Policy: \"default-src 'self'\"}}\n", None, True),
    (
        "tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt,"
        " client_auth_type: RequireAndVerifyClientCert, min_version: TLS12, max_version: TLS13,"
        " cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_AES_128_GCM_SHA256],"
        " prefer_server_cipher_suites: false, curve_preferences: [X25519, CurveP256]}\n",
        None,
        True,
    ),
    ("nonsense: 1\n", r":1:1: unknown key", True),
    ("tls_server_config: {cert: 1, cert_fil: x}\n", r":1:30: unknown key .*cert_file", True),
    ("tls_server_config: {cert_file: none.crt, key_file: server.key}\n", r":1:32: .*No such", True),
    ("tls_server_config: {cert_file: server.crt}\n", r":1:20: .*key and key_file, got neither", True),
    ("tls_server_config: {key_file: server.key}\n", r":1:20: .*cert and cert_file", True),
    ("tls_server_config: {cert_file: server.key, key_file: server.key}\n", r":1:32: cert_file", True),
    ("tls_server_config: {cert_file: server.crt, key_file: server.crt}\n", r":1:54: key_file", True),
    ("tls_server_config: {cert_file: server.crt, key_file: other.key}\n", r":1:54: .*not that", True),
    (
        "tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt}\n",
        r":1:82: client_ca_file: expected a client_auth_type",
        True,
    ),
    (
        "tls_server_config: {cert_file: server.crt, key_file: server.key, client_auth_type: Yes}\n",
        r":1:84: client_auth_type: expected one of NoClientCert",
        True,
    ),
    (
        "tls_server_config: {cert_file: server.crt, key_file: server.key, min_version: TLS9}\n",
        r":1:79: min_version: expected one of TLS12, TLS13, got",
        True,
    ),
    (
        "tls_server_config: {cert_file: server.crt, key_file: server.key, cipher_suites: [RC4]}\n",
        r":1:82: cipher_suites: expected one of TLS_AES",
        True,
    ),
    ("basic_auth_users: {a: secret}\n", r":1:23: .*expected a bcrypt hash", True),
    ("basic_auth_users: [a]\n", r":1:19: .*expected a mapping", True),
    ("http_server_config: {headers: {Server: x}}\n", r":1:32: unknown key", True),
    ("http_server_config: {headers: {X-Frame-Options: maybe}}\n", r":1:49: .*deny or sameorigin", True),
    ("rate_limit: {interval: 1s, burst: 20}\n", r":1:13: rate_limit is not supported", True),
    ("a: [\n", r":1:4: not YAML", True),
    ("http_server_config: {http2: true}\n", r":1:29: http2: expected false", False),
    ("tls_server_config: {min_version: TLS13}\n", r":1:20: .*got neither", False),
    (
        "tls_server_config: {cert_file: server.crt, key_file: server.key, min_version: TLS10}\n",
        r":1:79: min_version: expected one of TLS12, TLS13",
        False,
    ),
    (
        "tls_server_config: {cert_file: server.crt, key_file: server.key,"
        " client_auth_type: RequireAndVerifyClientCert}\n",
        r":1:84: .*client_ca_file beside it",
        False,
    ),
    (f"basic_auth_users: {{a: '{HASH.replace('$04$', '$15$')}'}}\n", r":1:23: .*cost of 15", False),
)


class Files(SecuredTest, RefusalTest):
    def setUp(self):
        super().setUp()
        self.file = ConfigFile("", "web.yml")
        self.addCleanup(self.file.remove)
        directory = os.path.dirname(os.fsdecode(self.file.path))
        for name, source in (
            ("server.crt", self.authority.issue("server")[0]),
            ("server.key", self.authority.path / "server.key"),
            ("other.key", self.authority.issue("other")[1]),
            ("ca.crt", self.authority.certificate),
        ):
            os.symlink(source, os.path.join(directory, name))

    def check(self):
        return run("--config.check", b"--web.config.file=" + self.file.path)

    def promtool_accepts(self):
        done = subprocess.run(
            ["promtool", "check", "web-config", self.file.path], capture_output=True, check=False
        )
        return done.returncode == 0

    def test_promtool_agrees(self):
        for text, problem, agrees in FILES:
            with self.subTest(text):
                self.file.write(text)
                done = self.check()
                if problem is None:
                    self.assertEqual((done.returncode, done.stdout), (0, b"ok\n"), done)
                else:
                    self.expect_refusal(done, 2, r"web\.yml" + problem)
                self.assertEqual(self.promtool_accepts() == (problem is None), agrees)

    def test_a_bad_file_stops_the_start(self):
        self.file.write("basic_auth_users: {a: b}\n")
        done = run("--web.listen-address=127.0.0.1:0", b"--web.config.file=" + self.file.path)
        self.expect_refusal(done, 2, r"web\.yml:1:23: ")
        done = run("--web.listen-address=127.0.0.1:0", "--web.config.file=/none")
        self.expect_refusal(done, 2, "/none: cannot be read: No such file")


if __name__ == "__main__":
    unittest.main()
