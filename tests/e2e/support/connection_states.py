# SPDX-License-Identifier: Apache-2.0
"""TCP sockets in every state. tests/support/connection_states.cpp makes them for C++."""

import contextlib
import fcntl
import os
import socket
import struct
from typing import NamedTuple

from support import web
from support.network import STATES, has_socket, kernel_counts
from support.polling import wait_until

# A window is agreed on in the handshake; what it has no room for stays unsent.
_SMALL_RECEIVE_BUFFER = 4096
_LARGE_SEND_BUFFER = 200_000
_MORE_THAN_SMALL_WINDOW = 50_000
_SIOCOUTQNSD = 0x894B

# Where struct tcp_info of linux/tcp.h has them.
_UNACKED, _LAST_ACK_RECV = 24, 56


class Ends(NamedTuple):
    """A connection as one end sees it."""

    here: socket.socket
    there: socket.socket

    def reset(self):
        """Ends it at both ends at once, without TIME_WAIT."""
        web.reset(self.here)
        web.reset(self.there)


def set_sysctl(name, value):
    """Of this network namespace, by its name below /proc/sys/net."""
    with open(os.path.join("/proc/sys/net", name), "w", encoding="ascii") as file:
        file.write(value)


def state_of(connection):
    return STATES[connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]]


def accept_queue_of(listener):
    """Of a listener the kernel puts its queue in this field."""
    return _tcp_info_field(listener, _UNACKED)


def seconds_since_last_ack(connection):
    return _tcp_info_field(connection, _LAST_ACK_RECV) / 1000


def _tcp_info_field(connection, offset):
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, offset + 4)
    return struct.unpack_from("=I", info, offset)[0]


def port_of(connection):
    return connection.getsockname()[1]


def end_sending(connection, expected):
    connection.shutdown(socket.SHUT_WR)
    wait_for_state(connection, expected)


def wait_for_state(connection, state):
    wait_until(lambda: state_of(connection) == state, state)


def wait_for_row(state, local_port, remote_port):
    """Waits for a socket that no descriptor stands for any more."""
    wait_until(lambda: has_socket(local_port, remote_port, state), f"{state} in /proc")


def listen(port, address="127.0.0.1", backlog=4096, reuse_port=False):
    """A listener whose connections have small windows; on `::` it takes both families."""
    listener = socket.socket(family_of(address))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(reuse_port))
    if listener.family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address != "::"))
    _use_small_windows(listener)
    listener.bind((address, port))
    listener.listen(backlog)
    return listener


def start_connecting(address, port, local=None):
    """A connection nobody waits for: SYN_SENT until the SYN is answered."""
    client = socket.socket(family_of(address))
    _use_small_windows(client)
    if local:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.bind(local)
    client.setblocking(False)
    client.connect_ex((address, port))
    return client


def connect(address, port, local=None):
    client = start_connecting(address, port, local)
    wait_for_state(client, "established")
    client.setblocking(True)
    return client


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _use_small_windows(endpoint):
    endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_RECEIVE_BUFFER)
    endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LARGE_SEND_BUFFER)


def _fill_window(connection):
    """Sends until much waits for a window that will not open. A host short of memory for TCP takes
    less at a time than the buffer allows."""

    def much_is_unsent():
        with contextlib.suppress(BlockingIOError):
            connection.send(bytes(2 * _MORE_THAN_SMALL_WINDOW), socket.MSG_DONTWAIT)
        unsent = fcntl.ioctl(connection, _SIOCOUTQNSD, struct.pack("i", 0))
        return struct.unpack("i", unsent)[0] > _MORE_THAN_SMALL_WINDOW

    wait_until(much_is_unsent, "unsent bytes")


class Service:
    """A listener on a port, and connections to it with both ends in this process. A method that is
    named for a state makes a connection with that state at the server's end (`inbound`) or at the
    client's (`outbound`)."""

    def __init__(self, port, address="127.0.0.1", backlog=4096):
        self.port = port
        self.listener = listen(port, address, backlog)
        self._address = address
        self._held = [self.listener]
        self._connected = []

    def connect(self, count):
        """Opens and accepts connections: ESTABLISHED at both ends."""
        self._connected += [self.established() for _ in range(count)]
        return self

    def connect_without_accept(self, count):
        """Opens connections that stay in the accept queue."""
        for _ in range(count):
            self._hold(connect(self._address, self.port))
        return self

    def half_close_clients(self, count):
        """Ends the sending side of the clients that connected first: FIN_WAIT2 there, CLOSE_WAIT at
        the server."""
        for ends in self._connected[:count]:
            ends.there.shutdown(socket.SHUT_WR)
        wait_until(
            lambda: kernel_counts(self.port)["inbound", "close_wait"] == count,
            f"{count} CLOSE_WAIT on port {self.port}",
        )
        return self

    def established(self, direction="inbound", local=None):
        client = self._hold(connect(self._address, self.port, local))
        server = self._hold(self.listener.accept()[0])
        return Ends(server, client) if direction == "inbound" else Ends(client, server)

    def close_wait(self, direction="inbound", local=None):
        """With the end unread."""
        ends = self.established(direction, local)
        end_sending(ends.there, "fin_wait2")
        wait_for_state(ends.here, "close_wait")
        return ends

    def close_waits(self, count, direction="inbound"):
        """Many at once: the other ends need not wait for one delayed acknowledgement each."""
        made = [self.established(direction) for _ in range(count)]
        for ends in made:
            ends.there.shutdown(socket.SHUT_WR)
        for ends in made:
            wait_for_state(ends.there, "fin_wait2")
        return made

    unread_eof = close_wait

    def unread_data(self, direction="inbound"):
        return self._unread(b"a request", direction)

    def unread_goodbye(self, direction="inbound"):
        """As long as a close_notify of TLS 1.3."""
        return self._unread(bytes(24), direction)

    def _unread(self, data, direction):
        ends = self.established(direction)
        ends.there.sendall(data)
        end_sending(ends.there, "fin_wait2")
        wait_for_state(ends.here, "close_wait")
        return ends

    def not_closed(self, direction="inbound"):
        ends = self.close_wait(direction)
        ends.here.recv(1)
        return ends

    def not_accepted(self):
        """Leaves the server's end in the accept queue, so it comes after the other service."""
        client = self._hold(connect(self._address, self.port))
        end_sending(client, "fin_wait2")
        wait_for_row("close_wait", self.port, port_of(client))
        return client

    def fin_wait1(self, direction="inbound"):
        """The FIN waits behind data that the other end's window never lets out."""
        ends = self.established(direction)
        _fill_window(ends.here)
        end_sending(ends.here, "fin_wait1")
        return ends

    def closing(self, direction="inbound"):
        ends = self.fin_wait1(direction)
        end_sending(ends.there, "fin_wait2")
        wait_for_state(ends.here, "closing")
        return ends

    def last_ack(self, direction="inbound"):
        ends = self.close_wait_with_full_window(direction)
        close_into("last_ack", ends)
        return ends

    def close_wait_with_full_window(self, direction="inbound"):
        ends = self.close_wait(direction)
        _fill_window(ends.here)
        return ends

    def fin_wait2(self, direction="inbound"):
        ends = self.established(direction)
        end_sending(ends.here, "fin_wait2")
        return ends

    def fin_wait2_orphan(self, direction="inbound"):
        ends = self.fin_wait2(direction)
        close_into("fin_wait2", ends)
        return ends

    def time_wait(self, direction="inbound", local=None):
        ends = self.established(direction, local)
        numbers = port_of(ends.here), port_of(ends.there)
        ends.here.shutdown(socket.SHUT_WR)
        wait_for_state(ends.there, "close_wait")
        ends.there.close()
        wait_for_row("time_wait", *numbers)
        ends.here.close()
        return ends

    def _hold(self, endpoint):
        self._held.append(endpoint)
        return endpoint

    def close(self):
        for each in self._held:
            each.close()


def close_into(state, ends):
    """Closes the end seen and waits until the kernel has it in that state."""
    numbers = port_of(ends.here), port_of(ends.there)
    ends.here.close()
    wait_for_row(state, *numbers)
