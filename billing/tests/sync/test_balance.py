"""Stripe's balance is copied: transactions, what caused them, and the payouts they left in."""

from __future__ import annotations

import html
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db.models import Sum
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from billing.core.statuses import PayoutStatus
from billing.models import (
    BalanceReading,
    BalanceTransaction,
    Customer,
    Dispute,
    Payment,
    Payout,
    Reconciliation,
    Refund,
    StripeEvent,
)
from billing.reconcile import missed_events
from billing.reconcile.comparison_report import lines
from billing.stripe import gateway, snapshots
from billing.stripe.snapshots.balance import DESCRIBED
from billing.sync import balance
from billing.tests.life import DISPUTED_CARD, deliver, paid_member
from billing.tests.staff_world import superuser
from conftest import Sandbox, run_jobs
from portal.backoffice import current_problems, problems

pytestmark = pytest.mark.django_db

BROUGHT_FORWARD = 1_000_000


def agrees() -> bool:
    """Whether the copy's sums are the balance that Stripe gave."""
    sums = BalanceTransaction.objects.values("currency").order_by("currency")
    ours = dict(sums.annotate(total=Sum("net")).values_list("currency", "total"))
    return bool(ours == BalanceReading.objects.get().totals)


def booked(**of: Any) -> BalanceTransaction:
    return BalanceTransaction.objects.get(**of)


def catch_up(sandbox: Sandbox) -> None:
    """Tell the portal all that Stripe told by now."""
    known = set(StripeEvent.objects.values_list("stripe_id", flat=True))
    deliver(one for one in sandbox.events() if one["id"] not in known)


def test_a_payment_is_followed_by_its_fee(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    payment = Payment.objects.get()
    row = booked(payment=payment)
    assert (row.kind, row.category, row.amount, row.fee) == ("charge", "charge", 2900, 114)
    assert (row.net, row.source_id) == (2900 - 114, payment.charge_id)
    assert [(one["type"], one["amount"]) for one in row.fees] == [("stripe_fee", 114)]
    # Stripe describes a charge as the member's payment is described; that isn't kept twice.
    assert row.description == ""
    assert booked(kind="adjustment").description == "Balance brought forward"
    assert agrees()


@pytest.mark.parametrize(
    ("category", "kept"),
    [
        ("charge_failure", ""),
        ("partial_capture_reversal", ""),
        ("something_new", ""),
        (None, ""),
        ("fee", "For Alice"),
        ("payout", "For Alice"),
    ],
)
def test_only_what_no_member_causes_keeps_its_description(category: str | None, kept: str) -> None:
    data = {"id": "txn_1", "type": "adjustment", "amount": 1, "fee": 0, "net": 1, "currency": "usd"}
    data |= {"created": 1, "available_on": 1, "description": "For Alice"}
    assert snapshots.transaction(data | {"reporting_category": category}).description == kept


def test_what_was_kept_before_is_cleared(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    BalanceTransaction.objects.filter(category="charge").update(description="For Alice")
    assert booked(kind="adjustment").category in DESCRIBED
    import_module("billing.migrations.0039_of_members_and_connected").clear_descriptions(apps, None)
    assert booked(category="charge").description == ""
    assert booked(kind="adjustment").description == "Balance brought forward"


def test_refunds_and_disputes_are_linked(sandbox: Sandbox) -> None:
    paid_member(sandbox, "Alice Archer")
    paid_member(sandbox, "Bob Baker", DISPUTED_CARD)
    alice = Payment.objects.get(customer__user__first_name="Alice")
    made = sandbox.stripe.v1.refunds.create({"payment_intent": alice.stripe_id, "amount": 900})
    sandbox.control("clock", advance_seconds=5)
    sandbox.control(f"refunds/{made.id}", step="fail")
    catch_up(sandbox)
    refund, dispute = Refund.objects.get(), Dispute.objects.get()
    assert {(one.kind, one.net) for one in refund.booked.all()} == {
        ("refund", -900),
        ("refund_failure", 900),
    }
    assert (booked(dispute=dispute).net, booked(dispute=dispute).fee) == (-2900 - 1500, 1500)
    evidence: Any = {"evidence": {"uncategorized_text": "winning_evidence"}}
    sandbox.stripe.v1.disputes.update(dispute.stripe_id, evidence)
    sandbox.control("clock", advance_seconds=10)
    catch_up(sandbox)
    back = booked(dispute=dispute, category="dispute_reversal")
    assert (back.net, back.fee) == (2900, 0)
    assert agrees()


def test_a_payout_names_what_it_pays_out_and_comes_back_if_it_fails(sandbox: Sandbox) -> None:
    sandbox.control("switches", automatic_payouts=True)
    paid_member(sandbox)
    sandbox.control("clock", advance_seconds=6 * 86_400)
    catch_up(sandbox)
    payout = Payout.objects.get()
    assert (payout.status, payout.amount) == (PayoutStatus.PAID, 2900 - 114)
    assert payout.trace
    assert {(one.kind, one.net) for one in payout.paid_out.all()} == {
        ("charge", 2786),
        ("payout", -2786),
    }
    assert booked(payout=payout) == payout.paid_out.get(kind="payout")
    sandbox.control(f"payouts/{payout.stripe_id}", step="fail")
    sandbox.control("clock", advance_seconds=86_400)
    catch_up(sandbox)
    payout.refresh_from_db()
    assert (payout.status, payout.failure_code) == (PayoutStatus.FAILED, "account_closed")
    returned = booked(payout=payout, kind="payout_failure")
    again = returned.paid_out_in
    assert again is not None
    assert again != payout
    assert again.amount == payout.amount
    assert agrees()


def test_what_no_event_tells_is_read_by_the_schedule(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    balance.read_balance()
    sandbox.control("balance/entries", type="reserve_transaction", amount=-5000)
    sandbox.control("balance/entries", type="stripe_fee", amount=-200, fees={"tax": 40})
    sandbox.control("balance/entries", type="adjustment", amount=700, currency="eur")
    assert not agrees_now(sandbox)
    balance.read_balance()
    assert agrees()
    assert booked(category="risk_reserve").net == -5000
    fee = booked(category="fee")
    assert (fee.net, fee.fees[0]["type"]) == (-240, "tax")
    assert booked(currency="eur", amount=700).net == 700


def agrees_now(sandbox: Sandbox) -> bool:
    now = sandbox.stripe.v1.balance.retrieve()
    total = now.available[0].amount + now.pending[0].amount
    ours = BalanceTransaction.objects.filter(currency=now.available[0].currency)
    return bool(total == ours.aggregate(total=Sum("net"))["total"])


def test_somebody_elses_payment_is_in_the_balance_too(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    row = booked(category="charge")
    BalanceTransaction.objects.all().delete()
    BalanceReading.objects.all().delete()
    # As if the payment were one of a customer that isn't a member's.
    Payment.objects.update(charge_id="ch_another")
    balance.read_balance()
    assert booked(category="charge").payment is None
    Payment.objects.update(charge_id=row.source_id)
    balance.link()
    assert booked(category="charge").payment == Payment.objects.get()


def test_an_earlier_charge_of_a_payment_is_asked_for_once(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if a bank debit had failed after it counted, and another charge had paid, long ago."""
    paid_member(sandbox)
    Payment.objects.update(charge_id="py_the_later_one")
    BalanceTransaction.objects.update(payment=None)
    asked: list[str] = []
    really = gateway.intent_of_charge

    def counted(charge: str) -> str:
        asked.append(charge)
        return really(charge)

    monkeypatch.setattr(gateway, "intent_of_charge", counted)
    balance.read_balance()
    assert asked == [], "Its event may still come."
    monkeypatch.setattr(balance, "TOLD_WITHIN", timedelta(0))
    balance.read_balance()
    row = booked(category="charge")
    assert asked == [row.source_id]
    assert row.payment == Payment.objects.get()
    balance.read_balance()
    assert len(asked) == 1


def test_what_stripe_does_not_say_of_a_charge_takes_nothing_from_the_balance(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    paid_member(sandbox)
    balance.read_balance()
    before = BalanceReading.objects.get().read_at
    Payment.objects.update(charge_id="py_the_later_one")
    BalanceTransaction.objects.update(payment=None)
    monkeypatch.setattr(balance, "TOLD_WITHIN", timedelta(0))
    settings.STRIPE_SECRET_KEY = "rk_test_sandbox_not_charges"
    with pytest.raises(gateway.StripeLockedOut):
        balance.read_balance()
    assert BalanceReading.objects.get().read_at > before
    assert agrees()


def test_a_strangers_charges_are_asked_for_once_and_linked_when_theirs_is_copied(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid_member(sandbox)
    payment = Payment.objects.get()
    monkeypatch.setattr(balance, "TOLD_WITHIN", timedelta(0))
    BalanceTransaction.objects.update(payment=None)
    Payment.objects.update(charge_id="py_the_later_one", stripe_id="pi_of_somebody_else")
    # A charge that Stripe doesn't know is no reason to ask again, nor to stop.
    charge = booked(category="charge")
    BalanceTransaction.objects.create(
        stripe_id="txn_unknown",
        read_at=charge.read_at,
        **{name: getattr(charge, name) for name in ("kind", "category", "amount", "fee", "net")},
        currency="eur",
        source_id="ch_unknown",
        created_at=charge.created_at,
        available_at=charge.available_at,
        balance_type="other",
    )
    balance.read_balance()
    assert booked(stripe_id="txn_unknown").intent_id == ""
    row = booked(pk=charge.pk)
    assert (row.payment, row.intent_id) == (None, payment.stripe_id)
    monkeypatch.setattr(gateway, "intent_of_charge", None)
    Payment.objects.update(stripe_id=payment.stripe_id)
    balance.read_balance()
    assert booked(pk=charge.pk).payment == Payment.objects.get()


def test_events_twice_out_of_order_and_lost_end_in_the_same_rows(sandbox: Sandbox) -> None:
    sandbox.control("switches", automatic_payouts=True)
    paid_member(sandbox)
    sandbox.control("clock", advance_seconds=6 * 86_400)
    catch_up(sandbox)
    told = kept()
    for forget in (BalanceTransaction, Payout, BalanceReading):
        forget.objects.all().delete()
    StripeEvent.objects.all().delete()
    events = sandbox.events()
    deliver([*events[::-1], *events])
    assert kept() == told
    for forget in (BalanceTransaction, Payout, BalanceReading):
        forget.objects.all().delete()
    # All were lost.
    balance.read_balance()
    assert kept() == told


def kept() -> list[tuple[object, ...]]:
    rows = BalanceTransaction.objects.order_by("stripe_id")
    links = ("payment__stripe_id", "payout__stripe_id", "paid_out_in__stripe_id")
    return [*rows.values_list("stripe_id", "net", *links), *Payout.objects.values_list("status")]


def test_an_interrupted_first_reading_begins_again(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    balance.read_balance()
    newest = BalanceTransaction.objects.first()
    assert newest
    # Stripe lists the newest first: only that came before the end of the first reading.
    BalanceReading.objects.all().delete()
    BalanceTransaction.objects.exclude(pk=newest.pk).delete()
    balance.read_balance()
    assert agrees()


def test_differences_are_found_and_repaired(sandbox: Sandbox) -> None:
    sandbox.control("switches", automatic_payouts=True)
    paid_member(sandbox)
    sandbox.control("clock", advance_seconds=6 * 86_400)
    catch_up(sandbox)
    assert not missed_events.reconcile(repair=False).differences_found
    long_ago = timezone.now() - timedelta(days=900)
    BalanceTransaction.objects.filter(category="charge").update(fee=1, read_at=long_ago)
    BalanceTransaction.objects.filter(kind="adjustment").delete()
    Payout.objects.update(status="pending", read_at=long_ago)
    run = missed_events.reconcile(repair=False)
    said = [str(line) for line in lines(run.differences)]
    assert any("Payout Payout of $27.86" in one and "status" in one for one in said), said
    assert any("fee: $0.01 here, $1.14 at Stripe" in one for one in said), said
    assert any("Not in our records" in one for one in said), said
    # What's the account's is no member's fault.
    assert run.customers_agreeing == run.customers_compared == Customer.objects.count()
    assert missed_events.reconcile(repair=True).differences_left == 0
    assert agrees()
    assert Reconciliation.objects.count() == 3


def test_an_import_reads_the_balance_from_the_beginning(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    run_jobs()
    for forget in (BalanceTransaction, BalanceReading):
        forget.objects.all().delete()
    call_command("import_from_stripe", verbosity=0)
    assert booked(payment=Payment.objects.get()).net == 2786
    assert agrees()


def hour_later() -> None:
    """Let a difference last."""
    since = timezone.now() - timedelta(hours=1)
    BalanceReading.objects.exclude(differs_since=None).update(differs_since=since)


def test_a_balance_that_stays_different_is_a_red_task_and_a_row_of_the_report(
    sandbox: Sandbox,
) -> None:
    paid_member(sandbox)
    catch_up(sandbox)
    balance.read_balance()
    assert BalanceReading.objects.get().differs_since is None
    lost = booked(payment=Payment.objects.get())
    BalanceTransaction.objects.filter(pk=lost.pk).update(net=lost.net - 700)
    reading = BalanceReading.objects.get()
    lacking = balance.lacking_of(reading.totals)
    assert lacking == {"usd": 700}
    BalanceReading.objects.update(differences=lacking, differs_since=timezone.now())
    # Money may move between two requests: that's no problem yet.
    assert [one.key for one in problems.current()] == []
    hour_later()
    [found] = problems.current()
    assert (found.key, found.tone) == ("books", current_problems.DANGER)
    assert "$7.00 is missing here" in found.text
    boss = Client()
    boss.force_login(superuser())
    assert found.text in html.unescape(boss.get(reverse("admin:index")).content.decode())
    run = missed_events.reconcile(repair=False)
    said = [str(line) for line in lines(run.differences)]
    assert any(one.startswith("Stripe’s balance in USD (usd), total: ") for one in said)
    # Reading everything again mends it, and the task is gone.
    assert missed_events.reconcile(repair=True).differences_left == 0
    assert BalanceReading.objects.get().differs_since is None
    assert problems.current() == []


def test_what_a_payout_pays_out_is_compared_and_repaired(sandbox: Sandbox) -> None:
    sandbox.control("switches", automatic_payouts=True)
    paid_member(sandbox)
    sandbox.control("clock", advance_seconds=10 * 86_400)
    catch_up(sandbox)
    balance.read_balance()
    payout = Payout.objects.get()
    lost = payout.paid_out.get(kind="charge")
    BalanceTransaction.objects.filter(pk=lost.pk).update(paid_out_in=None)
    run = missed_events.reconcile(repair=False)
    [said] = [str(line) for line in lines(run.differences)]
    assert "transactions in it: 1 here, 2: " in said
    assert lost.stripe_id in said
    assert missed_events.reconcile(repair=True).differences_left == 0
    assert lost in payout.paid_out.all()
    # What Stripe doesn't list in it leaves it again.
    stranger = BalanceTransaction.objects.exclude(paid_out_in=payout).first()
    assert stranger
    BalanceTransaction.objects.filter(pk=stranger.pk).update(paid_out_in=payout)
    assert missed_events.reconcile(repair=True).differences_left == 0
    assert stranger not in payout.paid_out.all()
