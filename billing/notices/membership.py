"""Messages about a membership: its start, changes, and end, and upcoming charges."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from billing.core import rhythms, tax_texts, texts
from billing.core.statuses import ENDED_BY_FAILED_PAYMENT, MembershipAction
from billing.facts import (
    also_billed,
    descriptions,
    discounts,
    memberships,
)
from billing.models import (
    Subscription,
)
from billing.notices import charges, contexts, joining
from billing.notices.charges import seconds
from billing.notices.transitions import (
    CardChanged,
    CardExpiring,
    DiscountEnding,
    EndScheduled,
    EndTakenBack,
    FreeTimeGiven,
    OfferAccepted,
    PriceSwitched,
    RenewalComing,
    SubscriptionEnded,
    SubscriptionStarted,
    TrialEnding,
)
from common.links import portal_url
from emails import outbox

# How long a membership that was just released from its schedule may take to get another end.
AFTER_A_RELEASE = timedelta(seconds=20)


def started(begun: SubscriptionStarted) -> None:
    """Welcome a new member. A second membership gets no welcome: staff sort it out."""
    subscription = begun.subscription
    user = subscription.customer.user
    if len(memberships.live(user)) > 1:
        return
    plan = descriptions.plan_of(subscription)
    trial = subscription.trial_end
    end = subscription.current_period_end
    joining.welcome(
        subscription,
        contexts.Welcome(
            name=user.first_name,
            plan_name=plan,
            rate=charges.rate(subscription, subscription.money),
            tax_words=tax_texts.price(subscription.taxation),
            next_charge=charges.known_charge(subscription),
            next_charge_on=end if subscription.is_renewal_charged else None,
            by_invoice=subscription.is_sent,
            trial_ends_on=trial if trial and trial > subscription.started_at else None,
        ),
    )


def end_scheduled(scheduled: EndScheduled) -> None:
    """Say when the membership ends, and how to keep it. Each decision is announced once."""
    subscription, decided_at = scheduled.subscription, scheduled.decided_at
    ends_at = subscription.ends_at
    if ends_at is None:
        return
    user, renews_at = subscription.customer.user, subscription.current_period_end
    is_charged, resumes_at = subscription.is_renewal_charged, subscription.resumes_at
    are_paused = not is_charged and not subscription.ends_with_period
    outbox.put(
        user,
        contexts.MembershipEnds(
            name=user.first_name,
            plan_name=descriptions.plan_of(subscription),
            ends_on=ends_at,
            renews_on=renews_at if is_charged else None,
            are_paused=are_paused,
            resumes_on=resumes_at if are_paused and resumes_at and resumes_at < ends_at else None,
            next_charge=charges.known_charge(subscription),
            goes_on=_goes_on(subscription),
            another=_keeps_another(subscription),
            credit=charges.credit(subscription),
            url=portal_url("billing:membership"),
        ),
        cause=f"{subscription.stripe_id}:{_decision(subscription, decided_at)}:{seconds(ends_at)}",
        happened_at=decided_at,
        good_until=ends_at,
    )


def end_taken_back(taken_back: EndTakenBack) -> None:
    """Say that the membership continues, and what's charged next.

    Its schedule is also released for a moment while it's canceled: then the message is dropped.
    """
    subscription, before = taken_back.subscription, taken_back.before
    end, resumes_at = subscription.current_period_end, subscription.resumes_at
    decision = _decision(before, taken_back.seen_at)
    is_released = bool(before.schedule_id) and not subscription.schedule_id
    user = subscription.customer.user
    outbox.put(
        user,
        contexts.MembershipGoesOn(
            name=user.first_name,
            plan_name=descriptions.plan_of(subscription),
            price=charges.known_charge(subscription),
            next_charge_on=end if subscription.is_renewal_charged else None,
            resumes_on=resumes_at,
            **charges.credit_used(subscription),
            url=portal_url("billing:membership"),
        ),
        cause=f"{subscription.stripe_id}:{decision}:{seconds(before.ends_at)}",
        happened_at=taken_back.seen_at,
        not_before=taken_back.seen_at + AFTER_A_RELEASE if is_released else None,
    )


def _decision(row: Subscription, seen_at: datetime) -> str:
    """Return a key of the decision to end. A schedule's has no time but when it was seen."""
    if row.canceled_at:
        return str(seconds(row.canceled_at))
    return f"{row.schedule_id}.{seconds(seen_at)}"


def price_switched(switched: PriceSwitched) -> None:
    """Say what we charge from now on, and when next. Each decision is announced once."""
    subscription = switched.subscription
    user = subscription.customer.user
    price, end = subscription.price_id, subscription.current_period_end
    decisions = subscription.decisions.filter(action=MembershipAction.SWITCH, price_id=price)
    decision = decisions.values_list("pk", flat=True).first() or 0
    outbox.put(
        user,
        contexts.PriceSwitched(
            was_planned=switched.was_planned,
            name=user.first_name,
            plan_name=descriptions.plan_of(subscription),
            headline=rhythms.has_switched(
                subscription.interval,
                subscription.interval_count,
                charges.rate(subscription, subscription.money),
            ),
            rhythm=rhythms.rhythm_inside(subscription.interval, subscription.interval_count),
            rate=charges.rate(subscription, subscription.money),
            tax_words=tax_texts.price(subscription.taxation),
            next_charge=charges.known_charge(subscription),
            next_charge_on=end if subscription.is_renewal_charged else None,
            **charges.credit_used(subscription),
            url=portal_url("billing:membership"),
        ),
        cause=f"{subscription.stripe_id}:{price}:{seconds(end)}:{decision}",
        happened_at=switched.seen_at,
    )


def card_changed(changed: CardChanged) -> None:
    """Say which card we charge now. The member should know, no matter who changed it."""
    subscription, before = changed.subscription, changed.before
    user = subscription.customer.user
    new = texts.card(subscription.card_brand, subscription.card_last4)
    outbox.put(
        user,
        contexts.CardChanged(
            name=user.first_name,
            plan_name=descriptions.plan_of(subscription),
            method=new,
            before=texts.card(before.card_brand, before.card_last4),
            url=portal_url("billing:membership"),
        ),
        # Changing back to the first card is news again.
        cause=f"{subscription.stripe_id}:{subscription.card_last4}:{seconds(changed.seen_at)}",
        happened_at=changed.seen_at,
    )


def offer_accepted(accepted: OfferAccepted) -> None:
    """Thank the member, and say what the discount is and what's charged next."""
    subscription, decision = accepted.subscription, accepted.decision
    if decision.offer is None:
        return
    end = subscription.current_period_end
    user = subscription.customer.user
    outbox.put(
        user,
        contexts.OfferAccepted(
            name=user.first_name,
            plan_name=descriptions.plan_of(subscription),
            terms=decision.offer.terms,
            next_charge=charges.known_charge(subscription),
            next_charge_on=end if subscription.is_renewal_charged else None,
            **charges.credit_used(subscription),
            url=portal_url("billing:membership"),
        ),
        cause=f"{decision.pk}:{decision.discount_id}",
        happened_at=decision.created_at,
    )


def ended(ended: SubscriptionEnded) -> None:
    """Say that the membership has ended, and how to rejoin."""
    subscription = ended.subscription
    user = subscription.customer.user
    outbox.put(
        user,
        contexts.MembershipEnded(
            name=user.first_name,
            plan_name=descriptions.plan_of(subscription),
            ended_on=ended.ended_at,
            unpaid=subscription.end_reason == ENDED_BY_FAILED_PAYMENT,
            goes_on=_goes_on(subscription),
            another=memberships.current(user) is not None,
            credit=charges.credit(subscription),
            url=portal_url("billing:membership"),
        ),
        cause=subscription.stripe_id,
        happened_at=ended.ended_at,
    )


def free_time_given(given: FreeTimeGiven) -> None:
    """Say until when nothing is charged, and what comes then."""
    subscription = given.subscription
    user = subscription.customer.user
    outbox.put(
        user,
        contexts.FreeTime(
            name=user.first_name,
            plan_name=descriptions.plan_of(subscription),
            until=given.until,
            new_plan=charges.next_plan(subscription),
            rate=charges.next_rate(subscription),
            next_charge=charges.known_charge(subscription),
            by_invoice=subscription.is_sent,
            **charges.credit_used(subscription),
            url=portal_url("billing:membership"),
        ),
        cause=f"{subscription.stripe_id}:{seconds(given.until)}",
        happened_at=given.seen_at,
        good_until=given.until,
    )


def trial_ending(ending: TrialEnding) -> None:
    """Say when the trial ends, and what's charged then."""
    subscription = ending.subscription
    user = subscription.customer.user
    outbox.put(
        user,
        contexts.TrialEnding(
            name=user.first_name,
            plan_name=descriptions.plan_of(subscription),
            new_plan=charges.next_plan(subscription),
            rate=charges.next_rate(subscription),
            next_charge=charges.known_charge(subscription),
            other=descriptions.other_of(subscription),
            ends_on=ending.ends_at,
            method=charges.card_charged(subscription),
            by_invoice=subscription.is_sent,
            **charges.credit_used(subscription),
            is_free_time=subscription.is_in_free_time,
            url=portal_url("billing:membership"),
        ),
        cause=f"{subscription.stripe_id}:{seconds(ending.ends_at)}",
        happened_at=ending.seen_at,
        good_until=ending.ends_at,
    )


def renewal_coming(coming: RenewalComing) -> None:
    """Say when the membership renews, what's charged then, and why that's another amount."""
    subscription = coming.subscription
    user, end = subscription.customer.user, subscription.current_period_end
    plan = f"{subscription.planned_price_id}:" if coming.is_planned else ""
    is_price = coming.is_planned and subscription.is_planned_next
    outbox.put(
        user,
        contexts.RenewalComing(
            name=user.first_name,
            plan_name=descriptions.plan_of(subscription),
            price=charges.known_charge(subscription),
            other=descriptions.other_of(subscription),
            renews_on=end,
            method=charges.card_charged(subscription),
            by_invoice=subscription.is_sent,
            **charges.credit_used(subscription),
            is_planned=coming.is_planned,
            new_plan=charges.next_plan(subscription) if coming.is_planned else "",
            rate=charges.planned_rate(subscription) if is_price else "",
            ending=_amounts(discounts.ending_before_renewal(subscription)),
            discount_ends=discounts.has_run_out(subscription),
            url=portal_url("billing:membership"),
        ),
        cause=f"{subscription.stripe_id}:{plan}{seconds(end)}",
        happened_at=coming.seen_at,
        good_until=end,
    )


def discount_ending(ending: DiscountEnding) -> None:
    """Say when the discount ends, or which ones do, and what's charged then."""
    subscription, endings = ending.subscription, ending.endings
    is_one, last = len(endings) == 1, endings[-1].ends_at
    user = subscription.customer.user
    outbox.put(
        user,
        contexts.DiscountEnding(
            name=user.first_name,
            plan_name=descriptions.plan_of(subscription),
            discount=_amounts(endings),
            ends_on=last if is_one else None,
            endings=[] if is_one else [str(one.discount) for one in endings],
            price=charges.known_charge(subscription),
            renews_on=subscription.current_period_end,
            method=charges.card_charged(subscription),
            by_invoice=subscription.is_sent,
            **charges.credit_used(subscription),
            other=descriptions.other_of(subscription),
            url=portal_url("billing:membership"),
        ),
        # The last one to end: once others have ended, it has been told with them.
        cause=f"{subscription.stripe_id}:{seconds(last)}",
        happened_at=ending.seen_at,
        good_until=subscription.current_period_end,
    )


def _amounts(endings: list[discounts.Ending]) -> str:
    """Return discounts as a member reads them: "20% off, $5.00 off"."""
    return ", ".join(one.discount.amount for one in endings)


def card_expiring(expiring: CardExpiring) -> None:
    """Ask for a new card, once per card and expiration month."""
    row = expiring.subscription
    user = row.customer.user
    outbox.put(
        user,
        contexts.CardExpiring(
            name=user.first_name,
            method=texts.card(row.card_brand, row.card_last4),
            other=descriptions.other_of(row),
            expires=texts.card_expiry(row.card_expires),
            next_charge_on=row.current_period_end,
            url=portal_url("billing:membership"),
        ),
        cause=f"{row.stripe_id}:{row.card_brand}:{row.card_last4}:{row.card_expires}",
        happened_at=expiring.seen_at,
        good_until=row.card_ends_at,
    )


def _keeps_another(ending: Subscription) -> bool:
    """Whether the member has another membership that continues."""
    others = memberships.live(ending.customer.user)
    return any(row.pk != ending.pk and not row.ends_with_period for row in others)


def _goes_on(ending: Subscription) -> list[str]:
    """Return sentences about what we still charge for once a membership ends."""
    others = Subscription.objects.for_user(ending.customer.user).live().exclude(pk=ending.pk)
    return [
        (
            _("Your other membership (%(price)s) continues.")
            if row.is_membership
            else _("%(name)s (%(price)s) continues.")
        )
        % {"name": row.name, "price": also_billed.price_of(row)}
        for row in others
        if not row.ends_with_period
    ]
