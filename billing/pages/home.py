"""The home page's answers: am I a member, what's next, and is there anything I must do?"""

from __future__ import annotations

from dataclasses import dataclass

from billing.core.tones import Alert
from billing.facts import descriptions, plans
from billing.pages.alerts import for_member
from billing.pages.member_facts import MemberFacts
from billing.pages.membership_status import Membership, membership
from billing.pages.payment_lines import PaymentLine, payment_line, refund_lines
from billing.refunds import lines
from billing.refunds.lines import RefundLine

# The number of refunds under way that the home page shows.
FEW = 3


@dataclass(frozen=True)
class Home:
    """The home page's answers: am I a member, what's next, and is there anything I must do?"""

    membership: Membership
    offer: plans.PlanOffer | None
    zelle_offer: plans.PlanOffer | None  # to pay for by Zelle
    alerts: list[Alert]
    refunds: list[RefundLine]  # the newest under way that need nothing from the member
    has_more_refunds: bool
    last_payment: PaymentLine | None


def home(facts: MemberFacts) -> Home:
    """Answer the home page's three questions."""
    current, news = membership(facts), lines.news(facts.refunds)
    shown = news.under_way[:FEW]
    return Home(
        membership=current,
        offer=None if current.is_member or facts.begins_by_zelle else facts.offer,
        zelle_offer=None if current.is_member else facts.zelle_offer,
        alerts=for_member(facts, current),
        refunds=refund_lines(shown, facts.names),
        has_more_refunds=len(news.under_way) > len(shown),
        last_payment=_last_payment(facts),
    )


def _last_payment(facts: MemberFacts) -> PaymentLine | None:
    row = facts.last_payment
    if row is None:
        return None
    return payment_line(row, descriptions.of_payment(row, facts.names), facts.refunds)
