"""Membership status: whether someone is a member, and what's next, in the member's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from django.utils import timezone
from django.utils.translation import gettext as _

from billing.core import rhythms, texts
from billing.core import tax_texts as tax_words
from billing.core.dates import long_date
from billing.core.statuses import (
    ENDED_SUBSCRIPTION,
    UNPAID_SUBSCRIPTION,
    Collection,
    SubscriptionStatus,
)
from billing.core.subscription_items import UNNAMED_PLAN
from billing.core.tones import Tone
from billing.facts import collecting, credit, discounts, memberships, plans, zelle
from billing.facts.also_billed import Billed, Part, billed, parts_of
from billing.membership import switch_options
from billing.models import Invoice, Subscription
from billing.notices.reminders import card_expires_soon
from billing.pages import pending_words
from billing.pages.member_facts import MemberFacts
from billing.zelle import way
from billing.zelle.way import OtherWay
from common.money import Money


class MembershipState(StrEnum):
    """A member's status, in our terms rather than Stripe's."""

    NONE = "none"
    CONFIRMING = "confirming"
    TRIAL = "trial"
    ACTIVE = "active"
    ENDING = "ending"
    PAYMENT_DUE = "payment_due"
    PAUSED = "paused"
    ENDED = "ended"


@dataclass(frozen=True)
class Membership:
    """The state of the membership. `card` reads "Visa ending in 4242"."""

    state: MembershipState
    tone: Tone
    label: str  # the badge: "Active", "Payment failed"
    sentence: str  # one sentence: "Your next charge of $29.00 is on Friday, December 4."
    plan_name: str = ""
    price: Money | None = None
    interval: str = ""
    rate: str = ""  # "$29.00 a month"
    per: str = ""  # "a month"
    tax_words: str = ""  # "plus tax", of the price
    next_charge: Money | None = None
    next_charge_at: datetime | None = None
    ends_at: datetime | None = None
    trial_end: datetime | None = None
    member_since: datetime | None = None
    card: str = ""
    card_brand: str = ""  # for its picture
    card_expires: str = ""  # "12/2030"
    card_expires_soon: bool = False
    period_end: datetime | None = None  # until when it's paid for, or free
    pending: str = ""  # what's pending at Stripe, in a sentence
    discounts: list[discounts.Discount] = field(default_factory=list)
    waiting: Money | None = None  # what a bank is processing, which takes days
    credit: Money | None = None  # the whole balance
    parts: list[Part] = field(default_factory=list)  # if it's paid along with other things
    also_billed: list[Billed] = field(default_factory=list)  # other subscriptions
    has_two: bool = False  # another membership continues beside it, by mistake
    planned: str = ""  # the price that begins next: "$290.00 a year from December 4"
    left_open: str = ""  # what's still due even if it ends, in words
    row: Subscription | None = None  # the live one, for further reads; pages don't show it

    @property
    def can_cancel(self) -> bool:
        """Whether the member can cancel now."""
        return self.is_member and not self.ends_with_period and not self.pending

    @property
    def can_resume(self) -> bool:
        """Whether the member can undo the cancellation now."""
        return self.is_member and self.ends_at is not None and not self.pending

    @property
    def ends_with_period(self) -> bool:
        """Whether it ends before it would renew, rather than several renewals from now."""
        return self.row is not None and self.row.ends_with_period

    @property
    def is_member(self) -> bool:
        """Whether the member has the membership now."""
        return self.state not in {
            MembershipState.NONE,
            MembershipState.CONFIRMING,
            MembershipState.ENDED,
        }

    @property
    def card_label(self) -> str:
        """The card's label: a card on file isn't charged if nothing is due."""
        is_free = self.next_charge is not None and not self.next_charge
        is_paused = self.state == MembershipState.PAUSED and self.next_charge_at is None
        is_sent = self.row is not None and self.row.is_sent
        if self.ends_with_period or is_free or is_paused or is_sent:
            return _("Card on file")
        return _("Next charge to")

    @property
    def next_label(self) -> str:
        """What comes next: a payment, or an invoice to pay."""
        is_sent = self.row is not None and self.row.is_sent
        return _("Next invoice") if is_sent else _("Next payment")

    @property
    def rate_with_tax(self) -> str:
        """What it costs and how often: "$29.00 a month, plus tax"."""
        return texts.with_tax(self.rate, self.tax_words)

    @property
    def per_with_tax(self) -> str:
        """What stands behind the price: "a month, plus tax"."""
        return texts.with_tax(self.per, self.tax_words)

    @property
    def is_first_trial(self) -> bool:
        """Whether it's in the free trial that it began with."""
        is_given = self.row is not None and self.row.is_in_free_time
        return self.trial_end is not None and not is_given

    @property
    def resumes_at(self) -> datetime | None:
        """When payments resume, if that's known."""
        return self.row.resumes_at if self.row and self.state == MembershipState.PAUSED else None


def membership(facts: MemberFacts) -> Membership:
    """Return the membership's status in the member's words, with what else is billed."""
    mine = memberships.ranked(facts.subscriptions)
    live = [row for row in mine if row.is_live]
    first = next(iter(live), None)
    others = [row for row in facts.subscriptions if row.is_live and not row.is_membership]
    return replace(
        _membership(facts, next(iter(mine), None)),
        also_billed=[billed(row, first, facts.waiting_of(row)) for row in [*live[1:], *others]],
        has_two=sum(not row.ends_with_period for row in live) > 1,
    )


def _membership(facts: MemberFacts, subscription: Subscription | None) -> Membership:
    if subscription and subscription.is_live:
        return _live_membership(subscription, facts)
    if facts.is_confirming:
        return Membership(
            MembershipState.CONFIRMING,
            Tone.WAIT,
            _("Confirming"),
            _("Your payment is being confirmed. This takes a few seconds."),
        )
    if subscription and subscription.status == SubscriptionStatus.INCOMPLETE:
        return _unfinished_membership(facts.waiting_of(subscription))
    if subscription and subscription.status in ENDED_SUBSCRIPTION:
        return _ended_membership(subscription)
    return Membership(
        MembershipState.NONE, Tone.INFO, _("Not a member"), _("You’re not a member yet.")
    )


def _planned(row: Subscription, facts: MemberFacts) -> str:
    """Return which price comes next and when, if one is planned."""
    return "" if row.ends_with_period else plans.planned(row, facts.plans)


def switches(facts: MemberFacts, current: Membership) -> switch_options.Offered | None:
    """Return the other prices that a member can switch to, or why not now."""
    row = current.row
    if row is None:
        return None
    paid = [one for one in facts.paid if one.invoice and one.invoice.subscription_id == row.pk]
    keys = {one.pk for one in paid}
    back = [one for one in facts.given_back if one.payment_id in keys]
    return switch_options.offered(row, facts.plans, paid, back)


def other_way(facts: MemberFacts, current: Membership) -> OtherWay | None:
    """Return the other way to pay, card or Zelle, if a member can choose it."""
    if current.row is None:
        return None
    by_zelle = zelle.on_sale(facts.zelle_plans, facts.tax_behavior, facts.zelle_terms)
    return way.other_way(current.row, facts.plans, by_zelle)


def changed_price(current: Membership, offer: plans.PlanOffer | None) -> str:
    """Return in a sentence how the price has changed since a membership ended, or ""."""
    if current.state != MembershipState.ENDED or offer is None or current.price is None:
        return ""
    same = [one for one in offer.prices if one.interval == current.interval]
    if not same:
        words = _("You paid %(before)s. That price isn’t available anymore.")
        return words % {"before": current.rate}
    if same[0].price == current.price:
        return ""
    return _("You paid %(before)s. It’s now %(now)s.") % {
        "before": current.rate,
        "now": same[0].rate,
    }


def _live_membership(row: Subscription, facts: MemberFacts) -> Membership:
    state, tone, label = _state(row)
    sentence, decision, invoices = "", facts.decision, facts.waiting_of(row)
    if state == MembershipState.PAYMENT_DUE:
        tone, label, sentence = _payment_due(invoices)
    waiting = _waiting_for_bank(invoices) if state == MembershipState.ACTIVE else None
    price = row.money
    is_resumed_then = state == MembershipState.PAUSED and row.is_paused and row.is_renewal_charged
    goes_on = state in (MembershipState.ACTIVE, MembershipState.TRIAL) or is_resumed_then
    next_charge = discounts.next_charge(row)
    return Membership(
        state=state,
        tone=tone,
        label=label,
        sentence=sentence
        or _joined(_waiting_sentence(waiting), _sentence(state, row, next_charge)),
        plan_name=row.name or UNNAMED_PLAN,
        price=price,
        interval=rhythms.interval(row.interval, row.interval_count),
        rate=rhythms.rate(price, row.interval, row.interval_count),
        per=rhythms.per(row.interval, row.interval_count),
        tax_words=tax_words.price(row.taxation),
        next_charge=next_charge if goes_on else None,
        next_charge_at=row.current_period_end if goes_on else None,
        ends_at=row.ends_at,
        trial_end=row.trial_end if state == MembershipState.TRIAL else None,
        member_since=row.started_at,
        card=texts.card(row.card_brand, row.card_last4),
        card_brand=row.card_brand,
        card_expires=texts.card_expiry(row.card_expires),
        card_expires_soon=card_expires_soon(row, timezone.now()),
        period_end=row.current_period_end,
        pending=pending_words.sentence(decision) if decision else "",
        discounts=discounts.in_words(row),
        waiting=waiting,
        credit=credit.of(row),
        parts=parts_of(row),
        planned=_planned(row, facts),
        left_open=collecting.left_open(collecting.open_one(invoices)),
        row=row,
    )


def _waiting_for_bank(invoices: Sequence[Invoice]) -> Money | None:
    """Return what a bank is processing for a membership that continues meanwhile."""
    invoice = next((one for one in invoices if one.collection == Collection.PROCESSING), None)
    return invoice.money_remaining if invoice else None


def _collection(invoices: Sequence[Invoice], otherwise: Collection) -> Collection:
    """Return the progress of collecting the newest open invoice."""
    collections = (one.collection for one in invoices if one.collection != Collection.NONE)
    return Collection(next(collections, otherwise))


def _waiting_sentence(waiting: Money | None) -> str:
    if waiting is None:
        return ""
    return _("Your %(amount)s bank payment is on its way and may take a few days.") % {
        "amount": waiting
    }


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _unfinished_membership(invoices: Sequence[Invoice]) -> Membership:
    """Return a membership that hasn't begun: its first payment hasn't succeeded."""
    waiting = _waiting_for_bank(invoices)
    state, tone, label = MembershipState.NONE, Tone.WAIT, _("Not started")
    sentence = _("Your membership starts with your first payment.")
    match _collection(invoices, Collection.NONE):
        case Collection.PROCESSING:
            state, label = MembershipState.CONFIRMING, _("Payment on its way")
            starts = _("Your membership starts once it arrives.")
            sentence = _joined(_waiting_sentence(waiting), starts)
        case Collection.REQUIRES_ACTION:
            label = _("Needs your confirmation")
            sentence = _("Your membership starts once you confirm your first payment.")
        case Collection.FAILED:
            tone, label = Tone.BAD, _("Payment failed")
            sentence = _("Your first payment didn’t go through, so your membership hasn’t started.")
    return Membership(state, tone, label, sentence, waiting=waiting)


def _state(row: Subscription) -> tuple[MembershipState, Tone, str]:
    if row.status in UNPAID_SUBSCRIPTION:
        return MembershipState.PAYMENT_DUE, Tone.BAD, _("Payment failed")
    if row.status == SubscriptionStatus.PAUSED:
        return MembershipState.PAUSED, Tone.WAIT, _("Paused")
    if row.ends_with_period:
        return MembershipState.ENDING, Tone.WAIT, _("Ending")
    if row.is_paused:
        return MembershipState.PAUSED, Tone.WAIT, _("Paused")
    if row.status == SubscriptionStatus.TRIALING:
        label = _("Free for now") if row.is_in_free_time else _("Free trial")
        return MembershipState.TRIAL, Tone.GOOD, label
    return MembershipState.ACTIVE, Tone.GOOD, _("Active")


def _payment_due(invoices: Sequence[Invoice]) -> tuple[Tone, str, str]:
    """Distinguish a failed payment from one that's waiting for the bank or the member."""
    if invoice := collecting.overdue_invoice(invoices):
        return Tone.BAD, _("Overdue"), collecting.overdue(invoice)
    match _collection(invoices, Collection.FAILED):
        case Collection.PROCESSING:
            return (
                Tone.WAIT,
                _("Payment on its way"),
                _("Your last payment is on its way. You’re still a member."),
            )
        case Collection.REQUIRES_ACTION:
            return (
                Tone.WAIT,
                _("Needs your confirmation"),
                _(
                    "Your bank wants you to confirm your last payment. You’re still a member for "
                    "now."
                ),
            )
    return Tone.BAD, _("Payment failed"), ""


def _sentence(state: MembershipState, row: Subscription, charge: Money | None) -> str:
    balance = credit.in_next_charge(row)
    match state:
        case MembershipState.PAYMENT_DUE:
            failed = _("Your last payment didn’t go through. You’re still a member for now.")
            return _joined(failed, collecting.pause_of_renewals(row))
        case MembershipState.PAUSED if row.is_paused:
            return collecting.paused(row, charge)
        case MembershipState.PAUSED:
            return _("Your membership is paused. You won’t be charged.")
        case MembershipState.ENDING:
            end = row.ends_at or row.current_period_end
            return _("Your membership ends on %(day)s.") % {"day": long_date(end)}
        case MembershipState.TRIAL:
            then = collecting.first_payment(row, charge)
            return _joined(collecting.free_until(row), then, balance)
        case _:
            return _joined(collecting.next_payment(row, charge), balance)


def _ended_membership(row: Subscription) -> Membership:
    ended = row.ended_at or row.current_period_end
    if row.status == SubscriptionStatus.INCOMPLETE_EXPIRED:
        sentence = _("Your membership didn’t start because the first payment wasn’t made in time.")
        return Membership(MembershipState.NONE, Tone.INFO, _("Not a member"), sentence)
    return Membership(
        state=MembershipState.ENDED,
        tone=Tone.INFO,
        label=_("Ended"),
        sentence=_("Your membership ended on %(day)s.") % {"day": long_date(ended)},
        plan_name=row.name or UNNAMED_PLAN,
        price=row.plan_price,
        interval=rhythms.interval(row.interval, row.interval_count),
        rate=rhythms.rate(row.plan_price, row.interval, row.interval_count),
        ends_at=ended,
        member_since=row.started_at,
        credit=credit.of(row),
    )
