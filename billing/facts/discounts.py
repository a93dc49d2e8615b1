"""A subscription's discounts, in words and in its next charge."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from billing.core import texts
from billing.core.dates import plain_date
from billing.core.statuses import PERIOD_INVOICES, InvoiceStatus
from billing.models import Invoice, Subscription
from common.money import Money


def running(row: Subscription) -> list[dict[str, Any]]:
    """Return the discounts that apply now; one may have ended without being read again."""
    now = timezone.now().timestamp()
    return [one for one in row.discounts if one["ends_at"] is None or one["ends_at"] > now]


@dataclass(frozen=True)
class Discount:
    """A discount in words: "20% off", and "until March 4 (code SPRING)"."""

    amount: str
    lasting: str

    def __str__(self) -> str:
        return f"{self.amount} {self.lasting}"


def in_words(row: Subscription) -> list[Discount]:
    """Return each running discount in words."""
    return [_in_words(one) for one in running(row)]


@dataclass(frozen=True)
class Ending:
    """A discount that ends, and when."""

    discount: Discount
    ends_at: datetime


def ending_before_renewal(row: Subscription) -> list[Ending]:
    """Return the running discounts that the next payment lacks, the first to end first.

    There can be several: the subscription's own, and those of its items.
    """
    ends = [
        (datetime.fromtimestamp(one["ends_at"], UTC), one) for one in running(row) if one["ends_at"]
    ]
    before = [(at, one) for at, one in ends if at <= row.current_period_end]
    return [Ending(_in_words(one), at) for at, one in sorted(before, key=lambda pair: pair[0])]


def has_run_out(row: Subscription) -> bool:
    """Whether a discount lowered the last period's payment, but won't lower the next one.

    Another may last, if neither of the two has an end of its own: those are told by their day.
    """
    paid, end = last_period(row), row.current_period_end.timestamp()
    if paid is None or paid.discount <= 0:
        return False
    ends = [one["ends_at"] for one in running(row)]
    left = [at for at in ends if at is None or at > end]
    return not left or (not any(left) and 0 < (paid.discount_lasting or 0) < paid.discount)


def last_period(row: Subscription) -> Invoice | None:
    """Return the last paid invoice for a period, rather than for a change within one.

    That's the first one's, a renewal's, or that of a switch that began the present period.
    """
    paid = row.invoices.filter(status=InvoiceStatus.PAID).order_by("-created_at", "-pk")
    return next((one for one in paid.iterator() if _is_of_period(one, row)), None)


def _is_of_period(paid: Invoice, row: Subscription) -> bool:
    if paid.billing_reason in PERIOD_INVOICES:
        return True
    present = (int(row.current_period_start.timestamp()), int(row.current_period_end.timestamp()))
    return any((one["period_start"], one["period_end"]) == present for one in paid.lines)


def next_charge(row: Subscription) -> Money | None:
    """Return the next charge; None if it isn't known.

    If Stripe foresees none, it's the price, unless a discount, Stripe Tax, a planned price, or the
    customer's balance makes it another.
    """
    if row.next_charge is not None:
        return Money(row.next_charge, row.currency)
    is_other = row.tax_is_automatic or row.changes_with_period or row.balance or running(row)
    return None if is_other else row.money


def _in_words(one: dict[str, Any]) -> Discount:
    if one["ends_at"]:
        day = plain_date(datetime.fromtimestamp(one["ends_at"], UTC))
        lasting = _("until %(day)s") % {"day": day}
    else:
        lasting = texts.lasting(one["duration"], None)
    return Discount(
        texts.less(one["percent_off"], one["amount_off"], one["currency"]),
        _("%(lasting)s (code %(code)s)") % {"lasting": lasting, "code": one["code"]}
        if one["code"]
        else lasting,
    )
