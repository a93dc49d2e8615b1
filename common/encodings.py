"""Requests must be UTF-8.

Django decodes addresses and forms by the Content-Type's `charset`, before any middleware runs. If
that isn't a text encoding (`hex`), or not one that forms may use, it fails with a 500.
"""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.utils.http import parse_header_parameters

REFUSED = b"Requests must be in UTF-8.\n"
HEADERS = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(REFUSED)))]


def utf8_only(application: WSGIApplication) -> WSGIApplication:
    """Wrap an application to answer 400 to requests in another encoding."""

    def guarded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if is_utf8(environ.get("CONTENT_TYPE", "")):
            return application(environ, start_response)
        start_response("400 Bad Request", HEADERS)
        return [REFUSED]

    return guarded


def is_utf8(content_type: str) -> bool:
    """Whether a Content-Type names UTF-8 or no encoding; an unreadable one counts as another."""
    try:
        charset: str = parse_header_parameters(content_type)[1].get("charset", "utf-8")
    except (LookupError, ValueError):
        return False
    return charset.lower() == "utf-8"
