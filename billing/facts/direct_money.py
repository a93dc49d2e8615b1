"""Money that never was in Stripe's balance: Zelle, cash, checks, on the day it moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q

from billing.core.book_words import GIVEN_BACK, ZELLE_REFUND
from billing.core.statuses import NOT_BY_STRIPE, ZELLE, CreditNoteStatus, PaymentStatus, RefundState
from billing.facts import book_months
from billing.facts.book_months import Months, after
from billing.facts.portions import Cause, Portion
from billing.models import CreditNote, Payment, Refund
from common.money import Money

# A refund by Zelle that was sent; a file of the account proves it later.
SENT = (RefundState.PENDING, RefundState.SUCCEEDED)


@dataclass(frozen=True)
class Moved:
    """An amount of one payment, negative if it went back. `kind` is a key of its words.

    `cause` is the row that moved it: the payment itself, a refund, or a credit note.
    """

    payment: int | None
    at: datetime
    currency: str
    kind: str
    amount: int
    cause: Cause


def of_month(month: date, all_months: Months) -> list[Moved]:
    """Return what moved in a month, in order: four queries."""
    begin, _end = all_months.bounds(month)
    return [one for one in moved(month, all_months) if one.at >= begin]


def portions(month: date, kind: str, currency: str) -> list[Portion]:
    """Return what moved in one way in a month, in order: five queries."""
    return [
        Portion(one.cause, one.at, one.amount)
        for one in of_month(month, book_months.read())
        if (one.kind, one.currency) == (kind, currency)
    ]


def sums(month: date, all_months: Months) -> list[tuple[str, Money]]:
    """Return what came and what went back, by kind and currency: four queries."""
    found: Counter[tuple[str, str]] = Counter()
    for one in of_month(month, all_months):
        found[one.kind, one.currency] += one.amount
    order = [*sorted(NOT_BY_STRIPE), ZELLE_REFUND, GIVEN_BACK]
    keys = sorted(found, key=lambda key: (order.index(key[0]), key[1]))
    return [(kind, Money(found[kind, currency], currency)) for kind, currency in keys]


def months_until(end: datetime, all_months: Months) -> set[tuple[date, str]]:
    """Return the months in which something moved until now, with its currency in capitals."""
    paid = Payment.objects.filter(card_brand__in=NOT_BY_STRIPE, status=PaymentStatus.SUCCEEDED)
    came = paid.filter(paid_at__lt=end).annotate(month=all_months.truncated("paid_at"))
    found = set(came.order_by().values_list("month", "currency").distinct())
    went = {(all_months.month_of(one.at), one.currency) for one in _went(end, all_months)}
    return {(month, currency.upper()) for month, currency in found | went}


def moved(first: date, all_months: Months, months: int = 1) -> list[Moved]:
    """Return what moved in some months, and what had moved of the same payments before them."""
    begin, end = all_months.bounds(first)[0], all_months.bounds(after(first, months - 1))[1]
    went = list(_went(end, all_months))
    again = {one.payment for one in went if one.at >= begin}
    found = [
        *_came(begin, end, again),
        *(one for one in went if one.at >= begin or one.payment in again),
    ]
    return sorted(found, key=lambda one: one.at)


def _came(begin: datetime, end: datetime, again: set[int | None]) -> Iterator[Moved]:
    paid = Payment.objects.filter(card_brand__in=NOT_BY_STRIPE, status=PaymentStatus.SUCCEEDED)
    here = Q(paid_at__gte=begin) | Q(pk__in=[one for one in again if one])
    rows = paid.filter(here, paid_at__lt=end).order_by("paid_at", "pk")
    for pk, at, currency, brand, amount in rows.values_list(
        "pk", "paid_at", "currency", "card_brand", "amount_received"
    ):
        if at:
            yield Moved(pk, at, currency, brand, amount, (Payment, pk))


def _went(end: datetime, all_months: Months) -> Iterator[Moved]:
    """Yield refunds by Zelle by the bank's day, and what credit notes say was given back."""
    # The bank's day may be in an earlier month than the day on which staff noted it.
    until = Q(sent_at__lt=end) | Q(transfer__on__lte=end.date())
    refunds = Refund.objects.filter(until, payment__card_brand=ZELLE, state__in=SENT)
    rows = refunds.order_by("sent_at", "pk").select_related("transfer")
    for row in rows:
        transfer = getattr(row, "transfer", None)
        at = all_months.moment(transfer.on) if transfer else row.sent_at
        if at and at < end:
            cause = (Refund, row.pk)
            yield Moved(row.payment_id, at, row.currency, ZELLE_REFUND, -row.amount, cause)
    notes = CreditNote.objects.filter(out_of_band__gt=0, created_at__lt=end)
    # A refund by Zelle has a note, too.
    of_refunds = Refund.objects.exclude(credit_note_id="").values("credit_note_id")
    notes = notes.exclude(status=CreditNoteStatus.VOID).exclude(stripe_id__in=of_refunds)
    columns = ("pk", "invoice", "created_at", "currency", "out_of_band")
    found = list(notes.order_by("created_at", "pk").values_list(*columns))
    invoices = {invoice for _pk, invoice, *_ in found}
    payments = Payment.objects.filter(invoice__in=invoices, status=PaymentStatus.SUCCEEDED)
    # What was paid directly goes back directly; else it's what the invoice was paid with.
    of_invoice: dict[int | None, int] = {}
    for invoice, pk, brand in payments.values_list("invoice", "pk", "card_brand"):
        if brand in NOT_BY_STRIPE or invoice not in of_invoice:
            of_invoice[invoice] = pk
    for pk, invoice, at, currency, amount in found:
        paid_with = of_invoice.get(invoice)
        yield Moved(paid_with, at, currency, GIVEN_BACK, -amount, (CreditNote, pk))
