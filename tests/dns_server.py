"""A name server on loopback (UDP and TCP) with the records a test gives it."""

import contextlib
import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset


class DnsServer:
    """`records` is {(name, type): [text, ...]}; a name in `silent` is not answered, one in `failing` gets SERVFAIL.

    Everything else: NOERROR without an answer where the name (or one below it) has records, else NXDOMAIN.
    """

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], list[str]] = {}
        self.silent: set[str] = set()
        self.failing: set[str] = set()
        self.asked: list[tuple[str, str]] = []
        self.port = 0

    def add(self, name: str, kind: str, *values: str) -> None:
        self.records.setdefault((name.lower(), kind), []).extend(
            f'"{value}"' if kind == "TXT" and not value.startswith('"') else value for value in values
        )

    def answer(self, wire: bytes, *, over_tcp: bool) -> bytes | None:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, kind = question.name.to_text().lower().rstrip("."), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        if name in self.silent:
            return None
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.AA | dns.flags.RA
        if name in self.failing:
            reply.set_rcode(dns.rcode.SERVFAIL)
            return reply.to_wire()
        at = name
        for _ in range(9):
            values = self.records.get((at, kind))
            if values:
                reply.answer.append(dns.rrset.from_text(dns.name.from_text(at), 60, "IN", kind, *values))
                break
            alias = self.records.get((at, "CNAME"))
            if alias is None:
                break
            reply.answer.append(dns.rrset.from_text(dns.name.from_text(at), 60, "IN", "CNAME", alias[0]))
            at = alias[0].rstrip(".").lower()
        if not reply.answer and not any(n == name or n.endswith(f".{name}") for n, _ in self.records):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        full = reply.to_wire()
        if not over_tcp and len(full) > 1232:
            short = dns.message.make_response(query)
            short.flags |= dns.flags.TC
            return short.to_wire()
        return full


@contextlib.contextmanager
def dns_server() -> Iterator[DnsServer]:
    """Serve on one free port over UDP and TCP for the length of the block."""
    found = DnsServer()

    class Udp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            wire, sock = self.request
            reply = found.answer(wire, over_tcp=False)
            if reply is not None:
                sock.sendto(reply, self.client_address)

    class Tcp(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            (length,) = struct.unpack("!H", self.rfile.read(2))
            reply = found.answer(self.rfile.read(length), over_tcp=True)
            if reply is not None:
                self.wfile.write(struct.pack("!H", len(reply)) + reply)

    servers: list[Any] = []
    for _ in range(20):  # a port free for both
        udp = socketserver.ThreadingUDPServer(("127.0.0.1", 0), Udp)
        try:
            tcp = socketserver.ThreadingTCPServer(udp.server_address, Tcp)
        except OSError:
            udp.server_close()
            continue
        servers = [udp, tcp]
        break
    assert servers, "no free port"
    assert servers[0].socket.family == socket.AF_INET
    found.port = servers[0].server_address[1]
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join()
