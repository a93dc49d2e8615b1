"""An SMTP server of the tests' own that breaks off, refuses, or says goodbye when it's told to.

It notes each connection's commands and what it accepted. The sandbox's server never does such
things, and offers no reports (DSN).
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

HOST = "127.0.0.1"
OFFERS = ("SIZE 10000000", "8BITMIME", "SMTPUTF8", "DSN")
# Answers of `Server.answer` that aren't replies.
RESET, SILENT_END = "reset", "end"

# Takes the number of the connection, the number of the mail on it, and the command (or "." for
# the end of a mail's content); returns another reply than the usual one, or "".
Answer = Callable[[int, int, str], str]


@dataclass
class Server:
    """What's been said, per connection, and which mails were accepted."""

    port: int
    offers: tuple[str, ...] = OFFERS
    answer: Answer = field(default=lambda _connection, _mail, _command: "")
    said: list[list[str]] = field(default_factory=list)
    accepted: list[bytes] = field(default_factory=list)
    open_now: list[socket.socket] = field(default_factory=list)

    def say_goodbye(self) -> None:
        """Close what's open, as servers do with connections that idle."""
        for peer in self.open_now:
            with suppress(OSError):
                peer.sendall(b"421 4.4.2 Idle for too long\r\n")
                peer.shutdown(socket.SHUT_RDWR)
        self.open_now.clear()

    def commands(self, connection: int) -> list[str]:
        """Return the verbs that came over a connection."""
        return [line.split()[0].upper() for line in self.said[connection]]


@contextmanager
def mail_server() -> Iterator[Server]:
    """Run a server until the end of the block."""
    with socket.create_server((HOST, 0)) as listening:
        server = Server(listening.getsockname()[1])
        threading.Thread(target=_accept, args=(server, listening), daemon=True).start()
        yield server


def _accept(server: Server, listening: socket.socket) -> None:
    with suppress(OSError):
        while True:
            peer, _address = listening.accept()
            number = len(server.said)
            server.said.append([])
            server.open_now.append(peer)
            threading.Thread(target=_serve, args=(server, peer, number), daemon=True).start()


def _serve(server: Server, peer: socket.socket, number: int) -> None:
    mails = 0
    with suppress(OSError), peer, peer.makefile("rb") as lines:
        peer.sendall(b"220 test ESMTP\r\n")
        for line in lines:
            command = line.decode().strip()
            server.said[number].append(command)
            verb = command.split()[0].upper()
            if verb == "MAIL":
                mails += 1
            if not _reply(server, peer, server.answer(number, mails, verb) or _usual(server, verb)):
                return
            if verb == "DATA" and not server.answer(number, mails, verb):
                content = _content(lines)
                other = server.answer(number, mails, ".")
                if other in {"", RESET, SILENT_END}:
                    server.accepted.append(content)
                if not _reply(server, peer, other or "250 2.0.0 Kept"):
                    return
            if verb == "QUIT":
                return


def _content(lines: Iterator[bytes]) -> bytes:
    kept: list[bytes] = []
    for line in lines:
        if line == b".\r\n":
            break
        kept.append(line.removeprefix(b".") if line.startswith(b"..") else line)
    return b"".join(kept)


def _usual(server: Server, verb: str) -> str:
    if verb == "EHLO":
        return "\r\n".join(
            [*(f"250-{one}" for one in ("test", *server.offers)), "250 ENHANCEDSTATUSCODES"]
        )
    return {"DATA": "354 Go on", "QUIT": "221 Bye"}.get(verb, "250 2.0.0 OK")


def _reply(server: Server, peer: socket.socket, reply: str) -> bool:
    """Send a reply; return whether the connection goes on."""
    if reply == RESET:
        # Closing with this says RST instead of FIN.
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False
    if reply == SILENT_END:
        return False
    peer.sendall(f"{reply}\r\n".encode())
    return not reply.startswith("421")
