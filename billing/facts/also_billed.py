"""What a member is billed for besides the membership, in the member's words.

Staff sell such things in Stripe's dashboard, on terms that the portal doesn't know. So it shows
them, with their card, and says who to ask about ending them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.core import rhythms, tax_texts, texts
from billing.core.dates import long_date
from billing.core.statuses import Collection, SubscriptionStatus
from billing.core.subscription_items import SubscriptionItem
from billing.core.tones import Tone
from billing.facts import discounts
from billing.models import Invoice, Subscription

UNPAID = frozenset({SubscriptionStatus.PAST_DUE, SubscriptionStatus.UNPAID})
BY_USAGE = gettext_lazy("Depends on use")


@dataclass(frozen=True)
class Part:
    """A subscription's item: "2 × Locker rental", "$18.00 a month".

    `is_main`: the subscription's price and period come from it, the membership's if there is one.
    """

    title: str
    price: str
    is_main: bool


@dataclass(frozen=True)
class Billed:
    """Something that a member is billed for. `note` says what's next, in a sentence.

    `has_own_card`: it's charged to a different customer at Stripe than the membership.
    """

    pk: int
    name: str
    price: str
    note: str
    is_membership: bool
    has_own_card: bool = False
    tone: Tone | None = None
    label: str = ""  # the badge, if something is unusual
    card: str = ""
    parts: list[Part] = field(default_factory=list)


def billed(row: Subscription, beside: Subscription | None, waiting: Iterable[Invoice]) -> Billed:
    """Return a live subscription as the member sees it, next to the membership if there is one.

    `waiting` holds its open invoices, newest first.
    """
    tone, label = _badge(row)
    return Billed(
        pk=row.pk,
        name=row.name,
        price=price_of(row),
        note=_note(row, waiting),
        is_membership=row.is_membership,
        has_own_card=beside is None or beside.customer_id != row.customer_id,
        tone=tone,
        label=label,
        card=texts.card(row.card_brand, row.card_last4),
        parts=parts_of(row),
    )


def parts_of(row: Subscription) -> list[Part]:
    """Return the items of a subscription with several; for a single one the row says it all."""
    parts = row.parts
    return [_part(one, row) for one in parts] if len(parts) > 1 else []


def price_of(row: Subscription) -> str:
    """Return "$9.00 a month, plus tax", or that it depends on usage."""
    if row.parts and all(one.unit_amount is None for one in row.parts):
        return str(BY_USAGE)
    rate = rhythms.rate(row.money, row.interval, row.interval_count)
    return texts.with_tax(rate, tax_texts.price(row.taxation))


def _part(one: SubscriptionItem, row: Subscription) -> Part:
    rate = rhythms.rate(one.money, one.interval, one.interval_count)
    shown = str(BY_USAGE) if one.unit_amount is None else rate
    return Part(one.title, shown, is_main=one.price_id == row.price_id)


def _badge(row: Subscription) -> tuple[Tone | None, str]:
    if row.status in UNPAID:
        return Tone.BAD, _("Payment failed")
    if row.status == SubscriptionStatus.PAUSED or row.is_paused:
        return Tone.WAIT, _("Paused")
    return (Tone.WAIT, _("Ending")) if row.ends_with_period else (None, "")


def _note(row: Subscription, waiting: Iterable[Invoice]) -> str:
    if row.ends_at and row.ends_with_period:
        return _("It ends on %(day)s and won’t renew.") % {"day": long_date(row.ends_at)}
    if row.status in UNPAID:
        return _unpaid_note(waiting)
    if row.status == SubscriptionStatus.PAUSED or row.is_paused:
        if row.resumes_at is None:
            return _("Nothing is charged while it’s paused.")
        return _("It’s paused, and nothing is charged until %(day)s.") % {
            "day": long_date(row.resumes_at)
        }
    return _next_charge(row)


def _next_charge(row: Subscription) -> str:
    is_by_usage = any(one.unit_amount is None for one in row.parts)
    charge = None if is_by_usage else discounts.next_charge(row)
    if charge is None:
        words = _("Next invoice on %(day)s.") if row.is_sent else _("Next charge on %(day)s.")
    elif row.is_sent:
        words = _("Next invoice of %(amount)s on %(day)s.")
    else:
        words = _("Next charge of %(amount)s on %(day)s.")
    return words % {"amount": charge, "day": long_date(row.current_period_end)}


def _unpaid_note(waiting: Iterable[Invoice]) -> str:
    unpaid = next((one for one in waiting if one.collection != Collection.NONE), None)
    if unpaid and unpaid.collection == Collection.PROCESSING:
        return _("Your last payment is on its way.")
    return _("Your last payment for it didn’t go through.")
