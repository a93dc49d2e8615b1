"""IMAP servers of the tests' own: one with any folders, with or without TLS, and a bad line to one.

The sandbox's bank has only an inbox, and it never fails.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from argparse import Namespace
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from anyio.from_thread import start_blocking_portal
from imapclient import IMAPClient
from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import Config, Login
from pymap.concurrent import Subsystem
from pymap.imap import IMAPServer
from pymap.user import Passwords, UserMetadata
from pysasl.hashing import BuiltinHash

from testing.ports import free_port

HOST = "127.0.0.1"


@contextmanager
def imap_server(user: str, password: str, certificate: Path | None = None) -> Iterator[int]:
    """Run a server with one user, whose mailbox is empty; the value is its port."""
    port = free_port()
    with start_blocking_portal() as portal:
        serving = _serving(port, user, password, certificate)
        with portal.wrap_async_context_manager(serving):
            yield port


@asynccontextmanager
async def _serving(
    port: int, user: str, password: str, certificate: Path | None
) -> AsyncIterator[None]:
    config = Config(
        Namespace(passlib_cfg=None, proxy_protocol=None),
        host=HOST,
        port=port,
        tls_enabled=False,
        ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
        cpu_subsystem=Subsystem.for_asyncio(),
        hash_context=BuiltinHash(rounds=1),
        invalid_user_sleep=0,
        demo_data=False,
        demo_user=user,
        demo_password=password,
    )
    login = Login(config)
    hashed = await Passwords(config).hash_password(password)
    await login.demo_user_identity.set(UserMetadata(config, user, password=hashed))
    callback = ProxyProtocolReader(config.proxy_protocol).get_callback(IMAPServer(login, config))
    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    listening = await asyncio.start_server(callback, host=HOST, port=port, ssl=context)
    try:
        yield
    finally:
        listening.close()


@contextmanager
def owner(port: int, user: str, password: str) -> Iterator[IMAPClient]:
    """The mailbox's owner, who may do anything there."""
    with IMAPClient(HOST, port, ssl=False, timeout=10) as client:
        client.plain_login(user, password)
        yield client


@dataclass
class Line:
    """A way to another server that notes what's said, and is cut when a command is among `cut_at`.

    `refused`: commands that get a NO instead of their answer.
    """

    port: int
    said: list[bytes] = field(default_factory=list)
    cut_at: Callable[[bytes], bool] = field(default=lambda _line: False)
    refused: Callable[[bytes], bool] = field(default=lambda _line: False)


@contextmanager
def line_to(target: int) -> Iterator[Line]:
    """Listen, and pass on to a port of this machine."""
    with socket.create_server((HOST, 0)) as listening:
        line = Line(listening.getsockname()[1])
        accepting = threading.Thread(target=_accept, args=(line, listening, target), daemon=True)
        accepting.start()
        yield line


def _accept(line: Line, listening: socket.socket, target: int) -> None:
    with suppress(OSError):
        while True:
            client, _address = listening.accept()
            server = socket.create_connection((HOST, target))
            for run, arguments in ((_ask, (line, client, server)), (_answer, (server, client))):
                threading.Thread(target=run, args=arguments, daemon=True).start()


def _ask(line: Line, client: socket.socket, server: socket.socket) -> None:
    with suppress(OSError), client, server, client.makefile("rb") as lines:
        for asked in lines:
            line.said.append(asked)
            if line.cut_at(asked):
                # What the other thread waits for ends, too.
                client.shutdown(socket.SHUT_RDWR)
                server.shutdown(socket.SHUT_RDWR)
                return
            if line.refused(asked):
                client.sendall(asked.split()[0] + b" NO [SERVERBUG] Mail is damaged\r\n")
            else:
                server.sendall(asked)


def _answer(server: socket.socket, client: socket.socket) -> None:
    with suppress(OSError):
        while answered := server.recv(65536):
            client.sendall(answered)
