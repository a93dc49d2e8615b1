"""Common questions, answered for one member: by the policy in force, their dates and amounts.

Pure: the facts come from `help_facts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.core.dates import long_date
from billing.pages.membership_status import Membership, MembershipState
from billing.pages.refundable import PaymentOffer
from billing.refunds.policy import PaymentKind, Policy, Rule

# How many payments an answer lists.
FEW = 3


@dataclass(frozen=True)
class Link:
    """Where to go on."""

    label: str
    url: str


@dataclass(frozen=True)
class Question:
    """A question and its answer: sentences, payments with what's refundable, and links."""

    key: str
    title: str
    sentences: tuple[str, ...]
    links: tuple[Link, ...] = ()
    payments: tuple[PaymentOffer, ...] = ()


@dataclass(frozen=True)
class HelpFacts:
    """What the answers are made of. `offers`: the newest payments, newest first."""

    membership: Membership
    policy: Policy
    offers: tuple[PaymentOffer, ...]
    problem: str  # what's wrong with the last payment, in a sentence, or ""
    billed_to: str  # the business that invoices name, or ""


def questions(facts: HelpFacts) -> list[Question]:
    """Return all questions with their answers."""
    return [
        _refund(facts),
        _cancel(facts.membership),
        _next_charge(facts.membership),
        _failed(facts),
        _card(facts.membership),
        _company(facts),
    ]


def policy_in_words(policy: Policy) -> tuple[str, ...]:
    """Say how long payments can be refunded, whoever paid them."""
    membership = _rule_in_words(policy.rule(PaymentKind.MEMBERSHIP), is_membership=True)
    other = _rule_in_words(policy.rule(PaymentKind.SINGLE), is_membership=False)
    return (membership, other)


def _rule_in_words(rule: Rule, *, is_membership: bool) -> str:
    if not rule.shares:
        if is_membership:
            return _("Membership payments aren’t refundable.")
        return _("Other payments aren’t refundable.")
    first, *later = rule.shares
    if is_membership:
        text = _("You can get %(percent)s%% of a membership payment back within %(time)s.")
    else:
        text = _("You can get %(percent)s%% of any other payment back within %(time)s.")
    sentences = [text % {"time": _days(first.days), "percent": first.percent}]
    for one in later:
        text = _("After that, it’s %(percent)s%% within %(time)s.")
        sentences.append(text % {"time": _days(one.days), "percent": one.percent})
    return " ".join(sentences)


def _days(count: int) -> str:
    return ngettext("%(days)s day", "%(days)s days", count) % {"days": count}


def _refund(facts: HelpFacts) -> Question:
    open_now = tuple(one for one in facts.offers if one.url)[:FEW]
    sentences: tuple[str, ...] = policy_in_words(facts.policy)
    if open_now:
        sentences = (_("Yes. Choose the payment to see what happens first."),)
    elif facts.offers:
        nothing = _("None of your payments is refundable now.")
        sentences = (nothing, *sentences)
    last = () if open_now else facts.offers[:1]
    return Question(
        "refund",
        _("Can I get a refund?"),
        sentences,
        (Link(_("See all payments"), reverse("billing:payments")),),
        open_now or last,
    )


def _cancel(current: Membership) -> Question:
    title, page = _("How do I cancel?"), reverse("billing:membership")
    if current.ends_at and current.ends_with_period:
        text = _("You’ve already canceled. Your membership ends on %(day)s.")
        ending = (text % {"day": long_date(current.ends_at)},)
        return Question("cancel", title, ending, (Link(_("Keep my membership"), page),))
    if not current.is_member:
        nothing = (_("You’re not a member, so there’s nothing to cancel."),)
        return Question("cancel", title, nothing, (Link(_("See membership"), page),))
    sentences = (
        *_far_end(current),
        _until(current.period_end),
        _("You can change your mind until then."),
    )
    if not current.can_cancel:
        return Question("cancel", title, sentences, (Link(_("See membership"), page),))
    cancel = Link(_("Cancel membership"), reverse("billing:cancel"))
    return Question("cancel", title, sentences, (cancel,))


def _far_end(current: Membership) -> tuple[str, ...]:
    """Say when a membership ends that renews until then, or nothing."""
    if current.ends_at is None:
        return ()
    return (_("Your membership ends on %(day)s.") % {"day": long_date(current.ends_at)},)


def _until(period_end: datetime | None) -> str:
    if period_end is None:
        return _("Cancel anytime. You stay a member until your paid period is over.")
    text = _("Cancel anytime. If you cancel today, you stay a member until %(day)s.")
    return text % {"day": long_date(period_end)}


def _next_charge(current: Membership) -> Question:
    if current.ends_with_period:
        over = (_("You won’t be charged again for it."),)
        sentences: tuple[str, ...] = (current.sentence, *over)
    elif current.is_member or current.state == MembershipState.CONFIRMING:
        sentences = (current.sentence,)
    else:
        sentences = (_("You’re not a member, so nothing will be charged."),)
    also = tuple(
        _("%(name)s is billed separately: %(price)s.") % {"name": one.name, "price": one.price}
        for one in current.also_billed
    )
    link = Link(_("See membership"), reverse("billing:membership"))
    return Question("charge", _("When will I be charged next?"), (*sentences, *also), (link,))


def _failed(facts: HelpFacts) -> Question:
    home = Link(_("See what to do"), reverse("home"))
    advice = _("Usually another card works. Your bank can tell you why it declined.")
    if facts.problem:
        return Question("failed", _("My payment failed"), (facts.problem, advice), (home,))
    sentences = (
        _("None of your payments has failed. If one does, we’ll email you what to do."),
        advice,
    )
    return Question("failed", _("My payment failed"), sentences)


def _card(current: Membership) -> Question:
    sentences = [_("Add a card, choose the default, or remove one on your cards page.")]
    if current.is_member and current.card:
        sentences.insert(0, _("You pay with your %(card)s.") % {"card": current.card})
    link = Link(_("See my cards"), reverse("billing:cards"))
    return Question("card", _("How do I change my card?"), tuple(sentences), (link,))


def _company(facts: HelpFacts) -> Question:
    sentences = [_("Each payment has an invoice or a receipt as a PDF, under Payments.")]
    if facts.billed_to:
        text = _("Your invoices are made out to %(business)s.")
        sentences.append(text % {"business": facts.billed_to})
    else:
        text = _("Add your company’s name, address, and tax ID to have them on your invoices.")
        sentences.append(text)
    links = (Link(_("Billing details"), reverse("billing:details")),)
    return Question(
        "company", _("How do I get an invoice for my company?"), tuple(sentences), links
    )
