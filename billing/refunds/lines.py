"""Refunds in the member's words: as rows, and as news. Pure: rows come from `queries`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from billing.core.statuses import RefundOrigin, RefundState
from billing.core.tones import Alert, Tone
from billing.models import Refund
from billing.refunds import texts
from billing.refunds.queries import HELD_UP, is_under_way
from common.money import Money
from common.paths import numbered

TONES = {
    RefundState.DENIED: Tone.INFO,
    RefundState.WITHDRAWN: Tone.INFO,
    RefundState.SUCCEEDED: Tone.GOOD,
    RefundState.FAILED: Tone.BAD,
    RefundState.CANCELED: Tone.INFO,
}


@dataclass(frozen=True)
class News:
    """News about a member's refunds: those that need the member, and those under way.

    `all` has both as rows.
    """

    alerts: list[Alert]
    under_way: list[Refund]
    all: Sequence[Refund]


@dataclass(frozen=True)
class RefundLine:
    """One refund as a row: "$9.00, at your bank"."""

    url: str
    amount: Money
    date: datetime
    tone: Tone
    label: str
    title: str  # "Refund you asked for", "Refunded by us"
    description: str  # what the payment was for


def news(newest: Sequence[Refund]) -> News:
    """Return the home page's news about refunds, given the `queries.newest`."""
    return News(
        alerts=[_alert(row) for row in newest if row.state in HELD_UP],
        under_way=[row for row in newest if row.state not in HELD_UP and is_under_way(row)],
        all=newest,
    )


def line_of(row: Refund, description: str = "") -> RefundLine:
    """Return a refund as a row."""
    state = RefundState(row.state)
    return RefundLine(
        url=numbered("billing:refund", row.pk),
        amount=row.money,
        date=row.created_at,
        tone=Tone.WAIT if is_under_way(row) else TONES[state],
        label=texts.label(state, is_over=not is_under_way(row)),
        title=_("Refund you asked for")
        if row.origin == RefundOrigin.MEMBER
        else _("Refunded by us"),
        description=description,
    )


def _alert(row: Refund) -> Alert:
    url = numbered("billing:refund", row.pk)
    if row.state == RefundState.REQUIRES_ACTION:
        title = _("Your refund of %(amount)s needs an answer from you") % {"amount": row.money}
        return Alert(Tone.WAIT, title, str(texts.TO_ANSWER), _("See the refund"), url)
    why = texts.failure(row.failure_reason, was_sent=bool(row.stripe_id))
    return Alert(
        Tone.BAD,
        _("Your refund of %(amount)s didn’t arrive") % {"amount": row.money},
        f"{why} {texts.WILL_BE_IN_TOUCH}",
        _("See the refund"),
        url,
    )
