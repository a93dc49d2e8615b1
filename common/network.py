"""Whose fault is a failed call to another server: the network's, or ours? (pure)

Only what the network did may be called "can't be reached", and only that heals by itself. A header
that can't be encoded, a certificate that is not trusted or a wrong address will fail tomorrow too.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator

import requests

# The peer or something on the way went away in the middle of a handshake or of an answer.
TLS_CUT_SHORT = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
BROKEN_ANSWERS = (
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
WAYS_THAT_ARE_DOWN = frozenset(
    {
        errno.EADDRNOTAVAIL,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.ENETRESET,
        errno.ENETUNREACH,
        errno.ETIMEDOUT,
    }
)


def is_network_error(error: BaseException | None) -> bool:
    """Whether an error of `requests`, `smtplib` or a socket says that the network is to blame."""
    if error is None:
        return False
    tls = next((one for one in _chain(error) if isinstance(one, ssl.SSLError)), None)
    if tls:
        return isinstance(tls, (*TLS_CUT_SHORT, TimeoutError)) or "timed out" in str(tls)
    if isinstance(error, requests.exceptions.SSLError):
        return False
    if isinstance(error, requests.exceptions.RequestException):
        kinds = (requests.exceptions.Timeout, requests.exceptions.ConnectionError)
        return isinstance(error, (*kinds, *BROKEN_ANSWERS))
    if isinstance(error, (ConnectionError, TimeoutError, socket.gaierror, socket.herror)):
        return True
    return isinstance(error, OSError) and error.errno in WAYS_THAT_ARE_DOWN


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it was made from: libraries wrap in causes, reasons, arguments."""
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inner = [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
        waiting += [found for found in inner if isinstance(found, BaseException)]
