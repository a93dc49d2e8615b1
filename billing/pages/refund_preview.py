"""What a member can request for a payment, and what would come of it, in words.

Pure: `refund_facts` reads. A request itself is decided by `billing.refunds.service`, from rows that
are locked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from billing.core import texts
from billing.core.dates import arrival, long_date
from billing.core.tones import Tone
from billing.facts import descriptions
from billing.models import Payment
from billing.pages.refund_facts import RequestFacts
from billing.refunds import membership_end, offers, policy
from billing.refunds.membership_end import Ending
from billing.refunds.offers import Offer
from billing.refunds.policy import Outcome, Terms
from common.money import Money


@dataclass(frozen=True)
class MembershipOutcome:
    """What can happen to the membership that a payment was for. `ends_at`: it won't renew.

    `ending`: how it ends with a refund of everything left of the payment. `planned`: the price that
    would begin next, or "".
    """

    period_end: datetime
    ends_at: datetime | None
    ending: Ending
    planned: str = ""

    @property
    def can_end_at_once(self) -> bool:
        """Whether everything paid for the current period can be given back with it."""
        return self.ending == Ending.AT_ONCE

    @property
    def why_not_at_once(self) -> str:
        """Return until when it continues despite a full refund, and why; or ""."""
        return _goes_on(self.period_end, self.ending) if self.ending.has_reason else ""

    @property
    def keeping(self) -> tuple[str, str]:
        """The first choice: what happens if the membership isn't touched."""
        if self.ends_at:
            return _("Leave it as it is"), _("It ends on its date, as you chose.")
        return _("Keep my membership"), _("It continues, and your next payment is taken as usual.")

    @property
    def canceling(self) -> tuple[str, str]:
        """The other choice: when it ends if it's canceled with the refund."""
        if self.ends_at:
            how = _(
                "A full refund ends it right away. After a partial refund, it ends on its date."
            )
            return _("End it right away"), how
        if self.can_end_at_once:
            how = _(
                "A full refund ends it right away. After a partial refund, it ends when your paid "
                "period is over."
            )
        else:
            how = self.why_not_at_once or _(
                "It ends when your paid period is over, and you won’t be charged again."
            )
        return _("Cancel it too"), " ".join(filter(None, (how, self.dropped)))

    @property
    def dropped(self) -> str:
        """Say that what's planned ends with the membership, or ""."""
        if not self.planned:
            return ""
        return _("Your planned change (%(planned)s) is dropped.") % {"planned": self.planned}


@dataclass(frozen=True)
class Asking:
    """What the form says about a payment. `outcome`: None without a membership."""

    facts: RequestFacts
    description: str
    terms: Terms
    offer: Offer
    outcome: MembershipOutcome | None

    @property
    def payment(self) -> Payment:
        """What a refund is asked of."""
        return self.facts.payment

    @property
    def paid(self) -> Money:
        """What came."""
        return self.payment.money_received

    @property
    def most(self) -> Money:
        """What can be requested."""
        return Money(self.terms.most, self.payment.currency)

    @property
    def is_all(self) -> bool:
        """Whether everything that was paid can be refunded."""
        return self.most == self.paid

    @property
    def why_not(self) -> str:
        """Why nothing can be requested, if there's more to say than the offer's title."""
        return next(iter(self.offer.notes), "")


@dataclass(frozen=True)
class Preview:
    """What would happen to a request: "You’ll be refunded right away"."""

    tone: Tone
    title: str
    sentences: tuple[str, ...]
    amount: Money | None = None


def asking(facts: RequestFacts) -> Asking:
    """Return what a member can request for a payment."""
    payment, known, judging = facts.payment, facts.of_payment, facts.judging
    return Asking(
        facts=facts,
        description=descriptions.of_payment(payment, facts.names),
        terms=policy.terms(judging.policy, known),
        offer=offers.offer(payment, judging.policy, known),
        outcome=_outcome(facts),
    )


def preview(asked: Asking, amount: int, *, cancels: bool) -> Preview:
    """Return what a request for an amount (minor units) would lead to now."""
    facts = asked.facts
    verdict = policy.judge(facts.judging.policy, facts.of_payment, amount)
    money = Money(amount, asked.payment.currency)
    if verdict.outcome == Outcome.REFUSED:
        return Preview(Tone.BAD, _("This can’t be refunded"), verdict.sentences)
    membership = _membership_sentences(asked, amount, cancels=cancels)
    if verdict.outcome == Outcome.AUTOMATIC:
        first, last = arrival(timezone.now())
        shown = _("Banks usually show it between %(first)s and %(last)s.") % {
            "first": long_date(first),
            "last": long_date(last),
        }
        sentences = (_sent(asked.payment, money), shown, *membership)
        return Preview(Tone.GOOD, _("You’ll be refunded right away"), sentences, money)
    if verdict.approvals > 1:
        title = _("Two people on our team will review this")
    else:
        title = _("Someone on our team will review this")
    answer = _("We’ll email you our answer. Until then, you can withdraw your request.")
    return Preview(Tone.WAIT, title, (*_why(asked, amount), answer, *membership), money)


def _sent(payment: Payment, money: Money) -> str:
    """Return "We’ll send $9.00 to your Visa ending in 4242 right away.", or where else it goes."""
    method = texts.card_in_sentence(payment.card_brand, payment.card_last4)
    if not method:
        return _("We’ll send %(amount)s to where you paid from right away.") % {"amount": money}
    return _("We’ll send %(amount)s to your %(method)s right away.") % {
        "amount": money,
        "method": method,
    }


def _why(asked: Asking, amount: int) -> tuple[str, ...]:
    """Return why an amount isn't refunded right away, unless the title already says it."""
    at_once = asked.terms.automatic_up_to
    if 0 < at_once < amount:
        most = Money(at_once, asked.payment.currency)
        return (_("Up to %(amount)s would be refunded right away.") % {"amount": most},)
    return ()


def _membership_sentences(asked: Asking, amount: int, *, cancels: bool) -> tuple[str, ...]:
    """Say what becomes of the membership, and of what's planned for it."""
    outcome = asked.outcome
    if outcome is None:
        return ()
    dropped = (outcome.dropped,) if cancels and outcome.dropped else ()
    return (_membership_sentence(asked, outcome, amount, cancels=cancels), *dropped)


def _membership_sentence(
    asked: Asking, outcome: MembershipOutcome, amount: int, *, cancels: bool
) -> str:
    ending = _ending(asked.facts, amount) if cancels else Ending.WITH_PERIOD
    if ending == Ending.AT_ONCE:
        return _("Your membership ends as soon as all of this is approved.")
    if outcome.ends_at:
        return _("Your membership ends on %(day)s.") % {"day": long_date(outcome.ends_at)}
    if ending.has_reason:
        return _goes_on(outcome.period_end, ending)
    if cancels:
        end = long_date(outcome.period_end)
        return _("Your membership ends on %(day)s. You won’t be charged again.") % {"day": end}
    return _("Your membership continues.")


def _outcome(facts: RequestFacts) -> MembershipOutcome | None:
    subscription = facts.payment.membership
    if subscription is None or not subscription.is_live:
        return None
    ending = _ending(facts, facts.of_payment.left)
    is_ending = subscription.ends_with_period
    if is_ending and ending != Ending.AT_ONCE:
        return None
    end, planned = subscription.current_period_end, "" if is_ending else facts.planned
    ends_at = subscription.ends_at if is_ending else None
    return MembershipOutcome(end, ends_at, ending, planned)


def _ending(facts: RequestFacts, amount: int) -> Ending:
    return membership_end.how_it_ends(facts.payment, amount, facts.period)


def _goes_on(until: datetime, ending: Ending) -> str:
    by_credit = _(
        "Your membership continues until %(day)s because credit paid for part of it. You won’t be "
        "charged again."
    )
    by_another = _(
        "Your membership continues until %(day)s because another payment paid for part of it. "
        "You won’t be charged again."
    )
    words = by_credit if ending == Ending.CREDIT_STAYS else by_another
    return words % {"day": long_date(until)}
