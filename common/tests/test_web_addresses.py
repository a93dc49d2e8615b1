"""Our addresses leave the process in ASCII."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from common.web_addresses import in_ascii, origin, passkey_domain

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("https://żółw.example", "https://xn--w-uga1v8h.example"),
        ("https://ŻÓŁW.example:8443", "https://xn--w-uga1v8h.example:8443"),
        ("https://żółw.example/warunki/część-1?a=ś", None),
        ("https://portal.example.com/Terms", "https://portal.example.com/Terms"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://[nonsense", "http://[nonsense"),
        ("", ""),
    ],
)
def test_a_host_beyond_ascii_is_written_as_dns_has_it(written: str, sent: str | None) -> None:
    assert in_ascii(written).isascii()
    assert sent is None or in_ascii(written) == sent


def test_the_portal_may_live_at_such_a_host() -> None:
    code = (
        "from django.conf import settings as s; "
        "print(s.PORTAL_URL, *s.ALLOWED_HOSTS, *s.CSRF_TRUSTED_ORIGINS)"
    )
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DEBUG": "true",
        "PORTAL_URL": "http://żółw.example:8000",
        "ALLOWED_HOSTS": "żółw.example,.koń.example",
        "CSRF_TRUSTED_ORIGINS": "http://żółw.example:8000",
    }
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [
        "http://xn--w-uga1v8h.example:8000",
        "xn--w-uga1v8h.example",
        ".xn--ko-4qa.example",
        "http://xn--w-uga1v8h.example:8000",
    ]


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://portal.example.com", "portal.example.com"),
        ("https://portal.example.com:8443", "portal.example.com"),
        ("http://localhost:8000", "localhost"),
        ("http://portal.localhost:8000", "portal.localhost"),
        ("http://portal.example.com", ""),
        ("http://127.0.0.1:8000", ""),
        ("https://192.0.2.1", ""),
        ("https://[2001:db8::1]", ""),
        ("", ""),
    ],
)
def test_passkeys_belong_to_a_domain_over_https_or_on_this_machine(url: str, domain: str) -> None:
    assert passkey_domain(url) == domain


@pytest.mark.parametrize(
    ("url", "its_origin"),
    [
        ("https://portal.example.com", "https://portal.example.com"),
        ("https://portal.example.com:443/account/", "https://portal.example.com"),
        ("https://portal.example.com:8443", "https://portal.example.com:8443"),
        ("http://localhost:8000", "http://localhost:8000"),
    ],
)
def test_an_origin_is_as_browsers_name_it(url: str, its_origin: str) -> None:
    assert origin(url) == its_origin
