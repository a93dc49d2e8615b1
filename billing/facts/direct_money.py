"""Money that never was in Stripe's balance: Zelle, cash, checks, on the day it moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time

from django.db.models import Q
from django.db.models.functions import TruncMonth

from billing.core.book_words import GIVEN_BACK, ZELLE_REFUND
from billing.core.statuses import NOT_BY_STRIPE, ZELLE, CreditNoteStatus, PaymentStatus, RefundState
from billing.models import CreditNote, Payment, Refund
from common.money import Money

# A refund by Zelle that was sent; a file of the account proves it later.
SENT = (RefundState.PENDING, RefundState.SUCCEEDED)


@dataclass(frozen=True)
class Moved:
    """An amount of one payment, negative if it went back. `kind` is a key of its words."""

    payment: int | None
    at: datetime
    currency: str
    kind: str
    amount: int


def sums(begin: datetime, end: datetime) -> list[tuple[str, Money]]:
    """Return what came and what went back, by kind and currency: three queries."""
    found: Counter[tuple[str, str]] = Counter()
    for one in moved(begin, end):
        if one.at >= begin:
            found[one.kind, one.currency] += one.amount
    order = [*sorted(NOT_BY_STRIPE), ZELLE_REFUND, GIVEN_BACK]
    keys = sorted(found, key=lambda key: (order.index(key[0]), key[1]))
    return [(kind, Money(found[kind, currency], currency)) for kind, currency in keys]


def days_before(end: datetime) -> list[tuple[datetime, str]]:
    """Return when something moved before a time, and in which currency, in any order.

    Of payments, which are many, it's the first moment of each month that has one.
    """
    paid = Payment.objects.filter(card_brand__in=NOT_BY_STRIPE, status=PaymentStatus.SUCCEEDED)
    months = paid.filter(paid_at__lt=end).annotate(month=TruncMonth("paid_at", tzinfo=end.tzinfo))
    came = months.order_by().values_list("month", "currency").distinct()
    return [*came, *((one.at, one.currency) for one in _went(end) if one.at < end)]


def moved(begin: datetime, end: datetime) -> list[Moved]:
    """Return what moved in a time, and what had moved of the same payments before it."""
    went = [one for one in _went(end) if one.at < end]
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
            yield Moved(pk, at, currency, brand, amount)


def _went(end: datetime) -> Iterator[Moved]:
    """Yield refunds by Zelle by the bank's day, and what credit notes say was given back."""
    refunds = Refund.objects.filter(payment__card_brand=ZELLE, state__in=SENT, sent_at__lt=end)
    rows = refunds.order_by("sent_at", "pk").select_related("transfer")
    for row in rows:
        transfer = getattr(row, "transfer", None)
        at = datetime.combine(transfer.on, time.min, end.tzinfo) if transfer else row.sent_at
        if at:
            yield Moved(row.payment_id, at, row.currency, ZELLE_REFUND, -row.amount)
    notes = CreditNote.objects.filter(out_of_band__gt=0, created_at__lt=end)
    # A refund by Zelle has a note, too.
    of_refunds = Refund.objects.exclude(credit_note_id="").values("credit_note_id")
    notes = notes.exclude(status=CreditNoteStatus.VOID).exclude(stripe_id__in=of_refunds)
    columns = ("invoice", "created_at", "currency", "out_of_band")
    found = list(notes.order_by("created_at", "pk").values_list(*columns))
    invoices = {invoice for invoice, *_ in found}
    payments = Payment.objects.filter(invoice__in=invoices, status=PaymentStatus.SUCCEEDED)
    # What was paid directly goes back directly; else it's what the invoice was paid with.
    of_invoice: dict[int | None, int] = {}
    for invoice, pk, brand in payments.values_list("invoice", "pk", "card_brand"):
        if brand in NOT_BY_STRIPE or invoice not in of_invoice:
            of_invoice[invoice] = pk
    for invoice, at, currency, amount in found:
        yield Moved(of_invoice.get(invoice), at, currency, GIVEN_BACK, -amount)
