# SPDX-License-Identifier: Apache-2.0
"""sockdiag_opener: what it passes to whom, how it starts, and what clients that mean no good get."""

import contextlib
import errno
import grp
import os
import select
import socket
import stat
import struct
import subprocess
import tempfile
import unittest

from support.network import enter_fresh_network_namespace
from support.opener import (
    CAPABILITIES,
    CONNECTIONS,
    OPENER,
    Connection,
    Container,
    Opener,
    as_nobody,
    inode_of,
    look_into_as_nobody,
)
from support.polling import DEADLINE_SECONDS, wait_until

LISTEN, ESTABLISHED = 10, 1
PRIVILEGED = ["unshare", "--net", "--", *as_nobody(*CAPABILITIES)]
WRONG_SIZES = (1, 4, 8, 12, 15, 17, 32, 4096, 100_000)


class OpenerTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        enter_fresh_network_namespace()

    def start_opener(self, *flags, prefix=PRIVILEGED):
        """As its unit starts it: as nobody with two capabilities, in an empty network namespace."""
        opener = Opener(*flags, prefix=prefix)
        self.addCleanup(lambda: self.assertEqual(opener.dispose(), 0, opener.log.text_lines()))
        return opener.wait_until_listening()

    def start_container(self, prefix=()):
        container = Container(prefix)
        self.addCleanup(container.end)
        return container

    def connect(self, opener):
        connection = opener.connect()
        self.addCleanup(connection.close)
        return connection

    def assert_serves(self, opener, container):
        """Whoever comes next gets a socket."""
        connection = opener.connect()
        error, descriptor = connection.ask(container.pid)
        connection.close()
        self.assertEqual(error, 0)
        os.close(descriptor)


class Passing(OpenerTest):
    def assert_dumps(self, opener, container):
        found = look_into_as_nobody(opener.path, container.pid)
        port = container.port
        self.assertIn([[port, 0], LISTEN], found["sockets"])
        self.assertEqual([state for _, state in found["sockets"]].count(ESTABLISHED), 2)
        self.assertEqual({port} - {p for ports, _ in found["sockets"] for p in ports}, set())
        return found

    def test_nobody_dumps_each_namespace_and_can_do_no_more(self):
        opener = self.start_opener()
        containers = [self.start_container() for _ in range(3)]
        found = [self.assert_dumps(opener, container) for container in containers]
        self.assertEqual(len({each["cookie"] for each in found}), 3)
        for each in found:
            self.assertEqual((each["destroy"], each["namespace"]), ("EPERM", "EPERM"))
            self.assertEqual(len(each["sockets"]), 3)

    def test_it_enters_namespaces_of_other_users_and_their_user_namespaces(self):
        opener = self.start_opener()
        for prefix in (as_nobody(), ["unshare", "--user", "--map-root-user"]):
            with self.subTest(prefix[0]):
                self.assert_dumps(opener, self.start_container(prefix))

    def test_it_is_back_in_its_own_namespace_after_each_request(self):
        opener, container = self.start_opener(), self.start_container()
        own = inode_of(opener.process.pid)
        self.assert_serves(opener, container)
        self.assertEqual(inode_of(opener.process.pid), own)

    def test_another_inode_is_stale(self):
        opener, container = self.start_opener(), self.start_container()
        for inode in (inode_of(container.pid) + 1, inode_of("self"), 0):
            answer = self.connect(opener).ask(container.pid, inode)
            self.assertEqual(answer, (errno.ESTALE, None))

    def test_a_process_that_died_since_is_not_there(self):
        opener, container = self.start_opener(), Container()
        inode = inode_of(container.pid)
        container.end()
        self.assertEqual(self.connect(opener).ask(container.pid, inode), (errno.ENOENT, None))

    def test_numbers_that_name_no_process_are_refused(self):
        opener = self.start_opener()
        for pid, error in {
            0: errno.EINVAL,
            -1: errno.EINVAL,
            -(2**63): errno.EINVAL,
            2**31: errno.ENOENT,
            2**63 - 1: errno.ENOENT,
        }.items():
            with self.subTest(pid):
                self.assertEqual(self.connect(opener).ask(pid, 1), (error, None))

    def test_its_own_pid_and_the_first_one_are_processes_like_others(self):
        opener = self.start_opener()
        for pid in (opener.process.pid, 1):
            with self.subTest(pid):
                error, descriptor = self.connect(opener).ask(pid)
                if error == errno.EACCES and pid == 1 and not may_read_namespace_of(pid):
                    continue  # nor may root: the machine protects its first process
                self.assertEqual(error, 0)
                os.close(descriptor)

    def test_the_hosts_procfs_serves_at_another_folder_and_from_another_pid_namespace(self):
        container = self.start_container()
        with tempfile.TemporaryDirectory(prefix="sockdiag_e2e_") as folder:
            script = 'mount --rbind /proc "$1" && shift && exec unshare --pid --fork --kill-child --mount-proc "$@"'
            prefix = ["unshare", "--mount", "sh", "-c", script, "sh", folder, *PRIVILEGED]
            opener = Opener(f"--path.procfs={folder}", prefix=prefix)
            self.addCleanup(opener.dispose)
            self.addCleanup(opener.process.kill)  # unshare waits for its child, which dies with it
            self.assert_dumps(opener.wait_until_listening(), container)


class Hostile(OpenerTest):
    def setUp(self):
        super().setUp()
        self.opener, self.container = self.start_opener(), self.start_container()

    def test_another_user_is_refused_by_the_mode_of_the_socket(self):
        mode = os.stat(self.opener.path)
        self.assertEqual(stat.S_IMODE(mode.st_mode), 0o660)
        program = "import socket, sys; socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect(sys.argv[1])"
        stranger = ["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", "--"]
        done = subprocess.run(
            [*stranger, "/usr/bin/python3", "-c", program, self.opener.path], capture_output=True, check=False
        )
        self.assertIn(b"PermissionError", done.stderr)

    def test_what_is_no_request_ends_the_connection(self):
        for size in WRONG_SIZES:
            with self.subTest(size):
                connection = self.connect(self.opener)
                connection.socket.send(os.urandom(size))
                self.assertTrue(connection.is_closed())
        self.assert_serves(self.opener, self.container)

    def test_garbage_of_the_right_size_is_answered_with_an_error(self):
        connection = self.connect(self.opener)
        for _ in range(1000):
            connection.socket.send(os.urandom(16))
            error, descriptor = connection.receive()
            self.assertIn(error, (errno.EINVAL, errno.ENOENT, errno.ESTALE))
            self.assertIsNone(descriptor)
        self.assert_serves(self.opener, self.container)

    def test_descriptors_that_come_with_a_request_are_closed_unseen(self):
        before = self.opener.descriptors()
        request = struct.pack("=qQ", self.container.pid, inode_of(self.container.pid))
        for count in (1, 200):
            with self.subTest(count):
                connection = self.connect(self.opener)
                reader, writer = os.pipe()
                socket.send_fds(connection.socket, [request], [writer] * count)
                os.close(writer)
                self.assertTrue(connection.is_closed())
                self.assertEqual(os.read(reader, 1), b"")  # nobody holds the other end
                os.close(reader)
        self.assert_serves(self.opener, self.container)
        self.expect_descriptors(before)

    def test_who_asks_without_reading_is_cut_off_and_others_are_served(self):
        flooders = [self.connect(self.opener) for _ in range(CONNECTIONS - 2)]
        inode = inode_of(self.container.pid)
        for flooder in flooders:
            flooder.socket.setblocking(False)
        wait_until(
            lambda: all([flood(each, self.container.pid, inode) for each in flooders]),
            "each that floods is cut off",
        )
        # Each that was not read pins the namespace meanwhile.
        for flooder in flooders:
            self.assertLess(unread_answers(flooder), 20)
        self.assert_serves(self.opener, self.container)

    def test_others_are_served_beside_one_that_asks_without_end(self):
        greedy = self.connect(self.opener)
        inode = inode_of(self.container.pid)
        for _ in range(4):
            greedy.send(self.container.pid, inode)
        for _ in range(100):
            self.assert_serves(self.opener, self.container)
            os.close(greedy.receive()[1])
            greedy.send(self.container.pid, inode)

    def test_a_thousand_connections_keep_nobody_out_once_they_are_gone(self):
        crowd = [self.connect(self.opener) for _ in range(1000)]
        for each in crowd[CONNECTIONS:]:
            self.assertTrue(each.is_closed())
        self.assertEqual([each for each in crowd[:CONNECTIONS] if is_closed_by_now(each)], [])
        error, descriptor = crowd[0].ask(self.container.pid)
        self.assertEqual(error, 0)
        os.close(descriptor)
        for each in crowd:
            each.close()
        wait_until(self.is_served, "a seat is free")

    def test_those_who_leave_in_between_leave_nothing_behind(self):
        before = self.opener.descriptors()
        inode = inode_of(self.container.pid)
        for _ in range(300):
            connection = self.opener.connect()
            connection.send(self.container.pid, inode)
            connection.close()
        self.expect_descriptors(before)
        self.assert_serves(self.opener, self.container)

    def test_ten_thousand_requests_leave_no_descriptor_and_no_namespace(self):
        before = self.opener.descriptors()
        connection = self.opener.connect()
        ip("link", "add", "here", "type", "veth", "peer", "name", "there", "netns", str(self.container.pid))
        inode = inode_of(self.container.pid)
        for _ in range(10_000):
            error, descriptor = connection.ask(self.container.pid, inode)
            self.assertEqual(error, 0)
            os.close(descriptor)
        connection.ask(self.container.pid, inode + 1)
        self.container.end()
        wait_until(lambda: not os.path.exists("/proc/thread-self/net/dev_snmp6/here"), "the veth is gone")
        connection.close()
        self.expect_descriptors(before)

    def test_it_writes_few_lines_about_all_that(self):
        for _ in range(100):
            connection = self.connect(self.opener)
            connection.socket.send(b"x")
            self.assertTrue(connection.is_closed())
        line = "sockdiag_opener: a client is cut off: what it sent is no request"
        wait_until(lambda: line in self.opener.log.text_lines(), line)
        lines = self.opener.log.text_lines()
        self.assertLessEqual(len(lines), 20, lines)  # ten a minute, and a minute may end

    def test_it_keeps_two_capabilities_and_its_memory_to_itself(self):
        status = status_of(self.opener.process.pid)
        both = f"{1 << 21 | 1 << 19:016x}"
        self.assertEqual({name: status[name] for name in status if name.startswith("Cap")},
                         {"CapInh": "0" * 16, "CapPrm": both, "CapEff": both, "CapBnd": both,
                          "CapAmb": "0" * 16})
        self.assertEqual((status["NoNewPrivs"], status["Threads"]), ("1", "1"))
        # Not of its user, who could read or trace it then.
        self.assertEqual(os.stat(f"/proc/{self.opener.process.pid}/mem").st_uid, 0)

    def is_served(self):
        connection = self.opener.connect()
        try:
            connection.send(self.container.pid, 0)
            return connection.receive() == (errno.ESTALE, None)
        except (ConnectionError, struct.error):
            return False  # cut off before or after it asked
        finally:
            connection.close()

    def test_root_keeps_no_more_than_these(self):
        status = status_of(self.start_opener(prefix=()).process.pid)
        both = f"{1 << 21 | 1 << 19:016x}"
        self.assertEqual((status["CapPrm"], status["CapEff"], status["CapInh"]), (both, both, "0" * 16))

    def expect_descriptors(self, expected):
        wait_until(lambda: self.opener.descriptors() == expected,
                   f"{self.opener.descriptors()} become {expected}")


class Start(OpenerTest):
    def setUp(self):
        super().setUp()
        directory = tempfile.TemporaryDirectory(prefix="sockdiag_e2e_opener_")
        self.addCleanup(directory.cleanup)
        os.chmod(directory.name, 0o777)
        self.path = os.path.join(directory.name, "socket")

    def expect_refusal(self, status, words, *flags, prefix=()):
        done = subprocess.run([*prefix, OPENER, *flags], capture_output=True, text=True,
                              timeout=DEADLINE_SECONDS, check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn(words, done.stderr)
        self.assertEqual(done.stdout, "")

    def test_it_says_which_capability_it_lacks(self):
        for held, words in {
            (): "open namespaces of others (CAP_SYS_PTRACE) and to enter network namespaces (CAP_SYS_ADMIN)",
            ("+sys_admin",): "it lacks the right to open namespaces of others (CAP_SYS_PTRACE)\n",
            ("+sys_ptrace",): "it lacks the right to enter network namespaces (CAP_SYS_ADMIN)\n",
        }.items():
            with self.subTest(held):
                self.expect_refusal(1, words, f"--socket={self.path}", prefix=as_nobody(*held))
        self.assertFalse(os.path.exists(self.path))

    def test_a_capability_in_a_user_namespace_is_not_enough(self):
        prefix = ["unshare", "--user", "--map-root-user"]
        self.expect_refusal(1, "entering a network namespace: Operation not permitted",
                            f"--socket={self.path}", prefix=prefix)

    def test_wrong_usage_is_refused(self):
        for flags, words in {
            (): "neither --socket nor one socket of the service manager",
            ("--nonsense",): "nonsense",
            ("--socket=/run/a", "b"): "unknown argument: b",
            ("--group=0",): "--group is of use with --socket only",
            (f"--socket={'a' * 108}",): "a path has at most 107 bytes",
            ("--socket=a", f"--path.procfs={'a' * 4096}"): "--path.procfs",
        }.items():
            with self.subTest(flags):
                self.expect_refusal(2, words, *flags)

    def test_what_cannot_be_is_refused(self):
        file = os.path.join(os.path.dirname(self.path), "file")
        with open(file, "w", encoding="ascii"):
            pass
        for flags, words in {
            (f"--socket={file}",): "is not a socket",
            (f"--socket={self.path}/none",): "No such file or directory",
            (f"--socket={self.path}", "--group=no_such_group"): "there is no group no_such_group",
            (f"--socket={self.path}", f"--path.procfs={file}"): "Not a directory",
        }.items():
            with self.subTest(flags):
                self.expect_refusal(1, words, *flags)
        self.assertTrue(os.path.isfile(file))

    def test_a_socket_is_taken_over_from_nobody_who_listens(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other:
            other.bind(self.path)
            other.listen()
            self.expect_refusal(1, "somebody else listens there", f"--socket={self.path}")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
            os.unlink(self.path)
            other.bind(self.path)
            other.listen()
            self.expect_refusal(1, "somebody else listens there", f"--socket={self.path}")

    def test_a_socket_that_was_left_behind_is_replaced(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as dead:
            dead.bind(self.path)
        opener = Opener(path=self.path)
        self.addCleanup(opener.dispose)
        self.assert_serves(opener.wait_until_listening(), self.start_container())

    def test_the_group_may_be_named_or_a_number(self):
        name = grp.getgrgid(65534).gr_name
        for group in (name, "65534"):
            with self.subTest(group):
                opener = self.start_opener(f"--group={group}", prefix=())
                found = os.stat(opener.path)
                self.assertEqual((found.st_gid, stat.S_IMODE(found.st_mode)), (65534, 0o660))

    def test_a_service_manager_hands_it_the_socket(self):
        process = self.activate("--seqpacket")
        wait_until(lambda: os.path.exists(self.path), "the socket")
        connection = Connection(self.path)
        self.addCleanup(connection.close)
        error, descriptor = connection.ask(self.start_container().pid)
        self.assertEqual(error, 0)
        os.close(descriptor)
        process.terminate()
        self.assertEqual(process.wait(DEADLINE_SECONDS), 0)

    def test_a_socket_of_another_type_is_refused(self):
        process = self.activate()
        wait_until(lambda: os.path.exists(self.path), "the socket")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.connect(self.path)
            self.assertEqual(process.wait(DEADLINE_SECONDS), 1)

    def activate(self, *flags):
        command = ["systemd-socket-activate", *flags, "-l", self.path, OPENER]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_help_and_version_are_printed(self):
        for flag, words in (("--help", "usage: sockdiag_opener"), ("--version", "sockdiag_opener ")):
            done = subprocess.run([*as_nobody(), OPENER, flag], capture_output=True, text=True, check=True)
            self.assertTrue(done.stdout.startswith(words), done.stdout)


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return dict(map(str.strip, line.split(":", 1)) for line in file)


def may_read_namespace_of(pid):
    try:
        os.readlink(f"/proc/{pid}/ns/net")
    except PermissionError:
        return False
    return True


def flood(connection, pid, inode):
    """Sends as much as it can. Whether it was cut off."""
    try:
        while True:
            connection.send(pid, inode)
    except BlockingIOError:
        return False
    except (BrokenPipeError, ConnectionResetError):
        return True


def unread_answers(connection):
    """How many wait to be read. The first call may say instead that the connection was reset."""
    with contextlib.suppress(ConnectionResetError):
        connection.socket.recv(64, socket.MSG_PEEK)
    count = 0
    while True:
        packet, descriptors, _, _ = socket.recv_fds(connection.socket, 64, 2)
        if not packet:
            return count
        for descriptor in descriptors:
            os.close(descriptor)
        count += 1


def is_closed_by_now(connection):
    """Whether the other end, which owes no answer, has closed."""
    return bool(select.select([connection.socket], [], [], 0)[0])


def ip(*words):
    subprocess.run(["ip", *words], check=True)


if __name__ == "__main__":
    unittest.main()
