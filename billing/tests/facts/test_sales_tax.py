"""Sales tax adds up: what came, less what went back, in the months in which it moved."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from billing.core.statuses import RefundOrigin, RefundState
from billing.facts import book_months, books, sales_tax
from billing.models import (
    BalanceTransaction,
    CreditNote,
    Invoice,
    Payment,
    Refund,
    TaxRate,
)
from billing.tests import factories
from testing.thorough import examples

pytestmark = pytest.mark.django_db

FIRST = date(2026, 1, 1)
_numbers = itertools.count(1)


def make_rate(name: str, percentage: str, jurisdiction: str = "") -> TaxRate:
    return TaxRate.objects.create(
        stripe_id=f"txr_{next(_numbers)}", name=name, jurisdiction=jurisdiction,
        percentage=Decimal(percentage), read_at=timezone.now(),
    )  # fmt: skip


def paid(total: int, taxes: dict[TaxRate, int], at: datetime, **fields: Any) -> Payment:
    """Return the payment of an invoice with these taxes, booked at Stripe."""
    entries = [
        {"rate": rate.stripe_id, "amount": amount, "is_included": True, "reason": ""}
        for rate, amount in taxes.items()
    ]
    invoice = factories.make_invoice(total=total, tax=sum(taxes.values()), taxes=entries)
    payment: Payment = factories.make_payment(invoice=invoice, paid_at=at, **fields)
    if not payment.is_outside:
        booked("charge", total, at, payment=payment)
    return payment


def refunded(payment: Payment, amount: int, at: datetime, **fields: Any) -> Refund:
    refund = Refund.objects.create(
        payment=payment, customer=payment.customer, amount=amount, amount_asked=amount,
        currency="usd", origin=RefundOrigin.STAFF, state=RefundState.SUCCEEDED, sent_at=at,
        created_at=at, **fields,
    )  # fmt: skip
    if not payment.is_outside:
        booked("refund", -amount, at, refund=refund)
    return refund


def booked(category: str, amount: int, at: datetime, **of: Any) -> None:
    BalanceTransaction.objects.create(
        stripe_id=f"txn_tax{next(_numbers)}", kind=category, category=category, amount=amount,
        fee=0, net=amount, currency="usd", balance_type="payments", created_at=at,
        available_at=at, read_at=at, **of,
    )  # fmt: skip


def on(month: int, day: int = 10) -> datetime:
    return datetime(2026, month, day, 12, tzinfo=UTC)


def due(month: int, months: int = 1) -> dict[str, int]:
    found = sales_tax.summaries(date(2026, month, 1), months)
    return {line.rate.name: line.due.amount for one in found for line in one.lines}


def test_a_refund_takes_its_share_back_in_the_month_in_which_it_is_made() -> None:
    vat = make_rate("VAT", "19", "DE")
    payment = paid(11_900, {vat: 1900}, on(1))
    refunded(payment, 3333, on(2))
    refunded(payment, 11_900 - 3333, on(3))
    assert (due(1), due(2), due(3)) == ({"VAT": 1900}, {"VAT": -532}, {"VAT": -1368})
    assert due(1, months=3) == {"VAT": 0}
    [quarter] = sales_tax.summaries(FIRST, 3)
    [line] = quarter.lines
    assert (line.collected.amount, line.refunded.amount) == (1900, -1900)
    assert (line.rate.jurisdiction, line.rate.percentage) == ("DE", Decimal(19))
    assert (line.base.amount, quarter.sales.amount) == (0, 0)


def test_each_rate_of_a_payment_has_its_line_and_sales_count_once() -> None:
    state, city = make_rate("Sales tax", "4", "New York"), make_rate("Sales tax", "4.5", "NYC")
    again = make_rate("Sales tax", "4.5", "NYC")
    paid(10_850, {state: 400, city: 450}, on(1))
    paid(10_850, {state: 400, again: 450}, on(1))
    paid(2900, {}, on(1))
    [found] = sales_tax.summaries(FIRST)
    assert [(one.rate.jurisdiction, one.base.amount, one.due.amount) for one in found.lines] == [
        ("NYC", 20_000, 900),
        ("New York", 20_000, 800),
        ("", 2900, 0),
    ]
    assert found.sales.amount == 22_900
    assert found.total("due").amount == 1700 == found.at_stripe.amount


def test_a_dispute_takes_the_tax_back_until_it_is_won() -> None:
    vat = make_rate("VAT", "19", "DE")
    payment = paid(11_900, {vat: 1900}, on(1))
    dispute = factories.make_dispute(payment)
    booked("dispute", -11_900, on(2), dispute=dispute)
    booked("dispute_reversal", 11_900, on(4), dispute=dispute)
    assert (due(1), due(2), due(4)) == ({"VAT": 1900}, {"VAT": -1900}, {"VAT": 1900})


def test_what_came_and_went_directly_counts_too_and_once() -> None:
    vat = make_rate("VAT", "19", "DE")
    zelle = paid(11_900, {vat: 1900}, on(1), card_brand="zelle")
    cash = paid(5950, {vat: 950}, on(1), card_brand="out_of_band")
    refunded(zelle, 11_900, on(2), credit_note_id="cn_of_refund")
    for stripe_id, payment, amount in (("cn_of_refund", zelle, 11_900), ("cn_cash", cash, 595)):
        assert payment.invoice
        note: CreditNote = factories.make_credit_note(payment.invoice)
        CreditNote.objects.filter(pk=note.pk).update(
            stripe_id=stripe_id, out_of_band=amount, created_at=on(2)
        )
    assert (due(1), due(2)) == ({"VAT": 2850}, {"VAT": -1995})
    [february] = sales_tax.summaries(date(2026, 2, 1))
    assert february.at_stripe.amount == 0
    shown = [(kind, money.amount) for kind, money in books.moved_directly(date(2026, 2, 1))]
    assert shown == [("zelle_refund", -11_900), ("given_back", -595)]


def test_one_time_payments_have_the_rate_that_checkout_says() -> None:
    rate = make_rate("Sales tax", "4", "New York")
    entry = {"rate": rate.stripe_id, "amount": 160, "is_included": False, "reason": ""}
    for taxes in ([entry], []):
        payment = factories.make_payment(amount=4160, tax=160, taxes=taxes, paid_at=on(1))
        booked("charge", 4160, on(1), payment=payment)
    booked("charge", 700, on(1))
    assert due(1) == {
        "Sales tax": 160,
        "Tax by an unknown rate": 160,
        "Customers who aren’t members here": 0,
    }


def test_any_history_adds_up() -> None:
    """However payments go back, in whichever months: what's due is the tax of what's left."""
    rates = [make_rate("VAT", "19", "DE"), make_rate("Sales tax", "7.25", "California")]

    def play(seed: int) -> None:
        BalanceTransaction.objects.all().delete()
        Refund.objects.all().delete()
        chance = random.Random(seed)
        left: dict[int, int] = {}
        at = on(1)
        for _ in range(chance.randint(3, 20)):
            at += timedelta(days=chance.randint(0, 12), seconds=1)
            open_ones = [pk for pk, amount in left.items() if amount > 0]
            if open_ones and chance.random() < 0.6:
                payment = Payment.objects.get(pk=chance.choice(open_ones))
                amount = chance.choice([left[payment.pk], chance.randint(1, left[payment.pk])])
                refunded(payment, amount, at)
                left[payment.pk] -= amount
                continue
            total = chance.randint(100, 99_999)
            some = {one: chance.randint(1, total // 5) for one in rates if chance.random() < 0.7}
            left[paid(total, some, at).pk] = total
        wanted: Counter[str] = Counter()
        for payment in Payment.objects.filter(pk__in=left).select_related("invoice"):
            invoice = payment.invoice
            assert invoice
            for one in invoice.taxes:
                share = Fraction(one["amount"] * left[payment.pk], invoice.total)
                wanted[one["rate"]] += int(share + Fraction(1, 2))
        found: Counter[str] = Counter()
        for number in range(12):
            month = book_months.after(FIRST, number)
            for summary in sales_tax.summaries(month):
                for line in summary.lines:
                    found[line.rate.name] += line.due.amount
                assert summary.total("due") == summary.at_stripe
                moved = books.statement(month, "usd").total()
                assert summary.sales.amount + summary.at_stripe.amount == moved.amount
        names = {one.stripe_id: one.name for one in rates}
        assert {name: found[name] for name in names.values()} == {
            name: wanted[rate] for rate, name in names.items()
        }

    @hypothesis_settings(
        max_examples=examples(few=10, many=60),
        suppress_health_check=[HealthCheck.function_scoped_fixture],
        deadline=None,
    )
    @given(seed=st.integers(0, 2**32))
    def history(seed: int) -> None:
        play(seed)

    history()


def test_many_payments_take_few_queries(django_assert_max_num_queries: Any) -> None:
    vat = make_rate("VAT", "19", "DE")
    for _ in range(20):
        refunded(paid(11_900, {vat: 1900}, on(1)), 100, on(1, 20))
    assert Invoice.objects.count() == 20
    with django_assert_max_num_queries(8):
        sales_tax.summaries(FIRST)
