"""A comparison's result for people: rows by name, money as money, dates as dates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.text import capfirst

from billing.models import (
    BalanceReading,
    BalanceTransaction,
    CreditNote,
    Customer,
    Dispute,
    FraudWarning,
    Invoice,
    Payment,
    PaymentMethod,
    Payout,
    Refund,
    Subscription,
)
from billing.models.copy import StripeCopy
from billing.reconcile.comparison import (
    BALANCE,
    MISSING,
    ORPHAN,
    PAID_OUT,
    THERE,
    UNREADABLE,
    Difference,
)
from common.money import Money
from common.staff.values import in_words

MODELS: dict[str, type[StripeCopy] | type[Refund]] = {
    "customer": Customer,
    "payment_method": PaymentMethod,
    "subscription": Subscription,
    "invoice": Invoice,
    "credit_note": CreditNote,
    "payment": Payment,
    "refund": Refund,
    "dispute": Dispute,
    "fraud_warning": FraudWarning,
    "payout": Payout,
    "balance_transaction": BalanceTransaction,
    "balance": BalanceReading,
}
# These belong to nobody.
OF_ACCOUNT = frozenset({"payout", "balance_transaction", "balance"})
# On one side only, or our mark without a row.
WHOLE = {
    (MISSING, THERE): ("Not in our records", "Found at Stripe"),
    (THERE, MISSING): ("In our records", "Not found at Stripe"),
    (MISSING, UNREADABLE): ("Not in our records", "Found at Stripe, but it can’t be read"),
    (THERE, UNREADABLE): ("In our records", "Found at Stripe, but it can’t be read"),
    (ORPHAN, THERE): ("Made by this portal, but linked to no record here", "Found at Stripe"),
}


@dataclass(frozen=True)
class Line:
    """A difference in words. `row` is ours if there is one; `what` names it."""

    difference: Difference
    row: StripeCopy | Refund | None
    what: str
    field: str
    ours: str
    stripe: str

    def __str__(self) -> str:
        what = f"{self.what} ({self.difference.id})"
        if not self.field:
            return f"{what}: {self.ours}. {self.stripe}."
        return f"{what}, {self.field.lower()}: {self.ours} here, {self.stripe} at Stripe"


def lines(entries: Iterable[Mapping[str, str]]) -> list[Line]:
    """Return a report's differences (`Reconciliation.differences`): one query per kind."""
    differences = [Difference(**entry) for entry in entries]
    rows = dict(_rows(differences))
    return [_line(one, rows.get((one.object, one.id))) for one in differences]


def _rows(differences: list[Difference]) -> Iterator[tuple[tuple[str, str], Any]]:
    for name in {one.object for one in differences}:
        ids = [one.id for one in differences if one.object == name]
        rows: models.QuerySet[Any] = MODELS[name]._default_manager.all()
        if name != "customer" and name not in OF_ACCOUNT:
            rows = rows.select_related("customer__user")
        for stripe_id, row in rows.in_bulk(ids, field_name="stripe_id").items():
            yield (name, stripe_id), row


def _line(one: Difference, row: Any) -> Line:
    if one.object == BALANCE:
        ours, stripe = (str(Money(int(text), one.id)) for text in (one.ours, one.stripe))
        return Line(one, None, f"Stripe’s balance in {one.id.upper()}", "Total", ours, stripe)
    kind = capfirst(MODELS[one.object]._meta.verbose_name)
    what = f"{kind} {_name(row)}" if row else str(kind)
    if not one.field:
        ours, stripe = WHOLE[one.ours, one.stripe]
        return Line(one, row, what, "", ours, stripe)
    if one.field == PAID_OUT:
        return Line(one, row, what, "Transactions in it", one.ours, one.stripe)
    column: Any = MODELS[one.object]._meta.get_field(one.field)
    ours, stripe = (
        in_words(column, text, getattr(row, "currency", "")) for text in (one.ours, one.stripe)
    )
    return Line(
        one, row, what, capfirst(str(getattr(column, "verbose_name", one.field))), ours, stripe
    )


def _name(row: Any) -> str:
    """Return "F-0001 of Nina Novak"."""
    if isinstance(row, Customer | Payout | BalanceTransaction):
        return str(row)
    return f"{row} of {row.customer}"
