"""What messages say of a subscription's next charge: its amount, what pays it, and its rhythm."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from billing.core import rhythms, texts
from billing.facts import discounts, plans
from billing.facts.credit import of as credit_of
from billing.models import Plan, Subscription
from common.money import Money


class CreditUsed(TypedDict):
    """The member's credit, and how much of it pays for the next charge."""

    credit: str
    credit_used: str


NO_CREDIT: CreditUsed = {"credit": "", "credit_used": ""}


def card_charged(subscription: Subscription) -> str:
    """Return the card for the next charge, or "" if we send an invoice instead."""
    is_sent = subscription.is_sent
    return "" if is_sent else texts.card(subscription.card_brand, subscription.card_last4)


def known_charge(subscription: Subscription) -> str:
    """Return the next payment's amount, or "" if it isn't known or nothing is charged then."""
    charge = discounts.next_charge(subscription) if subscription.is_renewal_charged else None
    return "" if charge is None else str(charge)


def rate(subscription: Subscription, price: Money) -> str:
    """Return a price with how often it's charged."""
    return rhythms.rate(price, subscription.interval, subscription.interval_count)


def next_rate(subscription: Subscription) -> str:
    """Return the price that the next charge is for, or "" if it's planned and none of ours."""
    if subscription.is_planned_next:
        return planned_rate(subscription)
    return rate(subscription, subscription.money)


def next_plan(subscription: Subscription) -> str:
    """Return the name of the plan that the next charge is for, or "" if it's the present one."""
    return planned_plan(subscription) if subscription.is_planned_next else ""


def planned_rate(subscription: Subscription) -> str:
    """Return the price that's planned, or "" if it's none of ours."""
    plan = _planned(subscription)
    return rhythms.rate(plan.money, plan.interval, plan.interval_count) if plan else ""


def planned_plan(subscription: Subscription) -> str:
    """Return the name of the plan whose price is planned, or "" if it's the present one."""
    plan = _planned(subscription)
    return plans.other_name(subscription, plan) if plan else ""


def _planned(subscription: Subscription) -> Plan | None:
    return Plan.objects.filter(stripe_id=subscription.planned_price_id).first()


def credit_used(subscription: Subscription) -> CreditUsed:
    """Return the credit that reduces the next charge, if it does."""
    if not subscription.next_credit or not subscription.is_renewal_charged:
        return NO_CREDIT
    used = str(subscription.money_next_credit)
    return {"credit": credit(subscription), "credit_used": used}


def credit(subscription: Subscription) -> str:
    """Return a member's credit, or ""."""
    return str(credit_of(subscription) or "")


def seconds(moment: datetime | None) -> int:
    """Return a time in seconds, for a stable key."""
    return int(moment.timestamp()) if moment else 0
