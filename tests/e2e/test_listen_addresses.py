# SPDX-License-Identifier: Apache-2.0
"""Where it listens, and why it cannot."""

import socket
import unittest

from support import web
from support.case import RefusalTest, lines_of, without_info
from support.exporter import AS_NOBODY, ConfigFile, Exporter, run


class ListenAddresses(RefusalTest):
    def test_a_taken_port_is_named_with_the_reason(self):
        with socket.create_server(("127.0.0.1", 8090)):
            done = run("--web.listen-address=127.0.0.1:8090")
        reason = r"cannot listen on 127\.0\.0\.1:8090: Address already in use"
        self.expect_one_error(done, rf"level=error .*{reason}\"?\Z")

    def test_a_taken_port_of_a_name_is_named_as_it_was_given(self):
        with socket.create_server(("127.0.0.1", 8089)):
            done = run("--web.listen-address=localhost:8089")
        self.expect_one_error(done, r"cannot listen on localhost:8089 \(127\.0\.0\.1\): Address")

    def test_one_taken_port_of_two_is_refused(self):
        with socket.create_server(("127.0.0.1", 8091)):
            done = run("--web.listen-address=127.0.0.1:0", "--web.listen-address=127.0.0.1:8091")
        self.expect_one_error(done, r"127\.0\.0\.1:8091.*[Aa]ddress already in use")

    def test_the_same_port_twice_is_refused(self):
        same = "--web.listen-address=127.0.0.1:8092"
        done = run(same, same)
        self.assertIn(done.returncode, (1, 2), done)
        self.assertRegex(lines_of(done)[-1], r"cannot listen on 127\.0\.0\.1:8092: ")

    def test_an_address_of_another_host_is_named_with_the_reason(self):
        done = run("--web.listen-address=192.0.2.1:8093")
        self.expect_one_error(done, r"192\.0\.2\.1:8093.*[Cc]annot assign requested address")

    def test_a_privileged_port_is_named_with_the_reason(self):
        done = run("--web.listen-address=127.0.0.1:80", prefix=AS_NOBODY)
        self.expect_one_error(done, r"127\.0\.0\.1:80.*[Pp]ermission denied")

    def test_ipv6_is_served_or_refused_clearly(self):
        exporter = Exporter(listen="[::1]:0")
        self.addCleanup(exporter.dispose)
        if exporter.has_started():
            self.assertEqual(web.request(exporter.port, host="::1").status, 200)
            self.assertEqual(exporter.terminate(), 0)
        else:
            self.assertEqual(exporter.wait(), 1)
            self.assertRegex(exporter.log.text_lines()[-1], r"\[::1\]:0.*IPv6")

    def test_the_default_serves_every_address(self):
        exporter = self.start_exporter(listen=":8094")
        self.assertEqual(exporter.port, 8094)
        self.assertEqual(exporter.request().status, 200)

    def test_port_0_is_told_as_the_port_it_became(self):
        exporter = self.start_exporter(listen="127.0.0.1:0")
        self.assertGreater(exporter.port, 0)
        self.assertEqual(exporter.request().status, 200)

    def expect_one_error(self, done, pattern):
        self.assertEqual(done.returncode, 1, done)
        complaints = without_info(done)
        self.assertEqual(len(complaints), 1, done)
        self.assertRegex(complaints[0], pattern)


class NamesInListenAddresses(RefusalTest):
    HOSTS = """
127.0.0.1 localhost both twice
127.0.0.1 twice
127.0.0.2 both
::1 both
192.0.2.1 foreign
"""

    def setUp(self):
        super().setUp()
        self.hosts = ConfigFile(self.HOSTS, name="hosts")
        self.addCleanup(self.hosts.remove)
        with_hosts = 'mount --bind "$0" /etc/hosts && exec "$@"'
        self.prefix = ["unshare", "--mount", "sh", "-c", with_hosts, self.hosts.path]

    def run_here(self, *arguments):
        return run(*arguments, prefix=self.prefix)

    def test_each_address_of_a_name_is_served(self):
        exporter = self.start_exporter(listen="both:8097", prefix=self.prefix)
        hosts = ["127.0.0.1", "127.0.0.2"]
        hosts += ["::1"] if exporter.log.matching(r"listening on http://\[::1\]:8097") else []
        for host in hosts:
            with self.subTest(host):
                self.assertEqual(web.request(8097, host=host).status, 200)

    def test_an_address_that_a_name_has_twice_is_served_once(self):
        exporter = self.start_exporter(listen="twice:8097", prefix=self.prefix)
        self.assertEqual(len(exporter.log.matching("listening on")), 1)

    def test_health_is_asked_by_name(self):
        self.start_exporter(listen="localhost:8098", prefix=self.prefix)
        done = self.run_here("--health", "--web.listen-address=localhost:8098")
        self.assertEqual((done.returncode, done.stdout), (0, b"healthy\n"), done)

    def test_a_check_asks_for_the_addresses_and_not_for_the_port(self):
        self.start_exporter(listen="localhost:8098", prefix=self.prefix)
        done = self.run_here("--config.check", "--web.listen-address=localhost:8098")
        self.assertEqual((done.returncode, done.stderr), (0, b""), done)

    # host -> what has to be said
    WRONG = {
        "nowhere": "nowhere:8099: the name nowhere has no address: ",
        "foreign": r"foreign:8099: the name foreign has the address 192\.0\.2\.1, which is not one of",
    }

    def test_a_name_that_cannot_be_listened_on_is_told_at_the_start(self):
        for host, words in self.WRONG.items():
            with self.subTest(host):
                done = self.run_here(f"--web.listen-address={host}:8099")
                self.expect_refusal(done, 1, words)

    def test_a_check_tells_where_such_a_name_was_given(self):
        for host, words in (*self.WRONG.items(), ("192.0.2.1", r"192\.0\.2\.1:8099: .*this host")):
            with self.subTest(host):
                file = ConfigFile(f'web: {{listen_addresses: [":1", "{host}:8099"]}}\n')
                self.addCleanup(file.remove)
                done = self.run_here("--config.check", b"--config.file=" + file.path)
                self.expect_refusal(done, 2, f"yml:1:32: {words}")
                done = self.run_here("--config.check", f"--web.listen-address={host}:8099")
                self.expect_refusal(done, 2, f"--web.listen-address: {words}")


if __name__ == "__main__":
    unittest.main()
