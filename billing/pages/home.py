"""What the home page answers: am I a member, what is next, must I do anything?"""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User

from billing.core.statuses import PaymentStatus
from billing.core.tones import Attention
from billing.facts import descriptions, plans
from billing.models import Payment
from billing.pages.alerts import attention
from billing.pages.membership_status import Membership, membership
from billing.pages.payment_lines import PaymentLine, payment_line, refund_lines
from billing.refunds import queries as refund_queries
from billing.refunds.queries import RefundLine
from members.models import Member

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


def home(member: Member) -> Home:
    """Answer the home page's three questions."""
    current = membership(member)
    refunds, last = refund_queries.news(member.user), _last_payment(member.user)
    shown = refunds.under_way[:FEW]
    paid = [*(row.payment for row in shown), *([last] if last else [])]
    names = descriptions.product_names([row.invoice for row in paid if row.invoice])
    last_payment = None
    if last:
        described = descriptions.of_payment(last, names)
        last_payment = payment_line(last, described, refunds.all)
    return Home(
        membership=current,
        offer=None if current.is_member else plans.offer_to(member.user),
        attention=attention(member, current, refunds.attention),
        refunds=refund_lines(shown, names),
        has_more_refunds=len(refunds.under_way) > len(shown),
        last_payment=last_payment,
    )


def _last_payment(user: User) -> Payment | None:
    return (
        Payment.objects.for_user(user)
        .filter(status=PaymentStatus.SUCCEEDED)
        .select_related("invoice__subscription")
        .prefetch_related("disputes")
        .first()
    )
