"""Ports for the servers that tests start: each is given out once on this machine."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

HOST = "127.0.0.1"
# Below what systems hand to outgoing connections (Linux from 32768 on, others from 49152): between
# finding such a port free and listening on it, any connection could take it.
FIRST, LAST = 20_000, 29_999
# A lock for each port, held as long as its process lives, keeps parallel runs apart.
LOCKS = Path(tempfile.gettempdir()) / f"portal-ports-{os.getuid()}"
_held: list[int] = []


def free_port() -> int:
    """Return a port that nobody listens on, and that no other test gets.

    Raises:
        RuntimeError: all ports are taken.
    """
    LOCKS.mkdir(exist_ok=True)
    for port in random.SystemRandom().sample(range(FIRST, LAST + 1), k=LAST + 1 - FIRST):
        if _is_free(port) and _reserve(port):
            return port
    raise RuntimeError(f"No port between {FIRST} and {LAST} is free.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _reserve(port: int) -> bool:
    descriptor = os.open(LOCKS / str(port), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    _held.append(descriptor)
    return True
