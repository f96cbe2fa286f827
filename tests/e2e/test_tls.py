# SPDX-License-Identifier: Apache-2.0
"""HTTPS, with and without certificates of clients."""

import shutil
import socket
import ssl
import threading
import unittest

from support import web
from support.certificates import Authority, bcrypt
from support.exporter import run
from support.polling import wait_until
from support.prometheus import SecuredPrometheus
from support.secured import SecuredTest

HTTP_VERSIONS = ("--http1.1", "--http2")


class Https(SecuredTest):
    def launch(self, more=""):
        return self.launch_secured(self.tls(*self.authority.issue("server"), more))

    def test_curl_verifies_the_server_and_scrapes(self):
        exporter = self.launch()
        for version in HTTP_VERSIONS:
            status, reply = self.ask(exporter, *self.trusting(version))
            self.assertEqual(status, 200, reply)
            self.assertIn("sockdiag_tcp_sockets", reply)
        status, reply = self.ask(exporter)
        self.assertEqual(status, 0)
        self.assertRegex(reply, "certificate")

    def test_versions_before_1_2_are_refused(self):
        exporter = self.launch()
        old = ["--ciphers", "DEFAULT@SECLEVEL=0"]
        for version, expected in (("1.0", 0), ("1.1", 0), ("1.2", 200)):
            limits = [f"--tlsv{version}", "--tls-max", version, *old]
            self.assertEqual(self.status(exporter, *self.trusting(*limits)), expected, version)
        self.assertEqual(self.status(exporter, *self.trusting("--tlsv1.3")), 200)

    def test_the_least_version_holds(self):
        exporter = self.launch(", min_version: TLS13")
        self.assertEqual(self.status(exporter, *self.trusting("--tls-max", "1.2")), 0)
        self.assertEqual(self.status(exporter, *self.trusting()), 200)

    def test_cipher_suites_and_curves_hold(self):
        more = ", max_version: TLS12, curve_preferences: [CurveP384]"
        more += ", cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]"
        exporter = self.launch(more)
        suite = "ECDHE-ECDSA-AES256-GCM-SHA384"
        for ciphers, curves, expected in (
            (suite, "P-384:P-256", 200),
            (suite, "P-256", 0),
            ("ECDHE-ECDSA-AES128-GCM-SHA256", "P-384:P-256", 0),
        ):
            arguments = self.trusting("--ciphers", ciphers, "--curves", curves)
            self.assertEqual(self.status(exporter, *arguments), expected, (ciphers, curves))

    def test_plain_http_on_the_port_gets_no_answer(self):
        exporter = self.launch()
        reply = web.exchange(exporter.port, web.get(b"/metrics"))
        self.assertNotIn(b"sockdiag", reply)
        self.assertEqual(self.status(exporter, *self.trusting()), 200)

    def test_half_handshakes_hold_up_no_scrape(self):
        exporter = self.launch()
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
        half = []
        for _ in range(60):
            half.append(web.connect(exporter.port))
            half[-1].sendall(hello)
            self.addCleanup(half[-1].close)
        self.assertEqual(self.status(exporter, *self.trusting("--max-time", "10")), 200)

    def test_pages_and_answers_that_civetweb_gives_itself(self):
        exporter = self.launch()
        for path, expected in (("/", 200), ("/-/healthy", 200), ("/none", 404)):
            self.assertEqual(self.status(exporter, *self.trusting(), path=path), expected)
        status, reply = self.ask(exporter, *self.trusting("--head"))
        self.assertEqual((status, reply.count("\r\n\r\n")), (200, 1))
        self.assertEqual(self.exchange(exporter, b"bad\r\n\r\n").split(b" ")[1], b"400")

    def test_no_bytes_of_another_client_are_answered(self):
        exporter = self.launch()
        # What a worker would find behind four bytes, if it looked beyond them.
        planted = b"\x01" * 4 + web.get(b"/-/healthy")
        for _ in range(64):
            self.assertIn(b" 400 ", self.exchange(exporter, planted))
        for _ in range(64):
            self.assertNotIn(b" 200 ", self.exchange(exporter, b"\r\n\r\n"))

    def test_health_of_a_tls_server_is_found(self):
        exporter = self.launch()
        flags = [f"--web.listen-address=127.0.0.1:{exporter.port}", "--health"]
        done = run(*flags, b"--web.config.file=" + self.web.path)
        self.assertEqual((done.returncode, done.stdout), (0, b"healthy\n"), done)
        done = run(*flags)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"it may expect TLS", done.stdout)

    def test_health_says_that_the_server_asks_for_a_certificate(self):
        ca = self.authority.certificate
        auth = f", client_auth_type: RequireAndVerifyClientCert, client_ca_file: {ca}"
        exporter = self.launch(auth)
        flags = [f"--web.listen-address=127.0.0.1:{exporter.port}", "--health"]
        for _ in range(20):  # the server may be gone before the request is sent
            done = run(*flags, b"--web.config.file=" + self.web.path)
            self.assertEqual(done.returncode, 1, done)
            self.assertRegex(done.stdout, b"127.0.0.1:[0-9]+: ")

    def test_large_pages_arrive_whole(self):
        exporter = self.launch_secured(
            self.tls(*self.authority.issue("server")),
            config="sampling: {interval: 1h}\nports: {max_ports: 3000, inbound: [2000-4999]}\n",
        )
        self.wait_for_status(exporter, 200, *self.trusting(), path="/-/ready")
        status, reply = self.ask(exporter, *self.trusting())
        self.assertEqual(status, 200)
        self.assertIn('port="4999"', reply)
        self.assertGreater(len(reply), 1_000_000)


class Replacement(SecuredTest):
    def test_a_certificate_is_replaced_without_losing_a_scrape(self):
        first, second = self.authority, Authority("another")
        self.addCleanup(second.remove)
        exporter = self.launch_secured(self.tls(*first.issue("server")))
        insecure = ["--insecure"]
        lost, stop = [], threading.Event()

        def scrape():
            while not stop.is_set():
                status, reply = self.ask(exporter, *insecure)
                if status != 200:
                    lost.append(reply)

        scraper = threading.Thread(target=scrape)
        scraper.start()
        try:
            for path in second.issue("server"):
                shutil.copy(path, first.path / path.name)
            wait_until(
                lambda: self.status(exporter, "--cacert", second.certificate) == 200,
                "the new certificate",
            )
        finally:
            stop.set()
            scraper.join()
        self.assertEqual(lost, [])
        self.assertEqual(self.status(exporter, *self.trusting()), 0)

    def test_a_bad_certificate_leaves_the_old_one_in_force_and_shows(self):
        certificate, key = self.authority.issue("server")
        exporter = self.launch_secured(self.tls(certificate, key))
        good = certificate.read_bytes()
        certificate.write_bytes(b"nothing\n")
        exporter.log.wait_for(r"level=error .*web\.yml:1:\d+: cert_file .*no certificate in it")
        _, reply = self.ask(exporter, *self.trusting())
        self.assertIn("sockdiag_exporter_config_last_reload_successful 0", reply)
        self.assertEqual(len(exporter.log.matching("level=error")), 1)
        certificate.write_bytes(good)
        exporter.log.wait_for("web configuration reloaded")
        _, reply = self.ask(exporter, *self.trusting())
        self.assertIn("sockdiag_exporter_config_last_reload_successful 1", reply)

    def test_tls_cannot_be_removed_while_it_runs(self):
        exporter = self.launch_secured(self.tls(*self.authority.issue("server")))
        self.web.write("")
        exporter.log.wait_for("level=error .*removing TLS needs a restart")
        self.assertEqual(self.status(exporter, *self.trusting()), 200)


class ByPrometheus(SecuredTest):
    """Scraped by a real Prometheus, with a certificate and a login."""

    def start(self, exporter, *lines):
        prometheus = SecuredPrometheus(exporter.port, "scheme: https", *lines)
        self.addCleanup(prometheus.stop)
        return prometheus.wait_until_ready()

    def test_it_needs_the_right_certificate_and_the_right_password(self):
        more = ", client_auth_type: RequireAndVerifyClientCert"
        more += f", client_ca_file: {self.authority.certificate}"
        pair = self.authority.issue("server")
        users = f"basic_auth_users: {{prometheus: '{bcrypt('fire')}'}}\n"
        exporter = self.launch_secured(self.tls(*pair, more) + users)
        certificate, key = self.authority.client("prometheus")
        tls = f"tls_config: {{ca_file: {self.authority.certificate}"
        pair = f", cert_file: {certificate}, key_file: {key}"
        login = "basic_auth: {username: prometheus, password: %s}"
        for lines, up, error in (
            ((f"{tls}{pair}}}", login % "fire"), 1, "^$"),
            ((f"{tls}{pair}}}", login % "water"), 0, "401"),
            ((f"{tls}}}", login % "fire"), 0, "certificate|EOF|reset|broken pipe"),
            ((login % "fire",), 0, "x509"),
        ):
            prometheus = self.start(exporter, *lines)
            prometheus.wait_for("up", up)
            self.assertRegex(prometheus.target()["lastError"], error)
            prometheus.stop()


class ClientCertificates(SecuredTest):
    def launch(self, auth, more="", ca=True):
        more = f", client_auth_type: {auth}{more}"
        if ca:
            more += f", client_ca_file: {self.authority.certificate}"
        return self.launch_secured(self.tls(*self.authority.issue("server"), more))

    def with_certificate(self, pair):
        return self.trusting("--cert", pair[0], "--key", pair[1])

    def test_which_certificates_each_policy_takes(self):
        stranger = Authority("stranger")
        self.addCleanup(stranger.remove)
        clients = {
            "none": self.trusting(),
            "good": self.with_certificate(self.authority.client("good")),
            "expired": self.with_certificate(self.authority.client("expired", days=-1)),
            "of a server": self.with_certificate(self.authority.issue("other")),
            "of a stranger": self.with_certificate(stranger.client("good")),
        }
        everyone = set(clients)
        for auth, ca, accepted in (
            ("NoClientCert", False, everyone),
            ("RequestClientCert", False, everyone),
            ("RequireAnyClientCert", False, everyone - {"none"}),
            ("VerifyClientCertIfGiven", True, {"none", "good"}),
            ("RequireAndVerifyClientCert", True, {"good"}),
        ):
            exporter = self.launch(auth, ca=ca)
            took = {name for name, client in clients.items() if self.status(exporter, *client) == 200}
            self.assertEqual(took, accepted, auth)
            self.assertEqual(exporter.terminate(), 0)

    def test_only_allowed_names_pass(self):
        more = ", client_allowed_sans: [prometheus.example]"
        exporter = self.launch("RequireAndVerifyClientCert", more)
        for name, expected in (("prometheus.example", 200), ("other.example", 0)):
            client = self.with_certificate(self.authority.client(name))
            self.assertEqual(self.status(exporter, *client), expected, name)

    def test_a_new_authority_holds_for_new_connections_and_ends_resumption(self):
        exporter = self.launch("RequireAndVerifyClientCert")
        another = Authority("another")
        self.addCleanup(another.remove)
        old = self.with_certificate(self.authority.client("prometheus"))
        new = self.with_certificate(another.client("prometheus"))
        self.assertEqual([self.status(exporter, *old), self.status(exporter, *new)], [200, 0])
        session = self.session_of(exporter)
        trusted = self.authority.certificate.read_bytes()
        self.authority.path.joinpath("root.crt").write_bytes(trusted)
        shutil.copy(another.certificate, self.authority.certificate)
        root = ["--cacert", self.authority.path / "root.crt"]
        self.wait_for_status(exporter, 200, *new, *root)
        self.assertEqual(self.status(exporter, *old, *root), 0)
        self.assertIsNone(session)

    def session_of(self, exporter):
        """What a client could resume, after it has read an answer."""
        context = ssl.create_default_context(cafile=self.authority.certificate)
        context.load_cert_chain(self.authority.path / "prometheus.crt", self.authority.path / "prometheus.key")
        with socket.create_connection(("127.0.0.1", exporter.port)) as bare:
            with context.wrap_socket(bare, server_hostname="127.0.0.1") as connection:
                connection.sendall(web.get(b"/-/healthy"))
                web.read_to_end(connection)
                return connection.session if connection.session.has_ticket else None


if __name__ == "__main__":
    unittest.main()
