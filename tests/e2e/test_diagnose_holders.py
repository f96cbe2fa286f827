# SPDX-License-Identifier: Apache-2.0
"""`diagnose` as root says which processes hold the sockets of a finding."""

import contextlib
import json
import os
import subprocess

import jsonschema

from support.case import EndToEndTest
from support.exporter import AS_NOBODY, BINARY, FAST, ConfigFile, run
from support.inhabitant import Cgroup, Inhabitant, cgroup_tree
from support.polling import wait_until
from support.server import DIES_WITH_US

PORT = 8080
LEAKED = 60
LIMIT = 4000
RUN_AS_ROOT = "run this as root to see the processes that hold these sockets"
SCHEMA = os.path.join(os.path.dirname(__file__), "../../deploy/api/findings.schema.json")

# Sockets linger at once, so that no test waits for a minute.
IMPATIENT = FAST + "lifetimes: {close_wait: 100ms}\n"


class Holders(EndToEndTest):
    def setUp(self):
        super().setUp()
        config = ConfigFile(IMPATIENT)
        self.addCleanup(config.remove)
        os.chmod(os.path.dirname(config.path), 0o755)
        os.chmod(config.path, 0o644)
        self.flags = ["diagnose", b"--config.file=" + config.path]

    def move_in(self, **options):
        inhabitant = Inhabitant(PORT, descriptors=LIMIT, **options)
        self.addCleanup(inhabitant.close)
        return inhabitant

    def leak(self, **options):
        """A process that has leaked for long enough."""
        inhabitant = self.move_in(**options)
        inhabitant.leak(LEAKED)
        place = [f"--pid={inhabitant.pid}"] if options.get("fresh_namespace", True) else []
        wait_until(lambda: b"cw_in_not_closed" in self.look(*place).stdout, "a leak")
        return inhabitant

    def look(self, *flags, duration="0s", language="en", prefix=()):
        choice = [f"--for={duration}", f"--lang={language}"]
        return run(*self.flags, *choice, *flags, prefix=prefix)

    def held_by(self, done):
        """What the document says of the only finding that has sockets."""
        document = json.loads(done.stdout)
        with open(SCHEMA, encoding="utf-8") as file:
            jsonschema.validate(document, json.load(file))
        held_by = [each["held_by"] for each in document["findings"] if "held_by" in each]
        self.assertEqual(len(held_by), 1, document)
        return held_by[0]

    def test_the_process_is_named_with_its_descriptors_and_their_limit(self):
        inhabitant = self.leak(fresh_namespace=False)
        done = self.look()
        self.assertEqual((done.returncode, done.stderr), (1, b""), done)
        text = " ".join(done.stdout.decode().split())
        self.assertIn(
            f"Held by - pid {inhabitant.pid} ({inhabitant.name}) holds {LEAKED} of these sockets; "
            f"{inhabitant.descriptors()} of {LIMIT} descriptors Meaning", text)
        chinese = " ".join(self.look(language="zh-CN").stdout.decode().split())
        self.assertIn(f"持有者 - 进程 {inhabitant.pid}（", chinese)

    def test_so_it_is_in_another_namespace_and_in_json(self):
        inhabitant = self.leak()
        held_by = self.held_by(self.look(f"--pid={inhabitant.pid}", "--format=json"))
        process = held_by["processes"][0]
        expected = {"pid": inhabitant.pid, "name": inhabitant.name, "sockets": LEAKED,
                    "descriptors": inhabitant.descriptors(), "descriptor_limit": LIMIT,
                    "limit_in_seconds": None}
        self.assertEqual({name: process[name] for name in expected}, expected)
        self.assertEqual((held_by["complete"], held_by["notes"]), (True, []))

    def test_descriptors_that_grow_tell_when_they_run_out(self):
        inhabitant = self.leak(fresh_namespace=False)
        process = subprocess.Popen(
            [*DIES_WITH_US, BINARY, *self.flags, "--for=2s", "--lang=en", "--format=json"],
            stdout=subprocess.PIPE)
        while process.poll() is None:
            inhabitant.leak(1)
        done = subprocess.CompletedProcess([], process.returncode, process.stdout.read())
        process.stdout.close()
        held_by = self.held_by(done)["processes"][0]
        self.assertGreater(held_by["sockets"], LEAKED)
        self.assertIn(" at the present growth", held_by["text"])
        self.assertGreater(held_by["limit_in_seconds"], 0)

    def test_descriptors_that_do_not_grow_tell_nothing(self):
        self.leak(fresh_namespace=False)
        held_by = self.held_by(self.look("--format=json", duration="1s"))["processes"][0]
        self.assertIsNone(held_by["limit_in_seconds"])
        self.assertNotIn("growth", held_by["text"])

    def test_of_a_full_accept_queue_the_one_that_listens_is_named(self):
        inhabitant = self.move_in(fresh_namespace=False, backlog=10)
        inhabitant.connect_without_accept(11)
        text = " ".join(self.look().stdout.decode().split())
        self.assertIn("(acceptq_full)", text)
        self.assertIn(f"- pid {inhabitant.pid} ({inhabitant.name}) listens there; ", text)

    def test_one_that_left_the_namespace_is_found_by_the_cgroup_of_its_sockets(self):
        with cgroup_tree() as tree, Cgroup(tree) as cgroup:
            with contextlib.closing(self.leak(fresh_namespace=False)) as inhabitant:
                cgroup.leave()
                inhabitant.emigrate()
                by_cgroup = self.held_by(self.look(f"--path.cgroup={tree}", "--format=json"))
                without = self.held_by(self.look("--path.cgroup=/proc", "--format=json"))
        self.assertEqual([each["pid"] for each in by_cgroup["processes"]], [inhabitant.pid])
        self.assertEqual(by_cgroup["processes"][0]["sockets"], LEAKED)
        self.assertEqual(without["processes"], [])

    def test_one_that_is_not_root_is_told_how_to_see_them(self):
        self.leak(fresh_namespace=False)
        done = self.look(prefix=AS_NOBODY)
        self.assertEqual((done.returncode, done.stderr), (1, b""), done)
        self.assertIn(f"Held by - {RUN_AS_ROOT}", " ".join(done.stdout.decode().split()))
        held_by = self.held_by(self.look("--format=json", prefix=AS_NOBODY))
        self.assertEqual(held_by, {"processes": [], "complete": False, "notes": [RUN_AS_ROOT]})
