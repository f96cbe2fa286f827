# SPDX-License-Identifier: Apache-2.0
"""The documents of the API as clients get them: against their schemas, in both languages, cached."""

import contextlib
import json
import pathlib
import threading

import jsonschema
from support.case import EndToEndTest
from support.exporter import FAST
from support.polling import DEADLINE_SECONDS

API = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "api"
DOCUMENTS = ("findings", "samples", "states")


def schema_of(document):
    return json.loads((API / f"{document}.schema.json").read_text(encoding="utf-8"))


def strict(schema):
    """The schema without room for what it does not name: clients are open to additions, and each
    addition of ours has its place in the schemas."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    if isinstance(made.get("properties"), dict):
        made.setdefault("additionalProperties", False)
    if isinstance(made.get("examples"), list):
        made["enum"] = made["examples"]
    return made


@contextlib.contextmanager
def clients_that_reload(exporter, count):
    """That many clients, each of which asks for the page again and again. Yields the list of what
    they got, which all of them have once it is yielded."""
    statuses, done, served = [], threading.Event(), threading.Barrier(count + 1)

    def reload():
        statuses.append(exporter.request("/").status)
        served.wait(DEADLINE_SECONDS)
        while not done.is_set():
            statuses.append(exporter.request("/").status)

    clients = [threading.Thread(target=reload) for _ in range(count)]
    for client in clients:
        client.start()
    try:
        served.wait(DEADLINE_SECONDS)
        yield statuses
    finally:
        done.set()
        for client in clients:
            client.join()


class Documents(EndToEndTest):
    def get(self, exporter, document, query="", headers=()):
        answer = exporter.request(f"/api/v1/{document}{query}", headers=headers)
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.header("Content-Type"), "application/json")
        return json.loads(answer.body)

    def validate(self, exporter, document, query=""):
        content = self.get(exporter, document, query)
        jsonschema.Draft202012Validator(strict(schema_of(document))).validate(content)
        return content

    def test_schemas_are_schemas_that_refuse_what_is_missing_and_allow_what_is_new(self):
        exporter = self.start_exporter()
        for document in DOCUMENTS:
            with self.subTest(document):
                schema = schema_of(document)
                jsonschema.Draft202012Validator.check_schema(schema)
                validator = jsonschema.Draft202012Validator(schema)
                content = self.get(exporter, document)
                self.assertTrue(validator.is_valid(content))
                closed = jsonschema.Draft202012Validator(strict(schema))
                self.assertTrue(closed.is_valid(content))
                self.assertTrue(validator.is_valid({**content, "new": 1}))
                self.assertFalse(closed.is_valid({**content, "new": 1}))
                for member in content:
                    without = {key: value for key, value in content.items() if key != member}
                    self.assertFalse(validator.is_valid(without), member)

    def test_documents_fit_their_schemas_with_sockets_in_every_state(self):
        service = self.start_service(8080)
        for state in ("established", "not_closed", "fin_wait1", "last_ack", "time_wait"):
            getattr(service, state)()
        service.connect_without_accept(3)
        exporter = self.start_exporter()
        exporter.fresh_scrape()
        for document in DOCUMENTS:
            for query in ("", "?lang=zh-CN"):
                with self.subTest(document + query):
                    self.validate(exporter, document, query)
        samples = self.validate(exporter, "samples")
        port = next(each for each in samples["ports"] if each["port"] == "8080")
        self.assertEqual(port["direction"], "inbound")
        self.assertEqual(port["close_wait_causes"]["not_closed"], 1)
        self.assertEqual(port["accept_queue"]["length"], 3)
        # The connections of this test to the exporter come and go; everything else stands still.
        series = exporter.scrape()
        for state, count in port["states"].items():
            if state != "close":
                self.assertEqual(
                    series.value(
                        "sockdiag_tcp_sockets", direction="inbound", port="8080", state=state
                    ),
                    count,
                    state,
                )

    def test_documents_fit_their_schemas_from_the_start(self):
        exporter = self.launch_exporter().wait_until_listening()
        for document in DOCUMENTS:
            self.validate(exporter, document)

    def test_the_language_is_chosen_by_query_or_header(self):
        exporter = self.start_exporter()
        chinese = [("Accept-Language", "zh-CN,zh;q=0.9,en;q=0.8")]
        for document in ("findings", "states"):
            with self.subTest(document):
                self.assertEqual(self.get(exporter, document)["language"], "en")
                self.assertEqual(self.get(exporter, document, "?lang=zh-CN")["language"], "zh-CN")
                self.assertEqual(self.get(exporter, document, "?lang=%7A%68")["language"], "zh-CN")
                self.assertEqual(
                    self.get(exporter, document, headers=chinese)["language"], "zh-CN"
                )
                self.assertEqual(
                    self.get(exporter, document, "?lang=en", chinese)["language"], "en"
                )

    def test_what_a_client_has_is_not_sent_again(self):
        exporter = self.start_exporter(config="sampling: {interval: 1h}\nlisteners: {interval: 1m}\n")
        for path in ("/api/v1/findings", "/api/v1/samples", "/api/v1/states", "/page.css", "/page.js"):
            with self.subTest(path):
                etag = exporter.request(path).header("ETag")
                for method in ("GET", "HEAD"):
                    answer = exporter.request(path, method, [("If-None-Match", f'"x", {etag}')])
                    self.assertEqual((answer.status, answer.body), (304, b""))
                    self.assertEqual(answer.header("ETag"), etag)
                    self.assertIsNone(answer.header("Content-Length"))
                    self.assertEqual(answer.header("Connection"), "keep-alive")
                self.assertEqual(
                    exporter.request(path, headers=[("If-None-Match", '"x"')]).status, 200
                )

    def test_a_scrape_is_answered_while_many_clients_reload_the_page(self):
        # All have one address, and a connection that has just ended may still be counted.
        exporter = self.start_exporter(config=FAST + "web: {max_connections_per_client: 250}\n")
        with clients_that_reload(exporter, 100) as pages:
            for _ in range(20):
                self.assertEqual(exporter.fresh_scrape().source("sockdiag_sample_success", "tcp"), 1)
        self.assertEqual(set(pages), {200})
