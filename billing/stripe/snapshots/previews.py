"""Stripe's previews of invoices: a subscription's next one, and that of a price change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from billing.core.fitted import Fitted
from billing.stripe import tax_snapshots
from billing.stripe.snapshots.fields import Json, sum_of, text, time
from billing.stripe.snapshots.invoices import is_proration


@dataclass(frozen=True)
class NextCharge:
    """The next renewal's amount, after the `credit` that it uses.

    `taxation` says whether tax is added to the price or included in it, or "" if there's none.
    """

    amount: int
    credit: int
    taxation: str = ""


@dataclass(frozen=True)
class SwitchLine(Fitted):
    """A line of the invoice that a price change would make."""

    description: str
    amount: int
    is_proration: bool
    is_period: bool  # a whole period of the subscription
    ends_at: datetime | None
    tax_added: int  # on top of the amount


@dataclass(frozen=True)
class SwitchSnapshot(Fitted):
    """Stripe's preview of that invoice. `balance` is the customer's: negative is credit.

    `prorated_at` is the second when its prorations begin, or None without any.
    """

    prorated_at: int | None
    currency: str
    lines: list[SwitchLine]
    discount: int
    tax_added: int
    tax_included: int  # the tax included in the lines
    total: int
    balance: int
    amount_due: int
    needs_place: bool  # of the customer, to calculate tax


def next_charge(data: Json) -> NextCharge:
    """Read a renewal invoice's preview. No more credit is used than it asks for."""
    credit = max(0, -(data.get("starting_balance") or 0))
    return NextCharge(
        amount=data["amount_due"],
        credit=min(credit, max(0, data["total"])),
        taxation=tax_snapshots.taxation(data.get("total_taxes")),
    )


def switch(data: Json) -> SwitchSnapshot:
    """Read the preview of an invoice that a price change would make."""
    lines = data["lines"]["data"]
    starts = [line["period"]["start"] for line in lines if is_proration(line)]
    return SwitchSnapshot(
        prorated_at=max(starts, default=None),
        currency=data["currency"],
        lines=[_switch_line(line) for line in lines],
        discount=sum_of(data.get("total_discount_amounts")),
        tax_added=tax_snapshots.added(data.get("total_taxes")),
        tax_included=tax_snapshots.included(data.get("total_taxes")),
        total=data["total"],
        balance=data.get("starting_balance") or 0,
        amount_due=data["amount_due"],
        needs_place=tax_snapshots.needs_place(data),
    )


def _switch_line(line: Json) -> SwitchLine:
    parent = line.get("parent") or {}
    is_partial = is_proration(line)
    return SwitchLine(
        description=text(line.get("description")),
        amount=line["amount"],
        is_proration=is_partial,
        is_period=bool(parent.get("subscription_item_details")) and not is_partial,
        ends_at=time((line.get("period") or {}).get("end")),
        tax_added=tax_snapshots.added(line.get("taxes")),
    )
