# SPDX-License-Identifier: Apache-2.0
"""The servers of real life with the clients of real life: where all is well nothing is found of
them, where it is not their operators are told."""

import unittest

from support.connection_states import connect, start_connecting
from support.findings import WINDOW_SECONDS, FindingsTest, Found, findings_in, inbound
from support.http_servers import Wrk, ab, apache, curl, curl_many, haproxy, nginx
from support.parallel import side_by_side
from support.peer import HERE, THERE

PORT, UPSTREAM, DEAD = 8080, 3000, 3001
URL = f"http://{HERE}:{PORT}/"
HELLO = 'location / { return 200 "hello"; }'
PASSIVE_OPENS = "sockdiag_tcp_passive_opens_total"
LINGERING = "sockdiag_tcp_lingering_sockets"

# What its operators have: defaults, but for the interval.
DEFAULTS = "sampling: {interval: 1s, cpu_budget: 1}\nweb: {request_timeout: 1m}\n"


def serving(address, port):
    return f"server {{ listen {address}:{port}; {HELLO} }}"


def passing_on(upstreams, keep_alive):
    """As the documentation of nginx has it, with upstream keep-alive and without."""
    servers = " ".join(f"server {each};" for each in upstreams)
    if not keep_alive:
        rest = ""
        kept = ""
    else:
        kept = "keepalive 16;"
        rest = 'proxy_http_version 1.1; proxy_set_header Connection "";'
    return f"""
      upstream behind {{ {servers} {kept} }}
      server {{ listen {HERE}:{PORT}; location / {{ proxy_pass http://behind; {rest} }} }}
    """


class ServersTest(FindingsTest):
    SETTINGS = DEFAULTS

    def start(self, server, url=URL):
        self.addCleanup(server.stop)
        return server.wait_until_it_answers(url)

    def start_there(self, make, url):
        with self.peer.entered():
            return self.start(make(), url)

    def wrk(self, **options):
        with self.peer.entered():
            client = Wrk(URL, **options)
        self.addCleanup(client.stop)

    def ab(self):
        return self.repeat(lambda: ab(URL, 300), 1, there=True)

    def wait_for_opens(self, count):
        """That so many clients have come since the exporter started to look."""
        first = self.eyes.scrape().value(PASSIVE_OPENS)
        self.wait_for(lambda scrape: scrape.value(PASSIVE_OPENS) >= first + count, "clients")

    def expect_information_at_most(self, *names):
        """For longer than the rules look back."""
        self.expect_to_stay(besides=names, seconds=2 * WINDOW_SECONDS)


class Nginx(ServersTest):
    def test_keep_alive_is_nothing(self):
        self.start(nginx(serving(HERE, PORT)))
        self.watch()
        self.wrk()
        self.expect_information_at_most()

    def test_a_connection_per_request_is_for_information(self):
        self.start(nginx(serving(HERE, PORT)))
        self.watch()
        self.ab()
        self.expect(inbound("tw_server", "info", PORT))
        self.expect_information_at_most("tw_server")

    def test_a_proxy_that_keeps_its_connections_is_nothing(self):
        self.start_there(lambda: nginx(serving(THERE, UPSTREAM)), f"http://{THERE}:{UPSTREAM}/")
        self.start(nginx(passing_on([f"{THERE}:{UPSTREAM}"], keep_alive=True)))
        self.watch()
        self.wrk()
        self.expect_information_at_most()

    def test_a_proxy_that_keeps_none_is_for_information_at_most(self):
        """Its upstream closes first, as it is asked to. Where the proxy is faster now and then, and
        that often, it is told of a connection per request."""
        self.start_there(lambda: nginx(serving(THERE, UPSTREAM)), f"http://{THERE}:{UPSTREAM}/")
        self.start(nginx(passing_on([f"{THERE}:{UPSTREAM}"], keep_alive=False)))
        self.watch()
        self.wrk()
        self.expect_information_at_most("tw_client")

    def start_on_one_host(self):
        self.start(nginx(serving("127.0.0.1", UPSTREAM)), f"http://127.0.0.1:{UPSTREAM}/")
        self.start(nginx(passing_on([f"127.0.0.1:{UPSTREAM}"], keep_alive=False)))
        self.watch()

    def test_an_upstream_whose_proxy_keeps_none_is_for_information(self):
        self.start_on_one_host()
        self.repeat(lambda: curl_many(URL, 200), 1, there=True)
        self.expect(inbound("tw_server", "info", UPSTREAM), besides=["tw_client"])
        self.expect_information_at_most("tw_server", "tw_client")

    def test_both_are_for_information_if_no_client_keeps_its_connection(self):
        """Each port has half of the host's connections, which the kernel counts together."""
        self.start_on_one_host()
        self.ab()
        self.expect_information_at_most("tw_server", "tw_client")
        found = findings_in(self.eyes.scrape())
        self.assertEqual(found, {inbound("tw_server", "info", port) for port in (PORT, UPSTREAM)})

    def test_a_backend_that_no_longer_accepts(self):
        """It has hung: its queue is full, and the proxy waits for it."""
        self.service_here(UPSTREAM, backlog=16)
        server = nginx(passing_on([f"{HERE}:{UPSTREAM}"], keep_alive=True))
        self.addCleanup(server.stop)
        self.watch()
        self.wrk(connections=50)
        self.expect(
            inbound("acceptq_full", "critical", UPSTREAM),
            Found("syn_sent_unanswered", "warning", "outbound", str(UPSTREAM)),
        )

    def test_a_backend_that_is_down(self):
        server = nginx(passing_on([f"{THERE}:{DEAD}"], keep_alive=True))
        self.addCleanup(server.stop)
        self.watch()
        self.repeat(lambda: curl(URL), 0.05, there=True)
        self.expect(Found("connect_refused", "warning"))


class StuckWorkers(ServersTest):
    """Such as wait for a backend or a lock. Their clients give up in the end."""

    def setUp(self):
        super().setUp()
        self.server = self.start(nginx(serving(HERE, PORT)))
        self.watch(DEFAULTS + "lifetimes: {close_wait: 1s}\n")
        self.server.stop_workers()
        self.addCleanup(self.server.continue_workers)

    def call_and_give_up(self, clients):
        with self.peer.entered():
            made = [connect(HERE, PORT) for _ in range(clients)]
        for each in made:
            each.sendall(b"GET / HTTP/1.0\r\n\r\n")
            each.close()

    def test_clients_that_give_up_are_found_until_the_workers_go_on(self):
        self.call_and_give_up(30)
        self.expect(inbound("cw_in_not_accepted", "warning", PORT))
        self.server.continue_workers()
        self.expect()

    def test_clients_that_wait_are_too_many_for_the_queue_in_the_end(self):
        with self.peer.entered():
            clients = [start_connecting(HERE, PORT) for _ in range(600)]
        for each in clients:
            self.addCleanup(each.close)
        self.expect(inbound("acceptq_full", "critical", PORT))
        self.server.continue_workers()
        self.expect()


class Apache(ServersTest):
    def setUp(self):
        super().setUp()
        self.start(apache(HERE, PORT))
        self.watch()

    def test_keep_alive_is_for_information_at_most(self):
        """It ends each connection after a hundred requests."""
        self.wrk()
        self.wait_for_opens(20)
        self.expect_information_at_most("tw_server")

    def test_a_connection_per_request_is_for_information(self):
        self.ab()
        self.expect(inbound("tw_server", "info", PORT))
        self.expect_information_at_most("tw_server")

    def test_clients_that_hang_up_are_nothing(self):
        self.repeat(lambda: curl(URL), 0.1, there=True)
        self.wait_for_opens(20)
        self.expect_information_at_most()

    def test_clients_that_say_nothing_are_not_a_fault_of_the_path(self):
        """As browsers do that connect in advance: with TCP_DEFER_ACCEPT such a client is in
        SYN_RECV, though it has answered."""
        with self.peer.entered():
            clients = [start_connecting(HERE, PORT) for _ in range(70)]
        for each in clients:
            self.addCleanup(each.close)
        labels = {"direction": "inbound", "port": str(PORT), "state": "syn_recv"}
        self.wait_for(lambda scrape: (scrape.get(LINGERING, **labels) or 0) >= 60, "SYN_RECVs")
        self.expect_information_at_most()


class HaProxy(ServersTest):
    def start_haproxy(self, check=""):
        """One of its two backends is dead."""
        self.start_there(lambda: nginx(serving(THERE, UPSTREAM)), f"http://{THERE}:{UPSTREAM}/")
        return self.start(
            haproxy(
                f"frontend front\n  bind {HERE}:{PORT}\n  default_backend behind\n"
                "backend behind\n"
                f"  server alive {THERE}:{UPSTREAM} {check}\n  server dead {THERE}:{DEAD} {check}\n"
            )
        )

    def test_a_dead_backend_that_is_known_to_be_dead_is_nothing(self):
        """One refused health check every two seconds."""
        self.start_haproxy("check").wait_until_it_says("Server behind/dead is DOWN")
        self.watch()
        self.wrk()
        self.expect_information_at_most()

    def test_a_dead_backend_that_nobody_checks(self):
        self.start_haproxy()
        self.watch()
        self.repeat(lambda: curl(URL), 0.05, there=True)
        self.expect(Found("connect_refused", "warning"))


load_tests = side_by_side

if __name__ == "__main__":
    unittest.main()
