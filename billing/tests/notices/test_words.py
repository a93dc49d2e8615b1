"""How messages word what's charged: whole phrases, in the language of whoever reads them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import get_language
from pytest_django import Settings

from billing.core import rhythms
from billing.notices import announcing
from billing.notices.transitions import PriceSwitched, SubscriptionStarted
from billing.tests import factories
from emails import rendering
from emails.models import Message
from members import languages
from members.models import Member

pytestmark = pytest.mark.django_db


def text_of(kind: str) -> str:
    """Return an email as it reads, with its subject."""
    mail = rendering.render_email(Message.objects.get(kind=kind, channel="email"))
    return f"{mail.subject}\n{mail.text}"


def test_another_rhythm_is_a_whole_phrase() -> None:
    now = timezone.now()
    row = factories.make_subscription(
        interval_count=3, amount=8000, started_at=now, trial_end=now + timedelta(days=14)
    )
    announcing.announce(SubscriptionStarted(row))
    announcing.announce(PriceSwitched(row, now))
    assert "Price: $80.00 every 3 months" in text_of("welcome")
    switched = text_of("price_switched")
    assert switched.startswith("You now pay $80.00 every 3 months\n")
    assert "now billed every 3 months" in switched


def test_words_that_are_kept_are_in_the_readers_language(settings: Settings) -> None:
    """Jobs run in the portal's language."""
    settings.LANGUAGES = [("en-us", "English"), ("de", "Deutsch")]
    row = factories.make_subscription()
    Member.objects.filter(user=row.customer.user).update(language="de")
    user = User.objects.get(pk=row.customer.user_id)
    with languages.of(user):
        assert get_language() == "de"
    assert get_language() == "en-us"


def test_messages_of_before_still_say_their_price() -> None:
    context = {
        "name": "Nina",
        "plan_name": "Membership",
        "price": "$29.00",
        "interval": "month",
        "tax_words": "",
        "next_charge_on": "",
        "by_invoice": False,
        "trial_ends_on": "",
    }
    message = Message(kind="welcome", channel="email", recipient="x@example.com", context=context)
    assert "Price: $29.00 every month" in rendering.render_email(message).text
    assert rhythms.has_switched("year", 1, "$290.00 a year").endswith(": $290.00 a year")
