"""No encoding that a request claims makes the portal fail."""

from __future__ import annotations

import io
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.core.servers.basehttp import get_internal_wsgi_application

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"
PATHS = ["/accounts/login/", "/accounts/signup/", "/billing/webhook/", "/sms/inbound/", "/healthz/"]
OTHERS = ["utf-7", "hex", "zip", "idna", "rot13", "undefined", "utf8", "latin-1", "nonsense"]


def ask(method: str, path: str, content_type: str) -> int:
    """Send a request to the application that the web server serves; return its status."""
    body = b"login=%ff+2AA-&password=x"
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "next=%2Fpayments%2F&x=%ff+2AA-",
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "HTTP_HOST": "testserver",
    }
    setup_testing_defaults(environ)
    told: list[str] = []

    def start(status: str, *_rest: Any) -> Callable[[bytes], object]:
        told.append(status)
        return bytes

    b"".join(get_internal_wsgi_application()(environ, start))
    return int(told[-1].split()[0])


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", PATHS)
def test_another_encoding_is_refused(method: str, path: str) -> None:
    for charset in OTHERS:
        for kind in (FORM, "multipart/form-data; boundary=b", "text/plain"):
            asked = f"{kind}; charset={charset}"
            assert ask(method, path, asked) == HTTPStatus.BAD_REQUEST, asked
    assert ask(method, path, f"{FORM}; charset*=nonsense''utf-8") == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", '; charset="UTF-8"', "; charset=Utf-8"])
def test_utf8_is_read(charset: str) -> None:
    assert ask("GET", "/accounts/login/", f"{FORM}{charset}") == HTTPStatus.OK
    assert ask("POST", "/accounts/login/", f"{FORM}{charset}") == HTTPStatus.FORBIDDEN
