"""What the home page answers: am I a member, what is next, must I do anything?"""

from __future__ import annotations

from dataclasses import dataclass

from billing.core.tones import Attention
from billing.facts import descriptions, plans
from billing.pages.alerts import attention
from billing.pages.member_facts import MemberFacts
from billing.pages.membership_status import Membership, membership
from billing.pages.payment_lines import PaymentLine, payment_line, refund_lines
from billing.refunds import queries
from billing.refunds.queries import RefundLine

# How many refunds the home page shows of those that are under way.
FEW = 3


@dataclass(frozen=True)
class Home:
    """What the home page answers: am I a member, what is next, must I do anything?"""

    membership: Membership
    offer: plans.PlanOffer | None
    attention: list[Attention]
    refunds: list[RefundLine]  # the newest under way for which the member need do nothing
    has_more_refunds: bool
    last_payment: PaymentLine | None


def home(facts: MemberFacts) -> Home:
    """Answer the home page's three questions."""
    current, news = membership(facts), queries.news(facts.refunds)
    shown = news.under_way[:FEW]
    return Home(
        membership=current,
        offer=None if current.is_member else facts.offer,
        attention=attention(facts, current),
        refunds=refund_lines(shown, facts.names),
        has_more_refunds=len(news.under_way) > len(shown),
        last_payment=_last_payment(facts),
    )


def _last_payment(facts: MemberFacts) -> PaymentLine | None:
    row = facts.last_payment
    if row is None:
        return None
    return payment_line(row, descriptions.of_payment(row, facts.names), facts.refunds)
