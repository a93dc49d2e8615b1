"""What messages say of the next payment: the amount that comes, or none if nobody knows it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing.core.statuses import MembershipAction
from billing.facts import discounts
from billing.models import MembershipDecision, Plan, RetentionOffer, Subscription
from billing.notices import announcing
from billing.notices.transitions import (
    DiscountEnding,
    EndTakenBack,
    FreeTimeGiven,
    OfferAccepted,
    PriceSwitched,
    Transition,
    TrialEnding,
)
from billing.tests import factories
from emails import rendering
from emails.catalog import Kind
from emails.models import Message

pytestmark = pytest.mark.django_db

NOW = timezone.now()
END = NOW + timedelta(days=15)
YEARLY = "price_membership_yearly"
COUPON = {
    "id": "di_1",
    "coupon": "co_1",
    "name": "",
    "code": "",
    "percent_off": 50.0,
    "amount_off": None,
    "currency": "",
    "duration": "forever",
    "ends_at": None,
}
PLANNED = {"planned_price_id": YEARLY, "planned_at": END, "schedule_id": "sub_sched_1"}


def _accepted(row: Subscription) -> OfferAccepted:
    offer = RetentionOffer.objects.create(
        headline="Stay", coupon_id="co_1", percent_off=50.0, duration="forever"
    )
    decision = MembershipDecision.objects.create(
        customer=row.customer,
        subscription=row,
        action=MembershipAction.STAY,
        offer=offer,
        actor=row.customer.user,
    )
    return OfferAccepted(row, decision)


MADE: dict[Kind, Callable[[Subscription], Transition]] = {
    Kind.MEMBERSHIP_GOES_ON: lambda row: EndTakenBack(row, row, NOW),
    Kind.PRICE_SWITCHED: lambda row: PriceSwitched(row, NOW),
    Kind.OFFER_ACCEPTED: _accepted,
    Kind.FREE_TIME: lambda row: FreeTimeGiven(row, END, NOW),
    Kind.TRIAL_ENDING: lambda row: TrialEnding(row, END, NOW),
    Kind.DISCOUNT_ENDING: lambda row: DiscountEnding(
        row, [discounts.Ending(discounts.Discount("50% off", "once"), END)], NOW
    ),
}
# What's true of a subscription at $29.00 a month, and what's charged next; "" if nobody knows.
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "nothing else": ({}, "$29.00"),
    "a coupon": ({"discounts": [COUPON], "next_charge": 1450}, "$14.50"),
    "a coupon, not foreseen": ({"discounts": [COUPON]}, ""),
    "a planned price": ({**PLANNED, "next_charge": 29000}, "$290.00"),
    "a planned price, not foreseen": (PLANNED, ""),
    "something else planned": ({**PLANNED, "planned_price_id": "", "next_charge": 5800}, "$58.00"),
    "credit": ({"balance": -1200, "next_charge": 1700, "next_credit": 1200}, "$17.00"),
    "credit, not foreseen": ({"balance": -1200}, ""),
    "a debt, not foreseen": ({"balance": 1200}, ""),
    "tax, not foreseen": ({"tax_is_automatic": True}, ""),
}


def said_of(kind: Kind, **facts: Any) -> tuple[str, str, str]:
    """Announce a kind, and return its email, its text message, and its HTML."""
    factories.make_plan(stripe_id=YEARLY, amount=29000, interval="year")
    values: dict[str, Any] = {"current_period_end": END, "card_brand": "visa", "card_last4": "4242"}
    row = factories.make_subscription(**values | facts)
    announcing.announce(MADE[kind](row))
    message = Message.objects.get(kind=kind, channel="email")
    mail = rendering.render_email(message)
    sms = Message(kind=kind, channel="sms", context=message.context)
    text = "" if kind == Kind.FREE_TIME else rendering.render_sms(sms)
    return f"{mail.subject}\n{mail.text}", text, mail.html


@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize("case", CASES)
def test_the_next_payment_is_what_is_charged_then(kind: Kind, case: str) -> None:
    facts, charge = CASES[case]
    mail, text, html = said_of(kind, **facts)
    for said in (mail, text, html):
        amounts = set(re.findall(r"\$[\d.,]*\d", said))
        # The price may stand beside it, as a price: how often it's charged follows.
        prices = set(re.findall(r"(\$[\d.]+) a (?:month|year)\b", said))
        assert not amounts - prices - {charge, "$12.00"}, said
    assert re.findall(r"Next payment: (\$[\d.]+)", mail) == [charge] * bool(charge)
    assert not text or charge in text
    if case == "credit":
        assert "Credit to be applied: $12.00 of $12.00" in mail


@pytest.mark.parametrize("kind", [Kind.FREE_TIME, Kind.TRIAL_ENDING])
def test_after_free_time_the_price_is_the_one_that_is_planned(kind: Kind) -> None:
    mail, *_ = said_of(kind, **PLANNED)
    assert "Price: $290.00 a year" in mail
    Plan.objects.all().delete()
    Subscription.objects.update(planned_price_id="price_of_somebody_else")
    Message.objects.all().delete()
    announcing.announce(MADE[kind](Subscription.objects.get()))
    mail = rendering.render_email(Message.objects.get(kind=kind, channel="email")).text
    assert "$" not in mail
    assert "Price" not in mail


def test_an_offer_accepted_during_a_pause_names_no_next_payment() -> None:
    mail, text, html = said_of(Kind.OFFER_ACCEPTED, pause_behavior="void")
    assert all("ext payment" not in said for said in (mail, text, html))
    assert "$29.00" not in mail


def test_messages_of_before_are_sent_without_what_they_lack() -> None:
    context = {
        "name": "Nina",
        "plan_name": "Membership",
        "rate": "$29.00 a month",
        "other": "",
        "ends_on": END.isoformat(),
        "method": "",
        "by_invoice": False,
        "is_free_time": False,
        "url": "https://portal.example.com/membership/",
    }
    message = Message(
        kind=Kind.TRIAL_ENDING, channel="email", recipient="x@example.com", context=context
    )
    text = rendering.render_email(message).text
    assert "Price: $29.00 a month" in text
    assert "Next payment" not in text
