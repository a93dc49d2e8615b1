"""The page on which a member closes their account: what ends, what stays, and what comes first.

`read` reads the facts, in one statement and two for names; the rest is words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.core.dates import long_date
from billing.facts import businesses
from billing.pages import member_facts, membership_status, refundable
from billing.pages.membership_status import Membership
from billing.pages.refundable import PaymentOffer
from common.reads import Part, Reading
from portal.models import PlannedClosing
from portal.selfservice import closing_blockers
from portal.selfservice.closing import TAKEN_BACK_WITHIN
from portal.selfservice.closing_blockers import Blocker

BUSINESSES = Part(lambda: businesses.customers_of(member_facts.ME))
CLOSING = Reading(
    *member_facts.MEMBERSHIP.parts, *refundable.PARTS, *closing_blockers.PARTS, BUSINESSES
)


@dataclass(frozen=True)
class ClosingFacts:
    """What the page is made of. `offers` are the newest payments."""

    membership: Membership
    offers: tuple[PaymentOffer, ...]
    billed_to: str
    blockers: tuple[Blocker, ...]
    planned: PlannedClosing | None
    now: datetime


@dataclass(frozen=True)
class ClosingPage:
    """The page in words. `planned`: the plan, if there is one."""

    closes_at: datetime
    planned: PlannedClosing | None
    ends: list[str]
    kept: list[str]
    refundable: list[PaymentOffer]
    credit: str
    blockers: tuple[Blocker, ...]


def read(user: User) -> ClosingFacts:
    """Read what the page must know."""
    mine, results = member_facts.beside(CLOSING, user, **refundable.values())
    blockers, planned = closing_blockers.of(user, results)
    return ClosingFacts(
        membership=membership_status.membership(mine),
        offers=tuple(refundable.in_words(refundable.facts_from(results, user))),
        billed_to=businesses.business_of(results[BUSINESSES]),
        blockers=tuple(blockers),
        planned=planned,
        now=timezone.now(),
    )


def page(facts: ClosingFacts) -> ClosingPage:
    """Say what closing the account means for this member."""
    closes_at = facts.planned.closes_at if facts.planned else facts.now + TAKEN_BACK_WITHIN
    return ClosingPage(
        closes_at=closes_at,
        planned=facts.planned,
        ends=[*_membership(facts.membership, closes_at), *_account()],
        kept=[*_kept(facts)],
        refundable=[one for one in facts.offers if one.url],
        credit=_credit(facts.membership),
        blockers=facts.blockers,
    )


def _membership(current: Membership, closes_at: datetime) -> Iterator[str]:
    if current.is_member:
        ends_at = current.ends_at if current.ends_with_period else None
        yield _one(ends_at, current.period_end, closes_at)
        if current.planned:
            yield _("Your planned change (%(planned)s) is dropped.") % {"planned": current.planned}
    for other in current.also_billed:
        yield _("%(name)s ends, too.") % {"name": other.name}


def _one(ends_at: datetime | None, paid_until: datetime | None, closes_at: datetime) -> str:
    day = long_date(closes_at)
    if ends_at and ends_at <= closes_at:
        text = _("Your membership ends on %(end)s, as you chose.")
        return text % {"end": long_date(ends_at)}
    if paid_until and paid_until <= closes_at:
        text = _("Your membership stops renewing now, and ends on %(end)s.")
        return text % {"end": long_date(paid_until)}
    if paid_until:
        text = _(
            "Your membership stops renewing now, so nothing more is charged. It ends with your"
            " account on %(day)s, although it’s paid until %(end)s."
        )
        return text % {"day": day, "end": long_date(paid_until)}
    text = _("Your membership stops renewing now. It ends with your account on %(day)s.")
    return text % {"day": day}


def _account() -> Iterator[str]:
    yield _("You can’t sign in anymore, and we no longer email or text you.")
    yield _("We delete your name, addresses, phone number, sign-ins, and messages.")


def _kept(facts: ClosingFacts) -> Iterator[str]:
    if facts.offers:
        yield _(
            "Invoices, payments, and refunds, without your name or contact details. Tax law"
            " requires us to keep them."
        )
    if facts.billed_to:
        text = _("The name of %(business)s on its invoices, which must say who was billed.")
        yield text % {"business": facts.billed_to}
    if facts.membership.member_since:
        yield _(
            "A code made from your email address, so that a free trial is given once. Nobody can"
            " read the address from it."
        )


def _credit(current: Membership) -> str:
    if not current.credit:
        return ""
    text = _("You lose your credit of %(credit)s. Write to us first to have it paid out.")
    return text % {"credit": current.credit}
