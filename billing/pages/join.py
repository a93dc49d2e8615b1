"""The page that offers the membership to everyone, signed in or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.facts import plans
from billing.facts.plans import PlanOffer, PriceOffer
from billing.models import Plan, RefundPolicy, TaxAccount
from billing.pages import member_facts, membership_status
from billing.refunds import terms
from billing.refunds.policy import WHOLE, PaymentKind, Rule
from common.reads import AnyOf, Part, Reading

PLANS = Part(lambda: Plan.objects.filter(stripe_id=AnyOf("price_ids", "text"), active=True))
TAX_ACCOUNT = Part(lambda: TaxAccount.objects.all()[:1])
POLICY = Part(lambda: RefundPolicy.objects.all()[:1])
FOR_EVERYONE = Reading(PLANS, TAX_ACCOUNT, POLICY)


@dataclass(frozen=True)
class JoinFacts:
    """What's on sale, and the rule for refunds of it. `offer`: None if nothing is on sale."""

    offer: PlanOffer | None
    refund_rule: Rule


@dataclass(frozen=True)
class Question:
    """A common question and its answer."""

    question: str
    answer: str


@dataclass(frozen=True)
class Join:
    """The page. `choice` is the preselected price, `chosen` its ID; `steps` follow the button.

    `is_chosen`: that's the price they chose, or there's no other.
    """

    offer: PlanOffer | None
    chosen: str
    steps: Sequence[str]
    questions: Sequence[Question]
    choice: PriceOffer | None = None
    is_chosen: bool = False


def facts(user: User | None) -> JoinFacts | None:
    """Read what the page offers to a member, or to a visitor (None).

    Returns None for someone whose membership page has more to say: they have the membership, or are
    about to.
    """
    results = FOR_EVERYONE(price_ids=plans.price_ids())
    rule = terms.rules_of(results.first(POLICY)).rule(PaymentKind.MEMBERSHIP)
    if user is None:
        account = results.first(TAX_ACCOUNT)
        rows = plans.in_order(results[PLANS])
        behavior = account.behavior if account else ""
        return JoinFacts(plans.offer(rows, is_new=True, tax_behavior=behavior), rule)
    mine = member_facts.membership(user)
    state = membership_status.membership(mine).state
    can_join = state in {
        membership_status.MembershipState.NONE,
        membership_status.MembershipState.ENDED,
    }
    if not can_join or mine.begins_by_zelle:
        return None
    return JoinFacts(mine.offer, rule)


def page(found: JoinFacts, wanted: str = "") -> Join:
    """Return the page, with the price preselected that somebody chose before signing up."""
    offer = found.offer
    if offer is None:
        return Join(None, "", (), ())
    choice = next((one for one in offer.prices if one.price_id == wanted), offer.first)
    return Join(
        offer=offer,
        choice=choice,
        chosen=choice.price_id,
        is_chosen=choice.price_id == wanted or (not wanted and len(offer.prices) == 1),
        steps=_steps(offer),
        questions=[
            Question(_("Can I cancel anytime?"), _cancel_answer()),
            Question(_("Can I get a refund?"), refund_answer(found.refund_rule)),
            Question(_("When will I be charged?"), _charge_answer(offer)),
            Question(_("Is my card safe?"), _card_answer()),
        ],
    )


def refund_answer(rule: Rule) -> str:
    """Return what can be refunded of the membership, and until when, by the policy in force."""
    if not rule.shares:
        return _("Membership payments aren’t refundable. You can cancel before the next one.")
    first, *later = rule.shares
    if first.percent == WHOLE:
        begins = ngettext(
            "Yes. You can get a full refund for %(days)d day after a payment.",
            "Yes. You can get a full refund for %(days)d days after a payment.",
            first.days,
        ) % {"days": first.days}
    else:
        begins = ngettext(
            "Yes. You can get %(percent)d%% back for %(days)d day after a payment.",
            "Yes. You can get %(percent)d%% back for %(days)d days after a payment.",
            first.days,
        ) % {"percent": first.percent, "days": first.days}
    then = [
        _("After that, you can get %(percent)d%% back within %(days)d days of the payment.")
        % {"percent": one.percent, "days": one.days}
        for one in later
    ]
    return " ".join([begins, *then, _("Request it on your payments page.")])


def _steps(offer: PlanOffer) -> list[str]:
    """Return what happens after the button, in order."""
    pay = _("Pay on Stripe’s secure page by card or another way you like.")
    if offer.has_trial:
        pay = _("Enter your card on Stripe’s secure page. Nothing is charged during your trial.")
    return [
        pay,
        _("Your membership starts right away, and we’ll email you a receipt."),
        _("Manage everything here: your plan, your card, invoices, and refunds."),
    ]


def _cancel_answer() -> str:
    return _(
        "Yes, online and in two clicks. You keep your membership until the end of the period "
        "you’ve paid for."
    )


def _charge_answer(offer: PlanOffer) -> str:
    if offer.trial_days:
        return ngettext(
            "After your free trial of %(days)d day, then on the same day of each period. "
            "Cancel before it ends and you’ll pay nothing.",
            "After your free trial of %(days)d days, then on the same day of each period. "
            "Cancel before it ends and you’ll pay nothing.",
            offer.trial_days,
        ) % {"days": offer.trial_days}
    return _(
        "Today, and then on the same day of each period. Your home page always shows the next "
        "charge and its date."
    )


def _card_answer() -> str:
    return _(
        "Yes. You enter it on Stripe’s page, and we never see the number. We only keep its brand, "
        "its last four digits, and when it expires, so that you recognize it."
    )
