"""Webhook senders in a separate process: `python -m bench.senders PORT PATH COUNT RUN`.

Prints the events stored per second. Requests are made and signed before the clock starts, and sent
as bytes, so the senders use little of the CPU that the server needs.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator

from bench.events import signed_request

HOST = "127.0.0.1"
SENDERS = 8
TIMEOUT_SECONDS = 10
STORED = b"HTTP/1.1 200"


class Sender:
    """One connection, kept as long as the server keeps it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connection: socket.socket | None = None

    def send(self, request: bytes) -> None:
        """Send one request and read the whole answer.

        Raises:
            RuntimeError: the answer isn't "stored".
        """
        if self.connection is None:
            self.connection = socket.create_connection((HOST, self.port), TIMEOUT_SECONDS)
        self.connection.sendall(request)
        head, body = self._read_head(self.connection)
        if not head.startswith(STORED):
            raise RuntimeError(f"The webhook was answered with {head[:200]!r}.")
        while len(body) < _length(head):
            body += self.connection.recv(65_536)
        if b"connection: close" in head.lower():
            self.connection.close()
            self.connection = None

    @staticmethod
    def _read_head(connection: socket.socket) -> tuple[bytes, bytes]:
        received = b""
        while b"\r\n\r\n" not in received:
            piece = connection.recv(65_536)
            if not piece:
                raise RuntimeError("The server closed the connection without an answer.")
            received += piece
        head, body = received.split(b"\r\n\r\n", 1)
        return head, body


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


def send_all(port: int, requests: list[bytes]) -> float:
    """Send all requests from several senders at once; return requests per second."""
    waiting: Iterator[bytes] = iter(requests)
    failures: list[Exception] = []
    turn = threading.Lock()

    def work() -> None:
        sender = Sender(port)
        try:
            while True:
                with turn:
                    request = next(waiting, None)
                if request is None or failures:
                    return
                sender.send(request)
        except (OSError, RuntimeError) as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(SENDERS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return len(requests) / (time.perf_counter() - start)


def main() -> int:
    """Send as many events as the command line says."""
    port, path, count, run = sys.argv[1:]
    requests = [signed_request(number, run, path) for number in range(int(count))]
    print(send_all(int(port), requests))
    return 0


if __name__ == "__main__":
    sys.exit(main())
