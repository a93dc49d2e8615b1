"""The staff site's pages about Stripe's balance: payouts, and what they're made of."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from billing.models import BalanceTransaction, Payout
from billing.sync import balance
from billing.tests.life import deliver, paid_member
from billing.tests.staff_world import auditor, support
from common.staff import show
from conftest import Sandbox
from portal.models import Download

pytestmark = pytest.mark.django_db


def page(user: User, url: str) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get(url)
    assert answer.status_code == 200
    return " ".join(strip_tags(answer.content.decode().replace("<", " <")).split())


def paid_out(sandbox: Sandbox) -> Payout:
    """Two members' payments, less a refund, on their way to the bank."""
    sandbox.control("switches", automatic_payouts=True)
    paid_member(sandbox, "Alice Archer")
    paid_member(sandbox, "Bob Baker")
    [first, _second] = sandbox.stripe.v1.payment_intents.list().data
    sandbox.stripe.v1.refunds.create({"payment_intent": first.id, "amount": 900})
    sandbox.control("clock", advance_seconds=6 * 86_400)
    deliver(sandbox.events())
    return Payout.objects.get()


def test_a_payout_says_which_payments_it_is_made_of(
    sandbox: Sandbox, django_assert_max_num_queries: Any
) -> None:
    payout = paid_out(sandbox)
    assert str(payout.money) == "$46.72"
    user = auditor()
    with django_assert_max_num_queries(40):
        text = page(user, show.page_of(payout))
    for name in ("Alice Archer", "Bob Baker"):
        assert f"Payment {name} $29.00 −$1.14 $27.86" in text
    assert "Refund Bob Baker −$9.00 −$9.00" in text or "Refund Alice Archer −$9.00" in text
    assert "Together $49.00 −$2.28 $46.72" in text
    assert "differs" not in text
    listed = page(user, show.list_of("billing.balancetransaction", paid_out_in=payout.pk))
    assert listed.count("Payout of $46.72") >= 3


def test_what_is_on_its_way_has_not_arrived(sandbox: Sandbox) -> None:
    payout = paid_out(sandbox)
    Payout.objects.update(status="in_transit")
    listed = show.list_of("billing.payout")
    user = auditor()
    assert "On its way $46.72" in page(user, listed)
    assert "Arrived" not in page(user, listed)
    for status, stripe_id in (("paid", "po_1"), ("failed", "po_2"), ("pending", "po_3")):
        payout.pk, payout.stripe_id, payout.status = None, stripe_id, status
        payout.save(force_insert=True)
    shown = page(user, listed)
    assert "Arrived $46.72 On its way $93.44 Came back $46.72" in shown
    assert "Paid out" not in shown


def test_a_payout_that_does_not_add_up_says_so(sandbox: Sandbox) -> None:
    payout = paid_out(sandbox)
    BalanceTransaction.objects.filter(category="refund").delete()
    text = page(auditor(), show.page_of(payout))
    assert "This differs from the payout by −$9.00." in text
    balance.sync_payout(payout.stripe_id)
    assert "differs" not in page(auditor2(), show.page_of(payout))


def auditor2() -> User:
    return User.objects.get(first_name="Audrey")


def test_a_payout_by_hand_has_no_payments(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    made = sandbox.stripe.v1.payouts.create({"amount": 5000, "currency": "usd"})
    balance.read_balance()
    text = page(auditor(), show.page_of(Payout.objects.get(stripe_id=made.id)))
    assert "made by hand" in text


def test_the_list_adds_up_to_the_balance_and_is_exported(sandbox: Sandbox) -> None:
    paid_out(sandbox)
    user = support()
    client = Client()
    client.force_login(user)
    address = reverse("admin:billing_balancetransaction_download", args=["csv"])
    answer = client.get(address, {"what": "charge"})
    body = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    head, *rows = csv.reader(io.StringIO(body))
    assert [row[head.index("Net")] for row in rows] == ["27.86", "27.86"]
    assert [row[head.index("Fee")] for row in rows] == ["-1.14", "-1.14"]
    assert Download.objects.get(by=user).filters == "What it is: Payment"
    everything = client.get(address)
    body = b"".join(everything.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    head, *rows = csv.reader(io.StringIO(body))
    assert sum(float(row[head.index("Net")]) for row in rows) == 10_000
