"""Another language needs only a file: each word that a member reads can be translated.

The pages are asked for in a language that puts marks around each translation. What is left outside
of the marks could never be translated. Names and such in these rows are Greek, so that any Latin
letter without marks is a word of ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import trans_real
from pytest_django import Settings

from billing.models import (
    Customer,
    ExpectedTransfer,
    Invoice,
    Item,
    Payment,
    PaymentRequest,
    Plan,
    Product,
    Refund,
    Subscription,
    TaxRate,
    ZelleTerms,
)
from billing.tests import factories
from billing.tests.pages.test_page_reads import stranger, troubled
from billing.tests.refund_world import policy
from testing import other_words

pytestmark = pytest.mark.django_db
OPEN, CLOSE = "⟦", "⟧"
BUTTONS = {"submit", "button", "reset"}
ATTRIBUTES = {"alt", "aria-label", "aria-description", "placeholder", "title"}
# Not words: addresses, and what stands in code elements.
NOT_WORDS = re.compile(
    r"\S+@\S+|https?://\S+|\b[\w-]+\.example\S*|[\w ,()-]+\(UTC[+−][\d:]+\)"
    # Dates, whose words come from the locale.
    r"|\b(Sun|Mon|Tues|Wednes|Thurs|Fri|Satur)day\b|\b(January|February|March|April|June|July)\b"
    r"|\b(August|(Septem|Octo|Novem|Decem)ber|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b"
    r"|\b[AP]M\b|\b\d+(st|nd|rd|th)\b"
    # What we number.
    r"|\bHY(-[A-Z0-9]+)+|\bF\d+-\d+(-CN-\d+)?"
    r"|\b(Visa|Zelle|PDF|CSV|ZIP|USD|UTC|EST|EDT)\b"
)
WORD = re.compile(r"[A-Za-z]{2,}")
VISITOR = (
    "billing:join",
    "account_login",
    "account_signup",
    "account_request_login_code",
    "account_reset_password",
    "selfservice:help",
)
MEMBER = (
    "home",
    "billing:join",
    "billing:membership",
    "billing:cancel",
    "billing:payments",
    "billing:pay-amount",
    "billing:details",
    "billing:cards",
    "members:account",
    "members:activity",
    "account_email",
    "account_change_phone",
    "account_change_password",
    "account_logout",
    "mfa_index",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "usersessions_list",
    "selfservice:data",
    "selfservice:close",
    "selfservice:help",
)


class Marking:
    """A language whose translations are the originals between marks."""

    # The list of countries asks for it.
    _fallback = None

    def gettext(self, message: str) -> str:
        return f"{OPEN}{message.rpartition(chr(4))[2]}{CLOSE}"

    def ngettext(self, one: str, many: str, number: int) -> str:
        return self.gettext(one if number == 1 else many)

    def to_language(self) -> str:
        return "en-us"

    def language(self) -> str:
        return "en-us"


class Unmarked(HTMLParser):
    """What a page says outside of the marks."""

    SILENT = {"script", "style", "code", "svg"}

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside: list[str] = []
        # A sentence with a link in it comes in several pieces.
        self._depth = 0
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if tag in self.SILENT:
            self._inside.append(tag)
        for name, value in values.items():
            is_button = (tag, name) == ("input", "value") and values.get("type") in BUTTONS
            is_sentence = name.startswith("data-") and " " in (value or "").strip()
            if name in ATTRIBUTES or is_button or is_sentence:
                self._look(value or "", 0)

    def handle_endtag(self, tag: str) -> None:
        if self._inside and tag == self._inside[-1]:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self._depth = self._look(data, self._depth)

    def _look(self, text: str, depth: int) -> int:
        """Note what's outside of the marks, and return how many are open at the end."""
        outside = []
        for character in text:
            depth += (character == OPEN) - (character == CLOSE)
            outside.append(character if depth == 0 else " ")
        left = NOT_WORDS.sub(" ", "".join(outside))
        if WORD.search(left):
            self.found.append(" ".join(text.split()))
        return depth


@pytest.fixture
def catalog(settings: Settings) -> None:
    """A plan, its product, a tax, and the business, with names that aren't words of ours."""
    settings.BRAND_NAME = "Ωμέγα"
    factories.make_plan(name="Μέλος")
    now = timezone.now()
    Product.objects.create(stripe_id=factories.PLAN_PRODUCT, name="Μέλος", read_at=now)
    TaxRate.objects.create(stripe_id="txr_vat", name="ΦΠΑ", percentage="19", read_at=now)


@pytest.fixture
def marking() -> Iterator[None]:
    """Whatever is translated carries the marks, whoever chooses the language."""
    known, marks = trans_real._translations, Marking()  # type: ignore[attr-defined]
    trans_real._translations = dict.fromkeys(("en", "en-us"), marks)  # type: ignore[attr-defined]
    with other_words.forgotten_afterward():
        translation.activate("en-us")
        yield
        trans_real._translations = known  # type: ignore[attr-defined]


def in_greek(user: User) -> None:
    """Give a member, and whatever they bought, Greek names."""
    User.objects.filter(pk=user.pk).update(first_name="Ωμέγα", last_name="Άλφα")
    Customer.objects.update(name="Ωμέγα")
    for model in (Payment, PaymentRequest, ExpectedTransfer):
        model._default_manager.update(description="Μάθημα")
    for row in (*Plan.objects.all(), *Product.objects.all(), *Item.objects.all()):
        type(row)._default_manager.filter(pk=row.pk).update(name="Μέλος")
    for one in Subscription.objects.all():
        items = [item | {"name": "Μέλος"} for item in one.items]
        Subscription.objects.filter(pk=one.pk).update(name="Μέλος", items=items)
    for invoice in Invoice.objects.all():
        lines = [line | {"description": "Μέλος"} for line in invoice.lines]
        Invoice.objects.filter(pk=invoice.pk).update(lines=lines, number="Ω-1")
    TaxRate.objects.update(name="ΦΠΑ")
    ZelleTerms.objects.update(name="Ωμέγα")


def addresses(user: User) -> Iterator[tuple[str, str]]:
    """Every page that this member can open, by its name, without those that lead to Stripe."""
    yield from ((name, reverse(name)) for name in MEMBER)
    for invoice in Invoice.objects.for_user(user):
        yield page("billing:invoice", invoice.pk)
    for payment in Payment.objects.for_user(user):
        yield page("billing:payment", payment.pk)
        yield page("billing:request-refund", payment.pk)
    for refund in Refund.objects.filter(payment__customer__user=user):
        yield page("billing:refund", refund.pk)
    for expected in ExpectedTransfer.objects.filter(user=user):
        yield page("billing:zelle", expected.pk)
    if Payment.objects.for_user(user).exists():
        yield page("billing:statement", timezone.now().year)


def page(name: str, key: int) -> tuple[str, str]:
    return name, reverse(name, args=[key])


def unmarked(client: Client, pages: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return what can't be translated, by the name of its page."""
    found: dict[str, list[str]] = {}
    for name, url in pages:
        answer = client.get(url)
        assert answer.status_code in (200, 302), url
        if answer.status_code == 200 and (words := Unmarked(answer.content.decode()).found):
            found.setdefault(name, []).extend(words)
    return found


def assert_all_marked(found: dict[str, list[str]]) -> None:
    """Fail with the words without marks, by the name of their page."""
    assert {name: sorted(set(words)) for name, words in found.items()} == {}


@pytest.mark.usefixtures("catalog", "marking")
def test_pages_of_visitors(client: Client) -> None:
    assert_all_marked(unmarked(client, [(name, reverse(name)) for name in VISITOR]))


@pytest.mark.slow
@pytest.mark.usefixtures("catalog", "marking")
@pytest.mark.parametrize("make", [stranger, troubled])
def test_pages_of_members(client: Client, make: Callable[[int], User]) -> None:
    policy()
    user = make(1)
    in_greek(user)
    client.force_login(user)
    assert_all_marked(unmarked(client, addresses(user)))


SOON = timedelta(days=9)
STATES: dict[str, dict[str, Any]] = {
    "on trial": {"status": "trialing", "trial_end": SOON},
    "second trial": {"status": "trialing", "trial_end": SOON, "is_second_trial": True},
    "ending": {"cancel_at": SOON, "cancel_at_period_end": True},
    "ended": {"status": "canceled", "ended_at": -SOON, "canceled_at": -SOON},
    "paused": {"pause_behavior": "void", "resumes_at": SOON},
    "past due": {"status": "past_due"},
    "unpaid": {"status": "unpaid"},
    "incomplete": {"status": "incomplete"},
    "by invoice": {"collection_method": "send_invoice", "days_until_due": 14},
    "with credit": {"balance": -4000, "next_credit": 2900, "next_charge": 0},
    "no card": {"card_brand": "", "card_last4": ""},
    "yearly": {"interval": "year", "amount": 29000},
    "every two weeks": {"interval": "week", "interval_count": 2},
    "card runs out": {"card_expires": "2020-01"},
}


def moved(values: dict[str, Any]) -> dict[str, Any]:
    """Return columns with times that are so far from now."""
    now = timezone.now()
    return {
        name: now + value if isinstance(value, timedelta) else value
        for name, value in values.items()
    }


@pytest.mark.usefixtures("catalog", "marking")
@pytest.mark.parametrize("state", STATES)
def test_each_state_of_a_membership(client: Client, state: str) -> None:
    customer = factories.make_customer()
    row = factories.make_subscription(customer, **moved(STATES[state]))
    invoice = factories.make_invoice(customer, subscription=row)
    payment = factories.make_payment(invoice=invoice)
    factories.make_dispute(payment, reason="product_not_received")
    in_greek(customer.user)
    client.force_login(customer.user)
    names = ("home", "billing:membership", "billing:cancel", "billing:payments", "selfservice:help")
    pages = [(name, reverse(name)) for name in names]
    assert_all_marked(unmarked(client, [*pages, page("billing:invoice", invoice.pk)]))


SENT_WRONG: dict[str, dict[str, str]] = {
    "account_login": {"login": "nobody@nowhere.example", "password": "wrong"},
    "account_signup": {"email": "no address", "phone": "12", "password1": "short"},
    "account_request_login_code": {"email": "no address"},
    "account_reset_password": {"email": ""},
    "billing:pay-amount": {"amount": "nothing"},
    "billing:details": {"country": "US", "name": ""},
    "billing:add-tax-id": {"type": "eu_vat", "value": "?"},
    "members:profile": {"name": "", "time_zone": "Nowhere"},
    "account_email": {"email": "no address"},
    "account_change_phone": {"phone": "12"},
    "account_set_password": {"password1": "short", "password2": "other"},
    "selfservice:help": {"message": ""},
    "selfservice:close": {},
    "billing:cancel": {"reason": "?"},
}


@pytest.mark.usefixtures("catalog", "marking")
@pytest.mark.parametrize("name", SENT_WRONG)
def test_what_is_wrong_with_a_form(client: Client, name: str) -> None:
    customer = factories.make_customer()
    factories.make_subscription(customer)
    in_greek(customer.user)
    if name not in VISITOR or name == "selfservice:help":
        client.force_login(customer.user)
    answer = client.post(reverse(name), SENT_WRONG[name], follow=True)
    assert answer.status_code < 500
    words = Unmarked(answer.content.decode()).found
    assert_all_marked({name: words} if words else {})
