# SPDX-License-Identifier: Apache-2.0
"""`diagnose` and `top` look into another network namespace, as root."""

import os
import re
import tempfile

from support.case import EndToEndTest, RefusalTest
from support.exporter import AS_NOBODY, BINARY, FAST, ConfigFile, run
from support.inhabitant import Inhabitant, NamedNamespace
from support.terminal import Terminal

PORT = 8080
NEEDS_ROOT = "needs CAP_SYS_ADMIN and CAP_SYS_PTRACE: run as root"


class AnotherNamespace(EndToEndTest):
    """The sockets are in a namespace that a process of its own keeps. This one is empty."""

    def setUp(self):
        super().setUp()
        self.inhabitant = Inhabitant(PORT)
        self.addCleanup(self.inhabitant.close)
        self.inhabitant.connect(3)
        self.pid = self.inhabitant.pid

    def look(self, *flags):
        return run("diagnose", "--for=0s", "--lang=en", *flags)

    def expect_its_sockets(self, done, heading):
        self.assertEqual((done.returncode, done.stderr), (0, b""), done)
        text = done.stdout.decode()
        heading = rf"\A{re.escape(heading)}(?: \(.+?\))?, watched for 0s; samples: 1 "
        self.assertRegex(" ".join(text.split()), heading)
        self.assertRegex(text, rf"(?m)^inbound {PORT} +3 ESTABLISHED, 1 LISTEN$")

    def test_that_of_a_process(self):
        self.assertNotIn(str(PORT), self.look().stdout.decode())
        heading = f"Network namespace of process {self.pid}"
        self.expect_its_sockets(self.look(f"--pid={self.pid}"), heading)
        with tempfile.TemporaryDirectory() as folder:
            os.symlink("/proc", f"{folder}/host")
            done = self.look(f"--pid={self.pid}", f"--path.procfs={folder}/host")
            self.expect_its_sockets(done, heading)

    def test_the_heading_says_whose_the_process_is(self):
        with tempfile.TemporaryDirectory() as folder:
            process, logs = f"{folder}/{self.pid}", f"{folder}/logs"
            os.makedirs(f"{process}/ns")
            os.symlink(f"/proc/{self.pid}/ns/net", f"{process}/ns/net")
            os.mkdir(logs)
            container = "c" * 64
            open(f"{logs}/cart-7d9_shop_app-{container}.log", "w").close()
            with open(f"{process}/cgroup", "w", encoding="ascii") as cgroup:
                uid = "11111111_2222_3333_4444_555555555555"
                print(f"0::/kubepods.slice/kubepods-pod{uid}.slice/cri-containerd-{container}.scope",
                      file=cgroup)
            done = self.look(f"--pid={self.pid}", f"--path.procfs={folder}",
                             f"--path.container-logs={logs}")
        owner = "in pod shop/cart-7d9, container app"
        self.expect_its_sockets(done, f"Network namespace of process {self.pid} ({owner})")

    def test_one_with_a_name_and_one_at_a_path(self):
        with NamedNamespace(self.pid) as name:
            self.expect_its_sockets(self.look(f"--netns={name}"), f"Network namespace {name}")
        path = f"/proc/{self.pid}/ns/net"
        self.expect_its_sockets(self.look("--netns", path), f"Network namespace {path}")

    def test_the_settings_are_those_of_that_namespace(self):
        self.inhabitant.set_sysctl("ipv4/ip_local_port_range", "20000 20009")
        self.inhabitant.connect(10)
        done = self.look(f"--pid={self.pid}")
        self.assertIn("(ports_short)", done.stdout.decode())
        self.assertIn("10 of 10 ", " ".join(done.stdout.decode().split()))

    def test_other_namespaces_do_not_make_the_watch_slow(self):
        config = ConfigFile(FAST)
        self.addCleanup(config.remove)
        done = run("diagnose", b"--config.file=" + config.path, "--for=2s", "--lang=en",
                   "--namespaces.collect=counters")
        samples = re.match(r"This host, .*; samples: (\d+)\n", done.stdout.decode())
        self.assertGreater(int(samples[1]), 3, done)

    def test_top_shows_it_live(self):
        terminal = Terminal(rows=20)
        self.addCleanup(terminal.close)
        terminal.run(BINARY, "top", f"--pid={self.pid}", "--lang=en")
        text = terminal.wait_for("inbound 8080")
        self.assertIn(f"Network namespace of process {self.pid} ", text)
        terminal.type("q")


class Refused(RefusalTest):
    def expect_refused(self, *flags, words, prefix=()):
        self.expect_refusal(run("diagnose", "--for=0s", *flags, prefix=prefix), 2, words)

    def test_a_process_or_a_namespace_that_is_not_there(self):
        self.expect_refused("--pid=4194304", words="--pid: there is no process /proc/4194304$")
        self.expect_refused("--netns=nowhere",
                            words="--netns: there is no network namespace /run/netns/nowhere$")
        self.expect_refused("--netns=./nowhere",
                            words=r"--netns: there is no network namespace \./nowhere$")

    def test_what_is_no_network_namespace(self):
        for path in ("/proc/self/ns/uts", "/proc/self/status", "/proc/self"):
            with self.subTest(path):
                self.expect_refused(f"--netns={path}", words=f"{path} is not a network namespace$")
        with tempfile.TemporaryDirectory() as folder:
            os.mkfifo(f"{folder}/fifo")
            self.expect_refused(f"--netns={folder}/fifo", words="is not a network namespace$")

    def test_without_privilege(self):
        for flag in ("--pid=1", "--netns=/proc/self/ns/net"):
            with self.subTest(flag):
                self.expect_refused(flag, words=NEEDS_ROOT, prefix=AS_NOBODY)
