"""The books agree with Stripe's balance to the cent, whatever happened."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings
from stripe import InvalidRequestError

from billing.core.book_words import Section
from billing.facts import book_months, books
from billing.models import BalanceReading, BalanceTransaction, Payment, Payout
from billing.sync import balance
from billing.tests import factories, taxed
from billing.tests.life import paid_member
from billing.tests.sync.test_balance import catch_up
from conftest import Sandbox, run_jobs
from testing.thorough import examples

pytestmark = pytest.mark.django_db


def check(sandbox: Sandbox) -> None:
    """Months follow each other, lines have their rows, and the last one ends in the balance."""
    listed = books.months()
    left: Counter[str] = Counter()
    for summary in reversed(listed):
        currency = summary.closing.currency.lower()
        found = books.statement(summary.month, currency)
        assert found.opening.amount == left[currency] == summary.opening.amount
        left[currency] = found.closing.amount
        assert (found.closing, found.net) == (summary.closing, summary.net)
        assert found.total(Section.PAYOUTS) == summary.paid_out
        check_lines(found)
    now: Any = sandbox.stripe.v1.balance.retrieve()
    at_stripe: Counter[str] = Counter()
    for one in [*now.available, *now.pending]:
        at_stripe[one.currency] += one.amount
    assert left == at_stripe
    assert all(not tie.difference for tie in books.ties())


def check_lines(found: books.Statement) -> None:
    """Each line is what its rows come to, and no row is left out or counted twice."""
    by_rows: Counter[str] = Counter()
    for row in books.of_month(found.month, found.currency):
        parts = books.parts(row)
        assert sum(parts.values()) == row.net
        by_rows.update(parts)
    assert {one.key: one.money.amount for one in found.lines} == dict(by_rows)
    for line in found.lines:
        rows = books.rows_of(found.month, found.currency, line.key)
        assert sum(books.parts(row)[line.key] for row in rows) == line.money.amount


def charge(sandbox: Sandbox, chance: random.Random) -> None:
    stripe = sandbox.stripe.v1
    card = chance.choice(["pm_card_visa", "pm_card_visa", "pm_card_createDispute"])
    wanted: Any = {"amount": chance.randint(50, 90_000), "confirm": True, "payment_method": card}
    stripe.payment_intents.create(wanted | {"currency": chance.choice(["usd", "usd", "eur"])})


def refund(sandbox: Sandbox, chance: random.Random) -> None:
    charges = [
        one
        for one in sandbox.stripe.v1.charges.list({"limit": 20}).data
        if not one.disputed and one.amount > one.amount_refunded and one.status == "succeeded"
    ]
    if charges:
        one = chance.choice(charges)
        amount = chance.randint(1, one.amount - one.amount_refunded)
        try:
            made = sandbox.stripe.v1.refunds.create({"charge": one.id, "amount": amount})
        except InvalidRequestError as error:
            # The bank disputed it between the list and the refund.
            assert error.code == "charge_disputed"  # noqa: PT017
            return
        if chance.random() < 0.3:
            sandbox.control(f"refunds/{made.id}", step="fail")


def decide(sandbox: Sandbox, chance: random.Random) -> None:
    for dispute in sandbox.stripe.v1.disputes.list().data:
        if dispute.status == "needs_response":
            text = chance.choice(["winning_evidence", "losing_evidence"])
            evidence: Any = {"evidence": {"uncategorized_text": text}}
            sandbox.stripe.v1.disputes.update(dispute.id, evidence)


def book(sandbox: Sandbox, chance: random.Random) -> None:
    kind = chance.choice(["adjustment", "reserve_transaction", "stripe_fee", "topup", "tax_fee"])
    fees = chance.choice([{}, {"tax": 19}, {"stripe_fee": 5, "application_fee": 7}])
    sandbox.control("balance/entries", type=kind, amount=chance.randint(-5000, 5000), fees=fees)


def fail_payout(sandbox: Sandbox, chance: random.Random) -> None:
    payouts = sandbox.stripe.v1.payouts.list({"limit": 3}).data
    alive = [one for one in payouts if one.status in ("in_transit", "paid")]
    if alive:
        sandbox.control(f"payouts/{chance.choice(alive).id}", step="fail")


def wait(sandbox: Sandbox, chance: random.Random) -> None:
    sandbox.control("clock", advance_seconds=chance.randint(1, 20 * 86_400))


MOVES = [charge, charge, charge, refund, decide, book, fail_payout, wait, wait]


def test_books_agree_with_stripe_after_any_history(sandbox: Sandbox) -> None:
    @hypothesis_settings(
        max_examples=examples(few=4, many=30),
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(seed=st.integers(0, 2**32), automatic=st.booleans())
    def history(seed: int, automatic: bool) -> None:
        sandbox.control("reset")
        for model in (BalanceTransaction, Payout, BalanceReading):
            model._default_manager.all().delete()
        chance = random.Random(seed)
        sandbox.control("switches", automatic_payouts=automatic)
        for _ in range(chance.randint(5, 30)):
            chance.choice(MOVES)(sandbox, chance)
            if chance.random() < 0.2:
                balance.read_balance()
        # Disputes come a second after the charge: none between our reading and the check.
        sandbox.control("clock", advance_seconds=60)
        balance.read_balance()
        check(sandbox)

    history()


def test_a_month_says_what_was_sold_and_by_which_tax(sandbox: Sandbox) -> None:
    rate = taxed.make_rate(sandbox, 19)
    taxed.subscribe(sandbox, rate, name="Tara Taxed")
    paid_member(sandbox, "Alice Archer")
    customer = Payment.objects.get(customer__user__first_name="Alice").customer.stripe_id
    wanted: Any = {"amount": 4000, "currency": "usd", "customer": customer, "confirm": True}
    sandbox.stripe.v1.payment_intents.create(wanted | {"payment_method": "pm_card_visa"})
    wanted = {"amount": 700, "currency": "usd", "confirm": True}
    sandbox.stripe.v1.payment_intents.create(wanted | {"payment_method": "pm_card_visa"})
    catch_up(sandbox)
    run_jobs()
    balance.read_balance()
    found = books.statement(books.months()[0].month, "usd")
    gross = [(one.label, one.money.amount) for one in found.of(Section.GROSS)]
    assert gross == [
        ("Membership, no tax", 2900),
        ("Membership, VAT (19%)", 2900),
        ("One-time payments, no tax", 4000),
        ("Customers who aren’t members here, no tax", 700),
    ]
    assert found.total(Section.GROSS).amount == 10_500
    check(sandbox)


def test_a_refund_stands_in_the_month_in_which_it_was_made(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    balance.read_balance()
    first = books.months()[0].month
    before = books.statement(first, "usd")
    sandbox.control("clock", advance_seconds=40 * 86_400)
    intent = Payment.objects.get().stripe_id
    sandbox.stripe.v1.refunds.create({"payment_intent": intent, "amount": 900})
    balance.read_balance()
    assert books.statement(first, "usd") == before
    later = books.statement(books.months()[0].month, "usd")
    assert later.month > first
    assert [one.money.amount for one in later.of(Section.REFUNDS)] == [-900]
    check(sandbox)


def test_a_month_begins_at_midnight_of_the_business(settings: Settings) -> None:
    settings.TIME_ZONE = "America/New_York"
    for number, moment in enumerate(
        [datetime(2026, 11, 1, 3, 59, tzinfo=UTC), datetime(2026, 11, 1, 4, 0, tzinfo=UTC)]
    ):
        BalanceTransaction.objects.create(
            stripe_id=f"txn_{number}", kind="charge", category="charge", amount=100, fee=0, net=100,
            currency="usd", balance_type="payments", created_at=moment, available_at=moment,
            read_at=moment,
        )  # fmt: skip
    october, november = (books.statement(date(2026, one, 1), "usd") for one in (10, 11))
    assert [one.count for one in (*october.lines, *november.lines)] == [1, 1]
    assert november.opening == october.closing
    begin, end = book_months.read().bounds(date(2026, 11, 1))
    # The clocks go back in between.
    assert end.astimezone(UTC) - begin.astimezone(UTC) == timedelta(days=30, hours=1)


def test_what_came_by_zelle_stands_apart() -> None:
    customer = factories.make_customer(factories.make_member("Zoe Zelle"))
    at = datetime(2026, 10, 5, tzinfo=UTC)
    factories.make_payment(
        customer, amount=5000, amount_received=5000, card_brand="zelle", paid_at=at
    )
    assert [(one, money.amount) for one, money in books.moved_directly(date(2026, 10, 1))] == [
        ("zelle", 5000)
    ]
    assert books.statements(date(2026, 10, 1)) == []


def test_another_kind_of_balance_and_no_category_in_the_books() -> None:
    now = datetime.now(UTC)
    row: dict[str, Any] = {"kind": "adjustment", "amount": 700, "fee": 0, "net": 700}
    row |= {"created_at": now, "available_at": now, "read_at": now}
    ours = {"stripe_id": "txn_1", "currency": "usd", "balance_type": "payments"}
    BalanceTransaction.objects.create(category="", **ours, **row)
    other = {"stripe_id": "txn_2", "currency": "eur", "balance_type": "risk_reserved"}
    BalanceTransaction.objects.create(category="risk_reserve", **other, **row)
    [found] = books.statements(books.months()[0].month)
    assert [(one.label, one.money.amount) for one in found.lines] == [("Without a category", 700)]
