"""A bookkeeper closes July: one dispute, one late refund, one payout on its way; all of it ties."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from billing.core.book_journal import BANK, FEES, REFUNDS, STRIPE, TAX, TRANSIT
from billing.core.book_words import Section
from billing.facts import books, journal, sales_tax
from billing.models import BalanceReading, BalanceTransaction, BookClosing, Payout
from billing.reconcile import closing_books
from billing.tests import factories
from billing.tests.admin.test_books_pages import file_of, words
from billing.tests.facts.test_sales_tax import booked, make_rate, on, paid, refunded
from billing.tests.staff_world import manager, signed_in_now
from testing import sheets

pytestmark = pytest.mark.django_db

JUNE, JULY, AUGUST = (date(2026, month, 1) for month in (6, 7, 8))


def with_fee(row: BalanceTransaction, fee: int) -> None:
    """Give a transaction Stripe's fee."""
    parts = [{"type": "stripe_fee", "amount": fee, "description": "Stripe processing fees"}]
    BalanceTransaction.objects.filter(pk=row.pk).update(
        fee=fee, net=row.amount - fee, fees=parts if fee else []
    )


def newest() -> BalanceTransaction:
    return BalanceTransaction.objects.latest("pk")


def pay_out(amount: int, made: datetime, arrives: datetime, status: str) -> Payout:
    """Pay out everything that hasn't been paid out yet."""
    payout = Payout.objects.create(
        stripe_id=f"po_{made:%m%d}", status=status, amount=amount, currency="usd",
        automatic=True, reconciliation="completed", created_at=made, arrives_at=arrives,
        read_at=made,
    )  # fmt: skip
    contents = BalanceTransaction.objects.filter(paid_out_in=None)
    booked("payout", -amount, made, payout=payout)
    contents.update(paid_out_in=payout)
    return payout


@pytest.fixture
def july() -> Payout:
    """June's sale; July's two sales, dispute, late refund, and the payout that's on its way."""
    vat = make_rate("VAT", "19", "DE")
    of_june = paid(11_900, {vat: 1900}, on(6))
    with_fee(newest(), 375)
    pay_out(11_525, on(6, 20), on(6, 22), "paid")
    paid(11_900, {vat: 1900}, on(7, 3))
    with_fee(newest(), 375)
    disputed = paid(5950, {vat: 950}, on(7, 5))
    with_fee(newest(), 203)
    refunded(of_june, 4000, on(7, 8))
    booked("dispute", -5950, on(7, 9), dispute=factories.make_dispute(disputed))
    with_fee(newest(), 1500)
    paid(3000, {}, on(7, 12), card_brand="zelle")
    on_its_way = pay_out(5722, on(7, 31), on(8, 3), "in_transit")
    BalanceReading.objects.create(stripe_id="balance", totals={"usd": 0}, read_at=datetime.now(UTC))
    return on_its_way


def test_every_number_of_july_ties(july: Payout) -> None:
    statement = books.statement(JULY, "usd")
    sums = {one: statement.total(one).amount for one in Section}
    assert sums == {
        Section.GROSS: 17_850,
        Section.REFUNDS: -4000,
        Section.DISPUTES: -5950,
        Section.FEES: -2078,
        Section.OTHER: 0,
        Section.PAYOUTS: -5722,
    }
    assert statement.opening == books.statement(JUNE, "usd").closing
    assert statement.net.amount == 5822
    assert (statement.opening.amount, statement.closing.amount) == (0, 100)


def test_july_is_closed_and_its_files_tax_and_journal_agree(july: Payout) -> None:
    # A dollar is left: Stripe's balance says so, too.
    BalanceReading.objects.update(totals={"usd": 100})
    client = signed_in_now(manager())
    address = reverse("admin:billing_balancetransaction_close", args=["2026-07"])
    client.post(address)
    closing = BookClosing.objects.get()
    assert closing_books.changes(closing) == []
    page = words(client.get(reverse("admin:billing_balancetransaction_month", args=["2026-07"])))
    for said in ("Closed", "Nothing has changed since.", "Received by Zelle $30.00"):
        assert said in page
    [tax] = sales_tax.summaries(JULY)
    # 19 and 9.50 came; 4,000 of 11,900 took 6.39 along, and the dispute all of its 9.50.
    [vat] = [one for one in tax.lines if one.rate.name == "VAT"]
    amounts = (vat.collected, vat.refunded, vat.taken_back, vat.due)
    assert [one.amount for one in amounts] == [2850, -639, -950, 1261]
    cells = sheets.of_xlsx(file_of(client, "2026-07", "xlsx"))
    by_line = {one["Line"]: round(Decimal(str(one["Amount"])) * 100) for one in cells}
    assert by_line["Closing balance"] == 100
    assert by_line["Net before payouts"] == 5822
    assert by_line["Sales tax included"] == 1261
    [entry] = journal.entries(JULY)
    sums: dict[str, int] = {}
    for one in entry.postings:
        sums[one.account] = sums.get(one.account, 0) + one.amount
    assert (sums[STRIPE], sums[TRANSIT], sums[BANK]) == (100, 5722, 3000)
    assert (sums[TAX], sums[FEES], sums[REFUNDS]) == (-1261, 2078, 4000 - 639)
    assert sum(sums.values()) == 0
    made_of = words(client.get(reverse("admin:billing_payout_change", args=[july.pk])))
    assert "$57.22" in made_of
    # What comes in August leaves July as it is.
    booked("refund", -100, on(8, 2))
    assert closing_books.changes(closing) == []
    assert books.statement(AUGUST, "usd").opening == books.statement(JULY, "usd").closing
    shown: Any = client.get(reverse("admin:billing_balancetransaction_months"))
    assert "July 2026" in words(shown)
