"""Reads for the member's refund pages: what can be requested, and what was."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from django.db.models import Case, IntegerField, Q, When
from django.utils import timezone

from billing.core import texts as wording
from billing.core.dates import arrival, long_date, short_date
from billing.core.statuses import (
    REFUND_UNDER_WAY,
    REFUND_VOID,
    PaymentStatus,
    RefundOrigin,
    RefundState,
)
from billing.core.tones import Alert, Tone
from billing.facts import descriptions
from billing.models import Payment, Refund
from billing.models.refund import RefundQuerySet
from billing.refunds import membership_end, texts
from billing.refunds import policy as refund_policy
from billing.refunds import terms as refund_terms
from billing.refunds.membership_end import Ending
from billing.refunds.policy import Facts, Outcome, Policy, Terms
from billing.refunds.reasons import Ground, sentences
from common.money import Money
from common.paths import numbered
from common.reads import Moment, Person

# How long a failed refund is shown prominently to the member.
REMEMBERED_FOR = timedelta(days=30)
# At least as long as a bank takes to show a refund (`dates.ARRIVES_AFTER`), in calendar days.
AT_THE_BANK_FOR = timedelta(days=15)
MOST_LISTED = 20
TONES = {
    RefundState.DENIED: Tone.INFO,
    RefundState.WITHDRAWN: Tone.INFO,
    RefundState.SUCCEEDED: Tone.GOOD,
    RefundState.FAILED: Tone.BAD,
    RefundState.CANCELED: Tone.INFO,
}
# Those that the member must know or do something about come first.
HELD_UP = (RefundState.REQUIRES_ACTION, RefundState.FAILED)


# Successful payments by primary key, with what's known about them and the policy's terms.
Judged: TypeAlias = dict[int, tuple[Payment, Facts, Terms]]


@dataclass(frozen=True)
class News:
    """News about a member's refunds: those that need the member, and those under way.

    `all` has both as rows.
    """

    alerts: list[Alert]
    under_way: list[Refund]
    all: Sequence[Refund]


@dataclass(frozen=True)
class Offer:
    """What can be refunded: "Instant refund of up to $29.00 until Friday, December 4".

    `url` is the form's; empty if nothing can be requested now.
    """

    title: str
    notes: tuple[str, ...] = ()
    url: str = ""

    @property
    def is_worth_saying(self) -> bool:
        """Whether it says more than the refunds shown next to it."""
        return bool(self.url or self.notes)


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


@dataclass(frozen=True)
class MembershipOutcome:
    """What can happen to the membership that a payment was for. `ends_at`: it's already ending.

    `ending`: how it ends with a refund of everything left of the payment.
    """

    period_end: datetime
    ends_at: datetime | None
    ending: Ending

    @property
    def can_end_at_once(self) -> bool:
        """Whether everything paid for the current period can be given back with it."""
        return self.ending == Ending.AT_ONCE

    @property
    def why_not_at_once(self) -> str:
        """Return until when it continues despite a full refund, and why; or ""."""
        return _goes_on(self.period_end, self.ending) if self.ending.has_reason else ""


@dataclass(frozen=True)
class Asking:
    """What the form needs to know about a payment. `outcome`: None without a membership."""

    payment: Payment
    description: str
    paid: Money
    most: Money
    terms: Terms
    offer: Offer
    method: str
    outcome: MembershipOutcome | None

    @property
    def is_all(self) -> bool:
        """Whether everything that was paid can be refunded."""
        return self.most == self.paid


@dataclass(frozen=True)
class Preview:
    """What would happen to a request: "You’ll be refunded right away"."""

    tone: Tone
    title: str
    sentences: tuple[str, ...]
    amount: Money | None = None


def visible_to(user: Person) -> RefundQuerySet:
    """Return the refunds that a member may see: their own that were announced."""
    return told(Refund.objects.for_user(user))


def judged(policy: Policy, facts: Mapping[int, Facts], payments: Collection[Payment]) -> Judged:
    """Return the policy's terms for successful payments, by primary key."""
    made = [row for row in payments if row.status == PaymentStatus.SUCCEEDED]
    return {
        row.pk: (row, facts[row.pk], refund_policy.terms(policy, facts[row.pk])) for row in made
    }


def briefs(found: Judged, refunds: Collection[Refund]) -> dict[int, str]:
    """Return "Refundable until Dec 4" for a list of payments, given the refunds under way."""
    waiting = {row.payment_id for row in refunds if row.is_undecided}
    return {
        pk: f"Refundable until {short_date(_until(row, known, terms))}"
        for pk, (row, known, terms) in found.items()
        if terms.is_refundable and pk not in waiting
    }


def offers_beside(policy: Policy, found: Judged, refunds: Collection[Refund]) -> dict[int, Offer]:
    """Return payments' offers, given these refunds: only one request can wait at a time."""
    offers = {pk: _offer(row, policy, facts) for pk, (row, facts, _) in found.items()}
    asked = (row for row in refunds if row.origin == RefundOrigin.MEMBER and row.is_undecided)
    waiting = Offer("A request of yours waits for our answer.")
    return offers | {row.payment_id: waiting for row in asked}


def told(rows: RefundQuerySet) -> RefundQuerySet:
    """Keep what a member may see: no goodwill refund that came to nothing.

    The member has never heard of one that a colleague didn't approve or Stripe didn't accept.
    """
    unknown = Q(origin=RefundOrigin.STAFF, stripe_id=None) & Q(
        state__in=[RefundState.REQUESTED, *sorted(REFUND_VOID)]
    )
    return rows.exclude(unknown)


def in_progress(user: Person, since: Moment) -> RefundQuerySet:
    """Return the refunds that may be waiting for us, Stripe, or the bank.

    `since` is `AT_THE_BANK_FOR` ago. For those at a bank, `is_under_way` says more.
    """
    rows = visible_to(user).filter(_may_be_under_way(since))
    return rows.select_related("payment__invoice__subscription")[:MOST_LISTED]


def is_under_way(row: Refund) -> bool:
    """Whether a refund is under way; a bank gets the days that banks usually take."""
    if row.state != RefundState.SUCCEEDED:
        return row.state in REFUND_UNDER_WAY
    _, last = arrival(row.succeeded_at or row.sent_at or row.created_at)
    return timezone.now() <= last


def _may_be_under_way(since: Moment) -> Q:
    """Select slightly more than needed: the database can't count business days."""
    at_bank = Q(succeeded_at__gt=since) | Q(succeeded_at=None, sent_at__gt=since)
    return Q(state__in=sorted(REFUND_UNDER_WAY)) | Q(at_bank, state=RefundState.SUCCEEDED)


def newest(user: Person, failed_since: Moment, since: Moment) -> RefundQuerySet:
    """Return the refunds that the home page may show, those that need the member first.

    `failed_since` is `REMEMBERED_FOR` ago, `since` `AT_THE_BANK_FOR`.
    """
    owed = Refund.objects.still_owed().filter(failed_at__gt=failed_since, customer__user=user)
    failed = Q(state=RefundState.FAILED, pk__in=owed.order_by().values("pk"))
    rows = visible_to(user).filter(failed | _may_be_under_way(since))
    urgent = Case(When(state__in=HELD_UP, then=0), default=1, output_field=IntegerField())
    rows = rows.select_related("payment__invoice__subscription")
    return rows.order_by(urgent, "-created_at", "-pk")[:MOST_LISTED]


def news(found: Sequence[Refund]) -> News:
    """Return the home page's news about refunds, given the `newest`."""
    return News(
        alerts=[_alert(row) for row in found if row.state in HELD_UP],
        under_way=[row for row in found if row.state not in HELD_UP and is_under_way(row)],
        all=found,
    )


def asking(payment: Payment) -> Asking:
    """Return what a member can request for one payment."""
    policy, facts = refund_terms.policy_in_force(), refund_terms.facts_of(payment)
    terms = refund_policy.terms(policy, facts)
    return Asking(
        payment=payment,
        description=descriptions.of_one(payment),
        paid=payment.money_received,
        most=Money(terms.most, payment.currency),
        terms=terms,
        offer=_offer(payment, policy, facts),
        method=wording.card(payment.card_brand, payment.card_last4),
        outcome=_outcome(payment),
    )


def preview(asked: Asking, amount: int, *, cancels: bool) -> Preview:
    """Return what a request for an amount (minor units) would lead to now."""
    verdict = refund_terms.judge(asked.payment, amount)
    money = Money(amount, asked.payment.currency)
    if verdict.outcome == Outcome.REFUSED:
        return Preview(Tone.BAD, "This can't be refunded", verdict.sentences)
    membership = _membership_sentence(asked, amount, cancels=cancels)
    if verdict.outcome == Outcome.AUTOMATIC:
        first, last = arrival(timezone.now())
        sentences = (
            f"We’ll send {money} {to_method(asked.payment)} right away.",
            f"Banks usually show it between {long_date(first)} and {long_date(last)}.",
        )
        return Preview(Tone.GOOD, "You’ll be refunded right away", (*sentences, *membership), money)
    two = verdict.approvals > 1
    title = (
        "Two people on our team will review this" if two else "Someone on our team will review this"
    )
    answer = "We’ll email you our answer. Until then, you can withdraw your request."
    return Preview(Tone.WAIT, title, (*_why(asked, amount), answer, *membership), money)


def to_method(payment: Payment) -> str:
    """Return "to your Visa ending in 4242", or wherever else it goes."""
    method = wording.card_in_sentence(payment.card_brand, payment.card_last4)
    return f"to your {method}" if method else "to where you paid from"


def _why(asked: Asking, amount: int) -> tuple[str, ...]:
    """Return why an amount isn't refunded right away, unless the title already says it."""
    at_once = asked.terms.automatic_up_to
    if 0 < at_once < amount:
        return (f"Up to {Money(at_once, asked.payment.currency)} would be refunded right away.",)
    return ()


def _membership_sentence(asked: Asking, amount: int, *, cancels: bool) -> tuple[str, ...]:
    outcome = asked.outcome
    if outcome is None:
        return ()
    ending = membership_end.ending_of(asked.payment, amount) if cancels else Ending.WITH_PERIOD
    if ending == Ending.AT_ONCE:
        return ("Your membership ends as soon as all of this is approved.",)
    if outcome.ends_at:
        return (f"Your membership ends on {long_date(outcome.ends_at)}.",)
    if ending.has_reason:
        return (_goes_on(outcome.period_end, ending),)
    if cancels:
        end = long_date(outcome.period_end)
        return (f"Your membership ends on {end}, and nothing more is charged.",)
    return ("Your membership continues.",)


def _outcome(payment: Payment) -> MembershipOutcome | None:
    subscription = payment.membership
    if subscription is None or not subscription.is_live:
        return None
    ending = membership_end.ending_of_all(payment)
    if subscription.ends_at and ending != Ending.AT_ONCE:
        return None
    return MembershipOutcome(subscription.current_period_end, subscription.ends_at, ending)


def _goes_on(until: datetime, ending: Ending) -> str:
    end = long_date(until)
    return f"Your membership continues until {end}{ending.why}. Nothing more is charged."


def _offer(payment: Payment, policy: Policy, facts: Facts) -> Offer:
    terms = refund_policy.terms(policy, facts)
    if not terms.is_refundable:
        gone = facts.paid and not facts.left
        if gone and not facts.is_charged_back and not facts.credited:
            return Offer("All of it is refunded, or on its way")
        return Offer("Not refundable", sentences(terms.reasons))
    until = _until(payment, facts, terms)
    most = Money(terms.most, payment.currency)
    at_once = Money(terms.automatic_up_to, payment.currency)
    day = long_date(until)
    if terms.automatic_up_to >= terms.most:
        title = f"Instant refund of up to {most} until {day}"
    elif terms.automatic_up_to:
        title = f"Up to {most} until {day}. Up to {at_once} is instant; more needs our approval."
    else:
        title = f"Up to {most} until {day}; it needs our approval"
    return Offer(
        title=title,
        notes=_notes(payment, policy, facts, terms),
        url=numbered("billing:request-refund", payment.pk),
    )


def _notes(payment: Payment, policy: Policy, facts: Facts, terms: Terms) -> tuple[str, ...]:
    """Return what the title doesn't say: a share that's less than all, now or later."""
    notes = []
    if terms.share and terms.share.ground == Ground.PART_OF_IT:
        notes.append(str(terms.share))
    if terms.review and terms.review.ground != Ground.ALWAYS_REVIEWED:
        notes.append(str(terms.review))
    for later in policy.rule(facts.kind).shares:
        if later.percent < terms.percent:
            since = payment.paid_at or payment.created_at
            end = long_date(since + timedelta(days=later.days))
            notes.append(_later(later.percent, facts, end))
            break
    return tuple(notes)


def _later(percent: int, facts: Facts, end: str) -> str:
    """Return what's refundable of a payment once its share has become smaller."""
    if not facts.committed:
        return f"After that, you can get {percent}% back until {end}."
    left = facts.paid * percent // refund_policy.WHOLE - facts.committed
    if left <= 0:
        return "After that, no more can be refunded."
    return f"After that, you can get up to {Money(left, facts.currency)} back until {end}."


def _until(payment: Payment, facts: Facts, terms: Terms) -> datetime:
    """Return the last full day on which the same share applies, or today if it has begun."""
    since = payment.paid_at or payment.created_at
    return max(since + timedelta(days=facts.age_days + terms.days_left), timezone.now())


def line_of(row: Refund, description: str = "") -> RefundLine:
    """Return a refund as a row."""
    state = RefundState(row.state)
    return RefundLine(
        url=numbered("billing:refund", row.pk),
        amount=row.money,
        date=row.created_at,
        tone=Tone.WAIT if is_under_way(row) else TONES[state],
        label=texts.label(state, is_over=not is_under_way(row)),
        title="Refund you asked for" if row.origin == RefundOrigin.MEMBER else "Refunded by us",
        description=description,
    )


def _alert(row: Refund) -> Alert:
    url = numbered("billing:refund", row.pk)
    if row.state == RefundState.REQUIRES_ACTION:
        title = f"Your refund of {row.money} needs an answer from you"
        return Alert(Tone.WAIT, title, texts.TO_ANSWER, "See the refund", url)
    why = texts.failure(row.failure_reason, was_sent=bool(row.stripe_id))
    return Alert(
        Tone.BAD,
        f"Your refund of {row.money} did not arrive",
        f"{why} {texts.WILL_BE_IN_TOUCH}",
        "See the refund",
        url,
    )
