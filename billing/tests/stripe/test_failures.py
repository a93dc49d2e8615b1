"""What a member reads, and what the log keeps, where Stripe can't do what was asked."""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from billing.membership import cancellation
from billing.models import Checkout, Customer
from billing.stripe import gateway
from billing.tests.life import paid_member, sign_up
from conftest import HOST, Sandbox
from portal.tests.certificates import self_signed
from testing.ports import free_port

pytestmark = pytest.mark.django_db
AWAY = "We can’t reach our payment provider right now."
TROUBLE = "Our payment provider is having trouble right now."
OURS = "Something is wrong on our side"


class Proxy(BaseHTTPRequestHandler):
    """Something on the way that answers in Stripe's place, with a page."""

    status = 200

    def do_POST(self) -> None:
        """Answer with HTML."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b"<html>Please sign in to this network</html>"
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST  # noqa: N815  (the name is the library's)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep quiet."""


class Firewall(Proxy):
    """It lets nothing through."""

    status = 403


@pytest.fixture
def proxy() -> Iterator[HTTPServer]:
    server = HTTPServer((HOST, 0), Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def untrusted(proxy: HTTPServer, tmp_path: Path) -> HTTPServer:
    """The same, with a certificate that nobody vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    proxy.socket = context.wrap_socket(proxy.socket, server_side=True)
    return proxy


def join(client: Client) -> str:
    """Press the button as Alice; return the page that she then sees."""
    client.force_login(sign_up())
    return client.post(reverse("billing:subscribe"), follow=True).content.decode()


def errors(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [one for one in caplog.records if one.levelno >= logging.ERROR]


@pytest.mark.slow
def test_who_is_not_there_can_not_be_reached(
    client: Client, sandbox: Sandbox, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.STRIPE_API_BASE = f"http://{HOST}:{free_port()}"
    page = join(client)
    assert AWAY in page
    assert "Nothing was charged." in page
    assert not errors(caplog)
    assert not Checkout.objects.exists()


@pytest.mark.slow
def test_who_fails_by_themselves_was_reached(
    client: Client, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.control("switches", api_fail=1.0)
    page = join(client)
    assert TROUBLE in page
    assert AWAY not in page
    assert not errors(caplog)


def test_an_answer_that_is_not_stripes_is_no_refusal(
    client: Client, sandbox: Sandbox, settings: Settings, proxy: HTTPServer
) -> None:
    settings.STRIPE_API_BASE = f"http://{HOST}:{proxy.server_port}"
    assert TROUBLE in join(client)
    with pytest.raises(gateway.StripeUnavailable):
        gateway.create_refund("pi_1", 100, "key")


def test_a_refusal_that_is_not_stripes_ends_no_refund(
    client: Client, sandbox: Sandbox, settings: Settings, proxy: HTTPServer
) -> None:
    proxy.RequestHandlerClass = Firewall
    settings.STRIPE_API_BASE = f"http://{HOST}:{proxy.server_port}"
    assert OURS in join(client)
    with pytest.raises(gateway.StripeFault):
        gateway.create_refund("pi_1", 100, "key")


def test_a_certificate_that_is_not_trusted_is_our_fault_to_mend(
    client: Client,
    sandbox: Sandbox,
    settings: Settings,
    untrusted: HTTPServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.STRIPE_API_BASE = f"https://{HOST}:{untrusted.server_port}"
    page = join(client)
    assert OURS in page
    assert "Nothing was charged." in page
    assert settings.SUPPORT_EMAIL in page
    assert AWAY not in page
    assert "CERTIFICATE_VERIFY_FAILED" in caplog.text
    assert any(one.exc_info for one in errors(caplog))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE_SECRET_KEY", "sk_test_zażółć"),  # no header can carry it
        ("STRIPE_API_BASE", "http://[nonsense"),
        ("STRIPE_API_BASE", "ftp://127.0.0.1"),
    ],
)
def test_a_mistake_of_ours_is_not_called_an_outage(
    client: Client,
    sandbox: Sandbox,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    name: str,
    value: str,
) -> None:
    setattr(settings, name, value)
    page = join(client)
    assert OURS in page
    assert AWAY not in page
    assert any(one.exc_info for one in errors(caplog))


def test_a_mistake_does_not_end_a_refund(sandbox: Sandbox, settings: Settings) -> None:
    """A refund is closed only where Stripe refused it; this one is tried again."""
    settings.STRIPE_SECRET_KEY = "sk_test_zażółć"
    with pytest.raises(gateway.StripeFault) as caught:
        gateway.create_refund("pi_1", 100, "key")
    assert not isinstance(caught.value, gateway.StripeRefused | gateway.StripeUnavailable)


@pytest.mark.slow
def test_a_change_of_the_membership_says_whose_fault_it_is(
    sandbox: Sandbox, settings: Settings
) -> None:
    alice = paid_member(sandbox)
    settings.STRIPE_API_BASE = f"http://{HOST}:{free_port()}"
    with pytest.raises(cancellation.MembershipError, match="can’t reach"):
        cancellation.cancel(alice)
    settings.STRIPE_API_BASE = "http://[nonsense"
    with pytest.raises(cancellation.MembershipError, match="on our side"):
        cancellation.cancel(alice)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Łukasz Nowak", "Иван Петров", "Zoë O’Brien 👩‍🚀", "李 小龍"])
def test_every_key_is_ascii(sandbox: Sandbox, settings: Settings, name: str) -> None:
    settings.PORTAL_URL = "https://zażółć-gęślą-jaźń.example"
    user = paid_member(sandbox, name)
    assert Customer.objects.get(user=user).name == name
    cancellation.cancel(user)
    asked = [(one["request"] or {}).get("idempotency_key") for one in sandbox.events()]
    keys = {key for key in asked if key}
    assert {key.rsplit("-", 1)[0].rstrip("-0123456789") for key in keys} >= {
        "portal-customer",
        "portal-decision",
    }
    assert all(key.isascii() and len(key) <= 255 for key in keys)
