"""The pages of payments by Zelle, and where other pages offer and mention it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from billing.core.bank_statuses import AllocationState, ExpectedState
from billing.facts import pay_links, zelle
from billing.models import ExpectedTransfer, Invoice, Item, PaymentRequest
from billing.tests import factories
from billing.tests.zelle.world import PNG, make_terms, make_transfer, receive
from billing.zelle import expecting

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
PRICE = "price_zelle_monthly"


@pytest.fixture
def alice(client: Client) -> User:
    user = factories.make_member("Alice Archer")
    client.force_login(user)
    return user


def read(client: Client, path: str, **headers: str) -> str:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, answer.status_code
    return re.sub(r"\s+", " ", answer.content.decode())


def page_of(client: Client, row: ExpectedTransfer) -> str:
    return read(client, f"/zelle/{row.pk}/")


def poll(client: Client, row: ExpectedTransfer, page: str) -> Any:
    """Ask what HTMX asks for from a page."""
    address = re.search(r'hx-get="([^"]+)"', page)
    assert address, page
    return client.get(address[1].replace("&amp;", "&"), headers=HTMX)


def test_the_page_shows_exactly_what_to_send(client: Client, alice: User) -> None:
    make_terms()
    row = expecting.start_amount(alice, 123450, "Guest pass")
    page = page_of(client, row)
    reference = zelle.shown(row)
    assert reference.startswith("HY-")
    for text in ("Pay $1,234.50 by Zelle", "Guest pass", "Harbor Yoga LLC", reference):
        assert text in page
    assert f'data-copy="{reference}"' in page
    assert 'data-copy="1234.50"' in page
    assert 'data-copy="pay@harboryoga.example"' in page
    assert 'value="Alice Archer"' in page
    assert "/static/copy" in page
    assert "/zelle/code/?v=" in page
    # A page that's typed into isn't loaded again where there are no scripts.
    assert "http-equiv" not in page


def test_others_find_nothing(client: Client, alice: User) -> None:
    make_terms()
    row = expecting.start_amount(factories.make_member("Bob"), 2500, "")
    assert client.get(f"/zelle/{row.pk}/").status_code == 404
    assert client.post(f"/zelle/{row.pk}/sent/", {"payer_name": "x"}).status_code == 404
    assert client.post(f"/zelle/{row.pk}/cancel/").status_code == 404
    client.logout()
    assert client.get(f"/zelle/{row.pk}/")["Location"].startswith("/accounts/login/")
    assert client.get("/zelle/code/")["Location"].startswith("/accounts/login/")
    row.refresh_from_db()
    assert (row.state, row.said_sent_at) == ("waiting", None)


def test_the_code_is_an_image_and_nothing_else(client: Client, alice: User) -> None:
    assert client.get("/zelle/code/").status_code == 404
    make_terms()
    answer = client.get("/zelle/code/")
    assert answer.content == PNG
    assert answer["Content-Type"] == "image/png"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "private, max-age=3600"
    make_terms(code=b"<svg onload='x'/>", code_type="image/svg+xml")
    assert client.get("/zelle/code/").status_code == 404
    make_terms(code=None, code_type="")
    assert client.get("/zelle/code/").status_code == 404
    row = expecting.start_amount(alice, 2500, "")
    assert "/zelle/code/" not in page_of(client, row)


def test_money_of_another_amount_that_names_it_is_being_checked(
    client: Client, alice: User
) -> None:
    make_terms()
    row = expecting.start_amount(alice, 2900, "Mat")
    page = page_of(client, row)
    make_transfer(2000, memo=f"mat {zelle.shown(row).lower()}", name="BOB")
    seen = poll(client, row, page).content.decode()
    assert "Your money has arrived" in seen
    assert "Enter exactly" not in seen
    home = read(client, "/")
    assert "Your Zelle payment of $29.00 is being confirmed" in home
    assert "See how to pay" not in home
    assert poll(client, row, seen).status_code == 204
    other = expecting.start_amount(factories.make_member("Ada Byron"), 2900, "Mat")
    client.force_login(other.user)
    assert "Enter exactly" in page_of(client, other)


def test_it_says_where_the_payment_stands(client: Client, alice: User) -> None:
    make_terms()
    row = expecting.start_amount(alice, 2900, "Mat")
    page = page_of(client, row)
    assert poll(client, row, page).status_code == 204
    assert "Cancel this payment" in page

    answer = client.post(f"/zelle/{row.pk}/sent/", {"payer_name": " Archer  Trust "})
    assert answer["Location"] == f"/zelle/{row.pk}/"
    fragment = poll(client, row, page).content.decode()
    assert "<html" not in fragment
    assert "looking out for it" in fragment
    page = page_of(client, row)
    assert "Archer Trust" in page
    assert 'http-equiv="refresh"' in page
    assert "Cancel this payment" not in page
    assert poll(client, row, page).status_code == 204

    receive(row, 2000)
    part = poll(client, row, page).content.decode()
    assert "Send the remaining $9.00" in part
    assert 'data-copy="9.00"' in part
    assert "We received $20.00 of $29.00" in part
    assert "I’ve sent it" not in part
    receive(row, 900, state="proposed")
    rest = poll(client, row, part).content.decode()
    assert "Your money has arrived" in rest
    assert "Send the remaining" not in rest + client.get("/").content.decode()
    allocation = row.allocations.get(state="proposed")
    allocation.state = AllocationState.CONFIRMED
    allocation.save()
    row.state, row.confirmed_at = ExpectedState.CONFIRMED, timezone.now()
    row.save()
    paid = poll(client, row, part).content.decode()
    assert "Payment received. Thank you." in paid
    assert "Your invoice will be here in a moment" in paid
    assert poll(client, row, paid).status_code == 204

    row.refresh_from_db()
    row.invoice = factories.make_invoice(factories.make_customer(alice))
    row.booked_at = timezone.now()
    row.save()
    booked = poll(client, row, paid).content.decode()
    assert f'href="/payments/invoices/{row.invoice.pk}/"' in booked
    assert "hx-get" not in booked


def test_money_that_a_bank_announced_is_being_checked(client: Client, alice: User) -> None:
    make_terms()
    row = expecting.start_amount(alice, 2900, "Mat")
    receive(row, state="proposed")
    page = page_of(client, row)
    assert "Your money has arrived" in page
    assert "I’ve sent it" not in page
    assert "is being confirmed" in read(client, "/")


def test_an_expired_or_canceled_payment_leads_to_a_new_one(client: Client, alice: User) -> None:
    make_terms()
    row = expecting.start_amount(alice, 2900, "Mat")
    client.post(f"/zelle/{row.pk}/cancel/")
    page = page_of(client, row)
    assert "no longer waiting for this payment" in page
    assert 'href="/payments/new/?amount=29.00&amp;note=Mat"' in page
    ExpectedTransfer.objects.update(state=ExpectedState.EXPIRED)
    assert "Expired" in page_of(client, row)
    assert "data-copy" not in page_of(client, row)
    # Saying so now changes nothing, and says why.
    client.post(f"/zelle/{row.pk}/sent/", {"payer_name": "x"})
    assert "no longer waiting" in page_of(client, row)


def test_nobody_is_told_to_send_what_is_not_taken_anymore(client: Client, alice: User) -> None:
    make_terms()
    row = expecting.start_amount(alice, 2900, "Mat")
    make_terms(takes_amounts=False)
    page = page_of(client, row)
    assert "We no longer take Zelle for this" in page
    assert "data-copy" not in page


def test_a_name_is_needed_and_remembered(client: Client, alice: User) -> None:
    make_terms()
    row = expecting.start_amount(alice, 2900, "Mat")
    answer = client.post(f"/zelle/{row.pk}/sent/", {"payer_name": " "})
    assert "Enter the name on the account." in answer.content.decode()
    client.post(f"/zelle/{row.pk}/sent/", {"payer_name": "Archer Trust"})
    client.post(f"/zelle/{row.pk}/sent/", {"not_sent": "yes"})
    assert 'value="Archer Trust"' in page_of(client, row)
    client.post(f"/zelle/{row.pk}/cancel/")
    assert 'value="Archer Trust"' in page_of(client, expecting.start_amount(alice, 3000, ""))


def test_long_and_hostile_words_stay_words(client: Client, alice: User) -> None:
    make_terms(name="N" * 60, address="a" * 110 + "@x.example")
    words = "<script>alert(1)</script>" + "W" * 75
    client.post("/payments/new/", {"amount": "29", "note": words, "by": "zelle"})
    page = page_of(client, ExpectedTransfer.objects.get())
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_an_amount_is_paid_by_zelle(client: Client, alice: User) -> None:
    assert "Pay by Zelle" not in read(client, "/payments/new/")
    make_terms(minimum=1000)
    page = read(client, "/payments/new/")
    assert "Pay by Zelle" in page
    assert "from $10.00 to $2,000.00" in page
    answer = client.post("/payments/new/", {"amount": "40", "note": "Mat", "by": "zelle"})
    row = ExpectedTransfer.objects.get()
    assert answer["Location"] == f"/zelle/{row.pk}/"
    assert (row.amount, row.description) == (4000, "Mat")
    answer = client.post("/payments/new/", {"amount": "9", "by": "zelle"}, follow=True)
    assert "You can pay from $10.00" in answer.content.decode()


def test_home_and_payments_mention_an_open_payment(client: Client, alice: User) -> None:
    make_terms()
    row = expecting.start_amount(alice, 2900, "Mat")
    for path in ("/", "/payments/"):
        page = read(client, path)
        assert "Waiting for your Zelle payment of $29.00" in page
        assert zelle.shown(row) in page
        assert f'href="/zelle/{row.pk}/"' in page
    receive(row, 2000)
    assert "$9.00 is still missing" in read(client, "/payments/")
    receive(row, 900)
    assert "We received $29.00 by Zelle" in read(client, "/")
    ExpectedTransfer.objects.update(booked_at=timezone.now())
    assert "by Zelle" not in read(client, "/")


def test_a_request_is_paid_by_zelle_and_asked_for_once(client: Client, alice: User) -> None:
    make_terms()
    request = PaymentRequest.objects.create(
        user=alice, amount=4000, currency="usd", description="Workshop", sent_at=timezone.now()
    )
    path = pay_links.path_of(request)
    assert 'name="by" value="zelle"' in read(client, path)
    answer = client.post(path, {"by": "zelle"})
    row = ExpectedTransfer.objects.get()
    assert answer["Location"] == f"/zelle/{row.pk}/"
    assert "Please pay $40.00" not in read(client, "/")
    assert f'href="/zelle/{row.pk}/"' in read(client, path)
    assert path in page_of(client, row)
    payments = read(client, "/payments/")
    assert path not in payments
    receive(row)
    assert "being confirmed" in read(client, path)


def test_an_item_is_paid_by_zelle(client: Client, alice: User) -> None:
    item = Item.objects.create(name="Key", amount=1000, currency="usd", for_everybody=True)
    assert "or by Zelle" not in read(client, "/payments/")
    make_terms()
    assert "or by Zelle" in read(client, "/payments/")
    answer = client.post(f"/payments/items/{item.pk}/", {"by": "zelle"})
    assert answer["Location"] == f"/zelle/{ExpectedTransfer.objects.get().pk}/"
    assert "or by Zelle" not in read(client, "/payments/")


def test_a_membership_is_offered_at_its_prices_for_zelle(
    client: Client, alice: User, settings: Settings
) -> None:
    settings.ZELLE_PRICE_ID, settings.ZELLE_YEARLY_PRICE_ID = PRICE, "price_zelle_yearly"
    factories.make_plan()
    factories.make_plan(stripe_id=PRICE, amount=2800)
    factories.make_plan(stripe_id="price_zelle_yearly", amount=28000, interval="year")
    assert "Prefer to pay by Zelle?" not in read(client, "/membership/")
    make_terms()
    page = read(client, "/membership/")
    assert "$28.00 a month" in page
    assert "$280.00 a year" in page
    make_terms(maximum=10_000)
    page = read(client, "/membership/")
    assert "$28.00 a month" in page
    assert "$280.00 a year" not in page
    settings.STRIPE_TAX = True
    factories.make_plan(stripe_id="price_other")
    assert "Prefer to pay by Zelle?" not in read(client, "/membership/")


def test_a_membership_that_zelle_has_paid_is_not_offered_again(
    client: Client, alice: User, settings: Settings
) -> None:
    settings.ZELLE_PRICE_ID, settings.STRIPE_PRICE_ID = PRICE, factories.PRICE_ID
    factories.make_plan()
    factories.make_plan(stripe_id=PRICE, amount=2800)
    make_terms()
    row = ExpectedTransfer.objects.create(
        user=alice,
        reference="7K3P4",
        purpose="membership",
        price_id=PRICE,
        amount=2800,
        currency="usd",
        description="Membership, one month",
        created_at=timezone.now(),
    )
    page = read(client, "/membership/")
    assert "Waiting for your Zelle payment of $28.00" in read(client, "/")
    assert "Prefer to pay by Zelle?" not in page
    assert "Subscribe" in page
    receive(row)
    for path in ("/", "/membership/"):
        page = read(client, path)
        assert "Your membership starts in a few minutes" in page
        assert "Subscribe" not in page
        assert "No plans" not in page


def sent_invoice(user: User, **fields: Any) -> Invoice:
    values: dict[str, Any] = {"status": "open", "collection_method": "send_invoice"}
    values["due_at"] = timezone.now() + timedelta(days=3)
    return factories.make_invoice(
        factories.make_customer(user), hosted_url="https://stripe.example/i", **values | fields
    )


def test_an_open_invoice_is_paid_by_zelle(client: Client, alice: User) -> None:
    make_terms()
    invoice = sent_invoice(alice)
    path = f"/payments/invoices/{invoice.pk}/"
    page = read(client, path)
    assert "Pay now" in page
    assert f'action="{path}zelle/"' in page
    answer = client.post(f"{path}zelle/")
    row = ExpectedTransfer.objects.get()
    assert answer["Location"] == f"/zelle/{row.pk}/"
    page = read(client, path)
    assert f'href="/zelle/{row.pk}/"' in page
    assert "Pay by card" in page
    assert invoice.due_at
    due = timezone.localtime(invoice.due_at)
    assert f'Please send it before <time datetime="{due:%Y-%m-%d}' in page_of(client, row)
    home = read(client, "/")
    assert f"with the memo {zelle.shown(row)}" in home
    assert f'href="/zelle/{row.pk}/"' in home
    assert "Please pay $29.00" in home
    assert "Waiting for your Zelle payment" not in home
    receive(row)
    assert "Please pay" not in read(client, "/")
    assert "We received $29.00 by Zelle" in read(client, "/")
    assert "Pay by" not in read(client, path)


def test_an_invoice_that_is_charged_offers_no_zelle(client: Client, alice: User) -> None:
    make_terms()
    invoice = sent_invoice(alice, collection_method="charge_automatically", attempt_count=1)
    path = f"/payments/invoices/{invoice.pk}/"
    assert "Zelle" not in read(client, path)
    answer = client.post(f"{path}zelle/", follow=True)
    assert "paid another way" in answer.content.decode()
    other = sent_invoice(factories.make_member("Bob"))
    client.post(f"/payments/invoices/{other.pk}/zelle/")
    assert not ExpectedTransfer.objects.exists()
