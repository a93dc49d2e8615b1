"""A DNS server of the tests' own, over UDP: it answers with what it's told, late, wrong, or not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset


@dataclass
class DnsServer:
    """`texts`: TXT records by name, as zone files write them. A name without one doesn't exist.

    `addresses`: A records by name.

    `failing`: names that it can't tell. `silent`: it answers nothing.
    """

    port: int
    texts: dict[str, list[str]] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    is_silent: bool = False
    asked: list[str] = field(default_factory=list)

    def answer(self, wire: bytes) -> bytes | None:
        """Return the answer to a question."""
        query = dns.message.from_wire(wire)
        [question] = query.question
        name = question.name.to_text(omit_final_dot=True).lower()
        self.asked.append(name)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if self.is_silent:
            return None
        if name in self.failing:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif name in self.addresses:
            if question.rdtype == dns.rdatatype.A:
                address = self.addresses[name]
                response.answer.append(dns.rrset.from_text(question.name, 60, "IN", "A", address))
        elif name not in self.texts:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif records := self.texts[name]:
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", "TXT", *records))
        return response.to_wire()


@contextmanager
def dns_server() -> Iterator[DnsServer]:
    """Run a server that dnspython asks instead of this machine's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        server = DnsServer(listening.getsockname()[1])
        thread = threading.Thread(target=_serve, args=(server, listening), daemon=True)
        thread.start()
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], server.port
        dns.resolver.default_resolver = resolver
        try:
            yield server
        finally:
            dns.resolver.default_resolver = None
            listening.sendto(b"", ("127.0.0.1", server.port))
            thread.join()


def _serve(server: DnsServer, listening: socket.socket) -> None:
    while True:
        wire, client = listening.recvfrom(4096)
        if not wire:
            return
        if answer := server.answer(wire):
            listening.sendto(answer, client)
