"""Other subscriptions aren't the membership: home, the books, and the journal agree on that."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from billing.core import book_journal
from billing.core.book_words import Section
from billing.facts import books, daily, journal, sales_tax
from billing.models import (
    BalanceReading,
    BalanceTransaction,
    BookClosing,
    DayFact,
    Payment,
    Subscription,
)
from billing.models.closing import CURRENT, WITH_DIRECT
from billing.reconcile import closing_books
from billing.tests import factories
from billing.tests.admin.test_books_pages import words
from billing.tests.facts.test_sales_tax import make_rate
from billing.tests.staff_world import auditor, manager
from testing import sheets

pytestmark = pytest.mark.django_db

JULY, AUGUST = date(2026, 7, 1), date(2026, 8, 1)
LOCKER, MEMBERSHIP, MAT = 1190, 2900, 700
_numbers = itertools.count(1)


def paid(month: date, subscription: Subscription | None, amount: int, **fields: Any) -> Payment:
    """Return what a subscription's invoice was paid with in a month, or a one-time payment."""
    at = datetime(month.year, month.month, 15, 12, tzinfo=UTC)
    customer = subscription.customer if subscription else factories.make_customer()
    taxes = fields.pop("taxes", {})
    entries = [
        {"rate": rate.stripe_id, "amount": one, "is_included": True, "reason": ""}
        for rate, one in taxes.items()
    ]
    invoice = factories.make_invoice(
        customer, subscription=subscription, total=amount, created_at=at, finalized_at=at,
        taxes=entries, tax=sum(taxes.values()),
    )  # fmt: skip
    payment: Payment = factories.make_payment(customer, invoice=invoice, paid_at=at, **fields)
    if not payment.is_outside:
        BalanceTransaction.objects.create(
            stripe_id=f"txn_sold{next(_numbers)}", kind="charge", category="charge", amount=amount,
            fee=0, net=amount, currency="usd", balance_type="payments", created_at=at,
            available_at=at, read_at=at, payment=payment,
        )  # fmt: skip
    total = sum(BalanceTransaction.objects.values_list("net", flat=True))
    values = {"read_at": datetime.now(UTC), "totals": {"usd": total}}
    BalanceReading.objects.update_or_create(stripe_id="balance", defaults=values)
    return payment


def three_kinds(month: date, **fields: Any) -> Subscription:
    """Pay for a membership, a locker, and a mat in a month; return the locker."""
    locker = factories.make_other_subscription()
    paid(month, factories.make_subscription(), MEMBERSHIP)
    paid(month, locker, LOCKER, **fields)
    paid(month, None, MAT)
    return locker


def sold(month: date) -> dict[str, int]:
    [found] = books.statements(month)
    return {one.label: one.money.amount for one in found.of(Section.GROSS)}


def posted(month: date) -> Counter[str]:
    [entry] = journal.entries(month)
    found: Counter[str] = Counter()
    for one in entry.postings:
        found[one.account] += one.amount
    return found


def closed_earlier(month: date) -> BookClosing:
    """Close a month as it was when other subscriptions counted as memberships."""
    row = BookClosing(
        number=1, month=month, time_zone="America/New_York", closed_by=manager(),
        version=WITH_DIRECT, closed_at=datetime.now(UTC), previous_hash=closing_books.GENESIS,
        direct=closing_books.direct_as_kept(month), statements=[{
            "currency": "usd", "opening": 0, "closing": MEMBERSHIP + LOCKER + MAT, "lines": [
                {"section": "gross", "key": "gross:charge:membership:",
                 "label": "Membership, no tax", "amount": MEMBERSHIP + LOCKER, "count": 2},
                {"section": "gross", "key": "gross:charge:single:",
                 "label": "One-time payments, no tax", "amount": MAT, "count": 1},
            ],
        }],
    )  # fmt: skip
    row.hash = closing_books.digest(row)
    row.save(force_insert=True)
    return row


def test_a_locker_is_no_membership_in_the_books() -> None:
    three_kinds(JULY)
    assert sold(JULY) == {
        "Membership, no tax": MEMBERSHIP,
        "Other subscriptions, no tax": LOCKER,
        "One-time payments, no tax": MAT,
    }
    [found] = books.statements(JULY)
    for line in found.of(Section.GROSS):
        rows = books.rows_of(JULY, "usd", line.key)
        assert sum(books.parts(row)[line.key] for row in rows) == line.money.amount


def test_the_books_say_what_home_says() -> None:
    three_kinds(JULY)
    daily.rebuild()
    days = DayFact.objects.filter(day__gte=JULY, day__lt=AUGUST, kind__startswith="paid:")
    home = dict(days.values_list("kind", "amount"))
    assert home == {"paid:membership": MEMBERSHIP, "paid:other": LOCKER, "paid:once": MAT}
    assert sorted(home.values()) == sorted(sold(JULY).values())


def test_files_of_a_month_have_them_apart(client: Client) -> None:
    three_kinds(JULY)
    client.force_login(auditor())
    for kind, read in (("csv", sheets.of_csv), ("xlsx", sheets.of_xlsx)):
        address = reverse("admin:billing_balancetransaction_file", args=["2026-07", kind])
        lines = {
            row["Line"]: round(float(row["Amount"]) * 100) for row in read(client.get(address))
        }
        assert lines["Other subscriptions, no tax"] == LOCKER
        assert lines["Membership, no tax"] == MEMBERSHIP
    address = reverse("admin:billing_balancetransaction_file", args=["2026-07", "pdf"])
    assert "Other subscriptions, no tax 1 $11.90" in sheets.of_pdf(client.get(address))


def test_the_journal_posts_them_and_their_tax_to_an_account_of_their_own() -> None:
    vat = make_rate("VAT", "19", "DE")
    three_kinds(JULY, taxes={vat: 190})
    paid(JULY, factories.make_other_subscription(), 500, card_brand="zelle")
    assert -posted(JULY)[book_journal.SUBSCRIPTION] == LOCKER - 190 + 500
    assert -posted(JULY)[book_journal.MEMBERSHIP] == MEMBERSHIP
    assert sum(posted(JULY).values()) == 0


def test_until_it_is_named_the_account_of_one_time_payments_stands_in() -> None:
    names = book_journal.names
    saved_before = {"membership": {"name": "Dues", "code": "200"},
                    "single": {"name": "Shop", "code": "210"}}  # fmt: skip
    assert names({})["subscription"] == ("Sales", "")
    assert names(saved_before)["subscription"] == ("Shop", "210")
    named = saved_before | {"subscription": {"name": "Lockers", "code": ""}}
    assert names(named)["subscription"] == ("Lockers", "")
    row = [book_journal.Posting(book_journal.SUBSCRIPTION, "Lockers", -1)]
    assert book_journal.without_code(row, saved_before) == []
    assert book_journal.without_code(row, named) == ["Income from other subscriptions"]


def test_a_month_closed_before_stays_as_it_was_and_the_next_has_them_apart(client: Client) -> None:
    vat = make_rate("VAT", "19", "DE")
    three_kinds(JULY)
    locker = three_kinds(AUGUST)
    paid(JULY, locker, 500, card_brand="zelle", taxes={vat: 80})
    row = closed_earlier(JULY)
    assert list(closing_books.problems()) == []
    assert closing_books.changes(row) == []
    assert sold(JULY) == {
        "Membership, no tax": MEMBERSHIP + LOCKER,
        "One-time payments, no tax": MAT,
    }
    assert posted(JULY)[book_journal.SUBSCRIPTION] == 0
    assert -posted(JULY)[book_journal.MEMBERSHIP] == MEMBERSHIP + LOCKER + 500 - 80
    assert sold(AUGUST)["Other subscriptions, no tax"] == LOCKER
    assert -posted(AUGUST)[book_journal.SUBSCRIPTION] == LOCKER
    august = closing_books.close(AUGUST, row.closed_by)
    assert (august.version, august.previous_hash) == (CURRENT, row.hash)
    assert list(closing_books.problems()) == []
    assert closing_books.changes(august) == []
    # The quarter has both.
    [quarter] = sales_tax.summaries(JULY, 3)
    both = {key.sold: part.gross for key, part in quarter.parts.items() if not key.is_direct}
    assert both == {
        "membership": 2 * MEMBERSHIP + LOCKER, "subscription": LOCKER, "single": 2 * MAT,
    }  # fmt: skip
    client.force_login(row.closed_by)
    page = reverse("admin:billing_balancetransaction_month", args=["2026-07"])
    assert "Other subscriptions count as memberships in this month" in words(client.get(page))
    page = reverse("admin:billing_balancetransaction_month", args=["2026-08"])
    assert "count as memberships" not in words(client.get(page))
