"""Our addresses leave the process in ASCII."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from common.web_addresses import in_ascii

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
