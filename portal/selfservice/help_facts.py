"""The facts for the help page: one statement, and two for names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User

from billing.facts import businesses
from billing.pages import member_facts, membership_status, refundable
from billing.pages.membership_status import MembershipState
from common.reads import Part, Reading
from portal.models import SupportMessage
from portal.selfservice.questions import HelpFacts

SHOWN = 5

MESSAGES = Part(lambda: SupportMessage.objects.filter(user=member_facts.ME)[:SHOWN])
BUSINESSES = Part(lambda: businesses.customers_of(member_facts.ME))
HELP = Reading(*member_facts.MEMBERSHIP.parts, *refundable.PARTS, MESSAGES, BUSINESSES)


@dataclass(frozen=True)
class MembersHelp:
    """What a member's help page is made of: the answers' facts, and what they wrote to us."""

    facts: HelpFacts
    messages: Sequence[SupportMessage]


def read(user: User) -> MembersHelp:
    """Read a member's facts."""
    mine, results = member_facts.beside(HELP, user, **refundable.values())
    current = membership_status.membership(mine)
    paid = refundable.facts_from(results, user)
    has_problem = current.state == MembershipState.PAYMENT_DUE
    facts = HelpFacts(
        membership=current,
        policy=paid.judging.policy,
        offers=tuple(refundable.in_words(paid)),
        problem=current.sentence if has_problem else "",
        billed_to=businesses.business_of(results[BUSINESSES]),
    )
    return MembersHelp(facts, results[MESSAGES])
