# SPDX-License-Identifier: Apache-2.0
"""Segments from clients that do not exist, and networks that swallow what is sent to them."""

import itertools
import socket
import struct
import subprocess
from ipaddress import ip_address, ip_network

# RFC 2544 and RFC 3849 keep these from being anyone's.
NOWHERE_IPV4 = ip_network("198.18.0.0/15")
NOWHERE_IPV6 = ip_network("2001:db8::/32")

_SYN, _ACK = 0x02, 0x10
_WINDOW = 65535
_HOP_LIMIT = 64


def swallow_packets_to_nowhere():
    """Routes both networks to loopback, which drops what is for none of its addresses."""
    for network in (NOWHERE_IPV4, NOWHERE_IPV6):
        subprocess.run(["ip", "route", "add", str(network), "dev", "lo"], check=True)


def clients_in(network, prefix_length, prefixes, each):
    """`each` addresses in each of the first `prefixes` networks of that length."""
    subnets = itertools.islice(network.subnets(new_prefix=prefix_length), prefixes)
    return [str(subnet[1 + host]) for subnet in subnets for host in range(each)]


def send_syns(sources, destination, port):
    """Asks for a connection from every source, which will never answer the answer."""
    _send(sources, destination, 1024, port, _SYN)


def send_stray_acks(source, source_ports, destination, port):
    """Acknowledges, for each source port, bytes that no connection ever had."""
    for source_port in source_ports:
        _send([source], destination, source_port, port, _ACK)


def _send(sources, destination, source_port, port, flags):
    family = socket.AF_INET6 if ":" in destination else socket.AF_INET
    with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        for source in sources:
            raw.sendto(_packet(source, destination, source_port, port, flags), (destination, 0))


def _packet(source, destination, source_port, port, flags):
    addresses = ip_address(source).packed + ip_address(destination).packed
    sequence, acknowledged = 0x1000_0000, 0x2000_0000 if flags & _ACK else 0
    ports_and_numbers = struct.pack("!HHII", source_port, port, sequence, acknowledged)
    rest = struct.pack("!BBH", 5 << 4, flags, _WINDOW)
    pseudo_header = addresses + struct.pack("!HH", socket.IPPROTO_TCP, 20)
    checksum = _checksum(pseudo_header + ports_and_numbers + rest)
    segment = ports_and_numbers + rest + struct.pack("!HH", checksum, 0)
    return _ip_header(addresses, len(segment)) + segment


def _ip_header(addresses, length):
    """The kernel fills in the length, the identification and the checksum of an IPv4 header."""
    if len(addresses) == 8:
        protocol = socket.IPPROTO_TCP
        return struct.pack("!BBHHHBBH", 0x45, 0, 0, 0, 0, _HOP_LIMIT, protocol, 0) + addresses
    return struct.pack("!IHBB", 6 << 28, length, socket.IPPROTO_TCP, _HOP_LIMIT) + addresses


def _checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
