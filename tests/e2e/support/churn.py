# SPDX-License-Identifier: Apache-2.0
"""Load as a process of its own: connections that come and go as fast as they can, and listeners that
come and go in numbers. Prints how many there were once its standard input ends.

usage: churn.py connections PORT | listeners COUNT
"""

import select
import socket
import struct
import sys
import threading

_RESET = struct.pack("ii", 1, 0)


def _is_over():
    return bool(select.select([sys.stdin], [], [], 0)[0])


def _accept(listener):
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.close()


def connections(port):
    """One in four ends with a reset, the others leave a TIME_WAIT."""
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    threading.Thread(target=_accept, args=(listener,), daemon=True).start()
    count = 0
    while count % 64 or not _is_over():
        client = socket.socket()
        try:
            client.connect(("127.0.0.1", port))
            if count % 4 == 0:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        except OSError:
            pass  # no port is free for a moment
        client.close()
        count += 1
    listener.close()
    return count


def listeners(at_once):
    count = 0
    while not _is_over():
        opened = [socket.create_server(("127.0.0.1", 0)) for _ in range(at_once)]
        for each in opened:
            each.close()
        count += len(opened)
    return count


if __name__ == "__main__":
    print({"connections": connections, "listeners": listeners}[sys.argv[1]](int(sys.argv[2])))
