"""Buttons that lead to Stripe or to Zelle: over HTMX they lead there, or say why not."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from billing.core.bank_statuses import ExpectedState
from billing.facts import pay_links
from billing.models import ExpectedTransfer, Invoice, Payment, Subscription
from billing.payments import payment_requests
from billing.tests.factories import PRICE_ID
from billing.tests.life import DECLINED_LATER_CARD, deliver, know_the_plan, paid_member, sign_up
from billing.tests.payments.test_single_payments import make_item
from billing.tests.zelle.world import make_terms
from billing.zelle import expecting
from common.money import Money
from conftest import Sandbox, run_jobs
from emails.models import Message

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
LATER = "Please try again in a moment."
FEE = Money(4000, "USD")


@pytest.fixture
def alice(sandbox: Sandbox, client: Client) -> User:
    """A member who's signed in."""
    user = paid_member(sandbox)
    client.force_login(user)
    return user


def send(client: Client, address: str, **form: str) -> Any:
    return client.post(address, form, headers=HTMX)


def said(answer: Any) -> str:
    """Return what's said in the form, which must be all that's answered."""
    assert answer.status_code == 200, answer.status_code
    assert "HX-Redirect" not in answer
    text = re.sub(r"\s+", " ", answer.content.decode()).strip()
    assert re.match(r'<div role="(alert|status)" tabindex="-1" autofocus>', text), text[:80]
    assert "<form" not in text
    return text


def check(
    sandbox: Sandbox, client: Client, page: str, address: str, target: str, **form: str
) -> None:
    """A page has this form, which says that Stripe is away, and leads on once it's back."""
    found = client.get(page).content.decode()
    assert f'action="{address}" hx-post="{address}" hx-target="find .says"' in found
    sandbox.control("switches", api_fail=1)
    assert LATER in said(send(client, address, **form))
    # The page is as it was, and nothing waits to be said on the next one.
    assert LATER not in client.get(page).content.decode()
    # Without scripts, the next page says it.
    plain = client.post(address, form, follow=True).content.decode()
    assert LATER in plain
    assert "<html" in plain
    sandbox.control("switches", api_fail=0)
    assert target in send(client, address, **form)["HX-Redirect"]


def test_the_card_page(sandbox: Sandbox, client: Client, alice: User) -> None:
    check(sandbox, client, "/membership/", "/membership/card/", f"{sandbox.url}/portal/")


def test_adding_a_card(sandbox: Sandbox, client: Client, alice: User) -> None:
    check(sandbox, client, "/account/cards/", "/account/cards/add/", "/checkout/")


def test_paying_an_item(sandbox: Sandbox, client: Client, alice: User) -> None:
    address = reverse("billing:pay-item", args=[make_item(alice).pk])
    check(sandbox, client, "/payments/", address, "/checkout/")


def test_paying_what_was_asked_for(sandbox: Sandbox, client: Client, alice: User) -> None:
    asked = payment_requests.send(alice, FEE, "Workshop fee", 14, sign_up("Sam Staff"))
    path = pay_links.path_of(asked)
    check(sandbox, client, path, path, "/checkout/")


def test_paying_by_a_link_without_signing_in(sandbox: Sandbox) -> None:
    asked = payment_requests.send(sign_up(), FEE, "Workshop fee", 14, sign_up("Sam Staff"))
    path, visitor = pay_links.path_of(asked), Client()
    assert f'hx-post="{path}"' in visitor.get(path).content.decode()
    sandbox.control("switches", api_fail=1)
    assert LATER in said(send(visitor, path))
    sandbox.control("switches", api_fail=0)
    assert "/checkout/" in send(visitor, path)["HX-Redirect"]
    # What ended meanwhile has a page that says so.
    payment_requests.cancel(asked, sign_up("Mia Manager"))
    assert send(visitor, path)["HX-Redirect"] == path
    assert visitor.get(path).status_code == 410


def test_paying_any_amount_says_what_is_wrong_at_its_field(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    check(
        sandbox,
        client,
        "/payments/new/",
        "/payments/new/",
        "/checkout/",
        amount="25.00",
        note="Mat",
    )
    answer = send(client, "/payments/new/", amount="much", note="Mat")
    text = answer.content.decode()
    # The whole form is replaced, with what was typed.
    assert (answer["HX-Retarget"], answer["HX-Reswap"]) == ("#paying", "outerHTML")
    assert text.strip().startswith("<form")
    assert 'aria-invalid="true"' in text
    assert 'value="much"' in text
    assert 'value="Mat"' in text


def test_a_receipt_by_email(sandbox: Sandbox, client: Client, alice: User) -> None:
    payment = Payment.objects.get()
    address = reverse("billing:email-receipt", args=[payment.pk])
    page = client.get(reverse("billing:invoice", args=[payment.invoice_id])).content.decode()
    assert f'hx-post="{address}"' in page
    before = Message.objects.filter(user=alice).count()
    assert f"We’ve emailed your receipt to {alice.email}." in said(send(client, address))
    assert Message.objects.filter(user=alice).count() == before + 1


def test_a_failed_payment_is_paid_from_its_alert(sandbox: Sandbox, client: Client) -> None:
    client.force_login(paid_member(sandbox, card=DECLINED_LATER_CARD))
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    run_jobs()
    pk = Invoice.objects.latest("created_at").pk
    again, another = (
        reverse(f"billing:{name}", args=[pk]) for name in ("pay-again", "pay-with-another")
    )
    text = said(send(client, again))
    assert "Your bank declined the card." in text
    assert 'role="alert"' in text
    for page in ("/", "/membership/"):
        check(sandbox, client, page, another, "/checkout/")


@pytest.fixture
def _by_zelle(sandbox: Sandbox, settings: Settings) -> None:
    settings.ZELLE_PRICE_ID = PRICE_ID
    make_terms()


@pytest.mark.usefixtures("_by_zelle")
def test_the_way_to_pay_changes_in_its_place(sandbox: Sandbox, client: Client, alice: User) -> None:
    page = client.get("/membership/").content.decode()
    assert 'hx-post="/membership/way/" hx-target="#current"' in page
    sandbox.control("switches", api_fail=1)
    text = send(client, "/membership/way/", way="zelle").content.decode()
    assert LATER in text
    assert "Switch to Zelle" in text
    sandbox.control("switches", api_fail=0)
    answer = send(client, "/membership/way/", way="zelle")
    text = answer.content.decode()
    assert text.strip().startswith('<div class="stack stack-l" id="current"')
    assert "You now pay by Zelle." in text
    assert "Switch to card" in text
    # A second click, or an old page, changes nothing back.
    again = send(client, "/membership/way/", way="zelle").content.decode()
    assert "This has already changed." in again
    assert Subscription.objects.get().is_sent


@pytest.mark.usefixtures("_by_zelle")
def test_joining_by_zelle_leads_to_how_to_pay(
    sandbox: Sandbox, client: Client, settings: Settings
) -> None:
    settings.TERMS_URL = "https://harboryoga.example/terms"
    know_the_plan(sandbox)
    user = sign_up()
    client.force_login(user)
    assert 'hx-post="/membership/zelle/"' in client.get("/membership/").content.decode()
    assert "isn’t available anymore" in said(send(client, "/membership/zelle/", price="price_gone"))
    assert not user.terms_accepted.exists()
    answer = send(client, "/membership/zelle/", price=PRICE_ID)
    row = ExpectedTransfer.objects.get()
    assert answer["HX-Redirect"] == f"/zelle/{row.pk}/"
    assert user.terms_accepted.exists()


@pytest.mark.usefixtures("_by_zelle")
def test_a_payment_by_zelle_says_where_it_stands(sandbox: Sandbox, client: Client) -> None:
    user = sign_up()
    client.force_login(user)
    row = expecting.start_amount(user, 2500, "Mat")
    page = f"/zelle/{row.pk}/"
    assert f'hx-post="{page}sent/" hx-target="#payment"' in client.get(page).content.decode()
    wrong = send(client, f"{page}sent/", payer_name="x" * 300).content.decode()
    assert 'aria-invalid="true"' in wrong
    assert "<html" not in wrong
    sent = send(client, f"{page}sent/", payer_name="Alice Archer").content.decode()
    assert "Thank you. We’ll email you when it arrives." in sent
    assert "You sent it from the account of Alice Archer." in sent
    assert "<html" not in sent
    not_sent = send(client, f"{page}sent/", not_sent="yes").content.decode()
    assert "We won’t look for it until you tell us you’ve sent it." in not_sent
    canceled = send(client, f"{page}cancel/").content.decode()
    assert "This payment is canceled." in canceled
    assert "We’re no longer waiting for this payment" in canceled
    row.refresh_from_db()
    assert row.state == ExpectedState.CANCELED
    # What can't be done anymore is said, and the page shows why.
    late = send(client, f"{page}sent/", payer_name="Alice Archer").content.decode()
    assert 'autofocus><div class="alert is-info">' in re.sub(r">\s+<", "><", late)
