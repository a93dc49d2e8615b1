"""Every failure is a page of ours that says what to do next."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from members.tests.actors import alice, browser

pytestmark = pytest.mark.django_db


def page(answer: Any) -> str:
    """Return what's on a page."""
    return unescape(answer.content.decode())


def primary(answer: Any) -> str:
    """Return where a page's main button leads."""
    match = re.search(r'class="button button-primary[^"]*" href="([^"]*)"', page(answer))
    assert match, page(answer)
    return match.group(1)


def test_a_page_that_takes_no_form_says_so_and_can_be_opened() -> None:
    client = browser(alice())
    answer = client.post("/payments/payments.csv")
    assert answer.status_code == 405
    assert answer["Allow"] == "GET"
    assert "That didn’t work here" in page(answer)
    assert "Harbor" in page(answer) or "Portal" in page(answer)
    assert primary(answer) == "/payments/payments.csv"


def test_an_address_of_a_form_that_is_asked_in_another_way_leads_home() -> None:
    answer = browser(alice()).put(reverse("billing:subscribe"))
    assert answer.status_code == 405
    assert primary(answer) == "/"


def test_machines_get_no_page() -> None:
    answer = Client().put(reverse("healthz"))
    assert "That didn’t work here" not in page(answer)


def test_what_is_too_large_says_so(settings: Any) -> None:
    settings.DEBUG = False
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = browser(alice()).post("/help/", {"words": "x" * 2000})
    assert answer.status_code == 413
    assert "That was too large" in page(answer)
    assert primary(answer) == "/"


def test_too_many_fields_say_so(settings: Any) -> None:
    settings.DEBUG = False
    answer = browser(alice()).post("/help/", {f"field-{number}": "x" for number in range(1100)})
    assert answer.status_code == 413


def test_what_is_broken_says_so() -> None:
    answer = browser(alice()).get("/payments/?before=%00")
    assert answer.status_code == 400
    assert "We couldn’t read that" in page(answer)
    assert 'href="/help/"' in page(answer)


@pytest.mark.parametrize(
    ("referer", "leads_to"),
    [
        ("http://testserver/payments/?before=12", "/payments/?before=12"),
        ("http://testserver/nowhere/", "/account/notifications/"),
        ("https://evil.example/account/", "/account/notifications/"),
        ("//evil.example/account/", "/account/notifications/"),
        ("http://testserver//evil.example/", "/account/notifications/"),
        ("javascript:alert(1)", "/account/notifications/"),
        ("", "/account/notifications/"),
    ],
)
def test_an_expired_page_leads_to_the_page_of_its_form(referer: str, leads_to: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice())
    client.cookies["csrftoken"] = "t" * 32
    headers = {"Origin": "https://evil.example", "Referer": referer}
    answer = client.post(reverse("members:phone-remove"), headers=headers)
    assert answer.status_code == 403
    assert "This page has expired" in page(answer)
    assert primary(answer) == leads_to
