"""Whose fault a failed call to another server is: the network's or ours (pure).

Only a network failure means "can't be reached", and only that goes away on its own. A header that
can't be encoded, an untrusted certificate, or a wrong address will fail tomorrow too.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator

import requests
from urllib3 import exceptions as urllib3_exceptions

# The peer, or something in between, went away during a handshake or an answer.
TLS_CUT_SHORT = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
BROKEN_ANSWERS = (
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
# There was no connection, or no trust in who answered, so no request was made.
NEVER_CONNECTED = (
    urllib3_exceptions.NewConnectionError,
    urllib3_exceptions.ConnectTimeoutError,
    urllib3_exceptions.ProxyError,
    ssl.SSLCertVerificationError,
    requests.exceptions.ConnectTimeout,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidHeader,
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
    """Whether an error from `requests`, `smtplib`, or a socket is the network's fault."""
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


def never_left(error: BaseException) -> bool:
    """Whether an error from `requests` says that nothing of the request left this machine."""
    return any(isinstance(one, NEVER_CONNECTED) for one in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and everything it wraps: causes, reasons, arguments."""
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inner = [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
        waiting += [member for member in inner if isinstance(member, BaseException)]
