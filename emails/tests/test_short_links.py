"""Short addresses in texts lead to our own pages, and nowhere else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from conftest import Sandbox, run_jobs
from emails import forgetting, rendering, resending, short_links
from emails.catalog import Kind
from emails.models import Channel, Message
from emails.tests.test_delivery import nina, put
from portal.backoffice.message_samples import CONTEXTS, SAMPLES

pytestmark = pytest.mark.django_db
HOST = "https://portal.example.com"


@pytest.fixture(autouse=True)
def portal(settings: Settings) -> None:
    """The address that the samples have."""
    settings.PORTAL_URL = HOST


def text(url: Any, **facts: Any) -> Message:
    """Make a text with a link."""
    context = SAMPLES[Kind.PAYMENT_RECEIVED] | {"url": url} | facts
    key = short_links.new_key()
    return Message.objects.create(
        kind=Kind.PAYMENT_RECEIVED,
        channel=Channel.SMS,
        context=context,
        dedupe_key=key,
        link_key=key,
    )


def test_a_text_has_a_short_address_that_leads_to_its_page(
    sandbox: Sandbox, client: Client
) -> None:
    user = nina()
    put(user)
    run_jobs()
    [sent] = sandbox.look("phone")
    found = re.search(rf"{HOST}(/t/\w{{10}}/)", sent["body"])
    assert found
    assert "/payments/" not in sent["body"]
    answer = client.get(found[1])
    assert (answer.status_code, answer["Location"]) == (302, "/payments/invoices/123456/")
    assert "no-store" in answer["Cache-Control"]
    # The page itself asks for a sign-in.
    asked = client.get(answer["Location"])
    assert asked["Location"].startswith(reverse("account_login"))


def test_each_text_has_its_own_and_mails_have_none() -> None:
    user = nina()
    [mail, first] = put(user, "in_1")
    [_mail, second] = put(user, "in_2")
    assert mail.link_key is None
    assert first.link_key
    assert second.link_key
    assert first.link_key != second.link_key
    with transaction.atomic():
        Message.objects.filter(pk=first.pk).update(state="sent")
        copy = resending.resend(first, User.objects.create_user("staff"))
    assert copy.link_key not in {None, first.link_key}


def test_an_address_that_is_short_already_stays() -> None:
    assert short_links.of(text(f"{HOST}/membership/")) == {}


def test_a_text_with_two_addresses_has_two() -> None:
    key = short_links.new_key()
    message = Message(
        kind=Kind.INVOICE_SENT,
        channel=Channel.SMS,
        context=CONTEXTS[Kind.INVOICE_SENT].as_json() | {"zelle_url": f"{HOST}/zelle/1234567890/"},
        link_key=key,
    )
    assert f"Zelle memo HY-7K3P-4: {HOST}/t/{key}b/" in rendering.render_sms(message)
    message.dedupe_key = "1"
    message.save()
    assert short_links.destination(f"{key}a") == "/payments/invoices/123456/"
    assert short_links.destination(f"{key}b") == "/zelle/1234567890/"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/payments/invoices/123456/",
        f"{HOST}//evil.example/payments/invoices/",
        f"{HOST}/\\evil.example/payments/invoices/",
        f"{HOST}.evil.example/payments/invoices/123/",
        f"{HOST}@evil.example/payments/invoices/123/",
        "javascript:alert(1)//payments/invoices/123456",
        None,
        7,
        ["/payments/"],
    ],
)
def test_nothing_leads_to_another_site(client: Client, elsewhere: Any) -> None:
    message = text(elsewhere)
    assert short_links.of(message) == {}
    answer = client.get(reverse("short-link", args=[f"{message.link_key}a"]))
    assert answer.status_code == 404
    assert "Location" not in answer


def test_an_old_texts_address_says_that_it_has_ended(client: Client) -> None:
    message = text(f"{HOST}/payments/invoices/123456/")
    address = reverse("short-link", args=[f"{message.link_key}a"])
    assert client.get(address).status_code == 302
    Message.objects.filter(pk=message.pk).update(**forgetting.emptied())
    answer = client.get(address)
    assert answer.status_code == 404
    assert "This link has expired" in answer.content.decode()
    assert Message.objects.get(pk=message.pk).link_key is None


def test_a_code_of_a_sign_in_leads_nowhere(client: Client) -> None:
    Message.objects.create(
        kind=Kind.PHONE_CODE, channel=Channel.SMS, dedupe_key="1", link_key="2" * 9
    )
    assert client.get(reverse("short-link", args=["222222222a"])).status_code == 404


@pytest.mark.parametrize(
    "code", ["x", "2" * 300, "222222222c", "../../etc/p", "%00" * 3, "ａ" * 10]
)
def test_a_guess_leads_nowhere_and_guesses_are_counted(
    client: Client, settings: Settings, code: str
) -> None:
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"text_link_unknown": "2/m/ip"}
    address = f"/t/{code.replace('/', '%2f')}/"
    answers = [client.get(address).status_code for _ in range(3)]
    assert answers in ([404, 404, 429], [400, 400, 400], [404, 404, 404])
    ours = text(f"{HOST}/payments/invoices/123456/", now=str(timezone.now()))
    assert client.get(reverse("short-link", args=[f"{ours.link_key}a"])).status_code == 302
