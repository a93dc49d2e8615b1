"""Words are for people: other words in every table of labels and sentences change no behavior."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import zlib
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import trans_real

import billing
import emails
import members
import portal.backoffice
from billing.admin import labels
from billing.core.statuses import (
    OUTSIDE,
    DisputeStatus,
    InvoiceStatus,
    PaymentStatus,
    RefundState,
    RequestState,
)
from billing.facts import income
from billing.facts.income import Settlement
from billing.membership.checkout import AlreadyPaid, CheckoutError
from billing.models import Customer, Invoice, Payment, PaymentRequest, Refund
from billing.pages import refund_facts, refund_preview
from billing.pages.payment_lines import payment_line
from billing.payments import single_payments
from billing.refunds import ledger, lines, sending, texts
from billing.refunds import service as refunds
from billing.refunds.transitions import RefundError
from billing.stripe import gateway
from billing.tests import factories
from billing.tests.refund_world import approver, ask, policy
from billing.tests.staff_world import superuser
from common.staff import show
from emails import rendering
from emails.catalog import Kind
from emails.models import Message
from portal.backoffice.message_samples import SAMPLES
from testing import other_words

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[2]
PACKAGES = (billing, emails, members, portal.backoffice)
PROSE = re.compile(r"^[A-Z][a-z]|[a-z]{2} [a-z]|[a-z] \{")
FIELDS = re.compile(r"<[^>]+>|\{[^}]*\}|%\(\w+\)[a-z]|%s")
# Words that somebody else chose: Stripe, members who text us, and what is stored or hashed.
NOT_OURS = (
    "billing.stripe",
    "emails.keywords",
    "billing.refunds.ledger_texts.HASHED_",
)


def is_prose(value: object) -> bool:
    """Whether people read it."""
    if not isinstance(value, str | Promise):
        return False
    return "\n" not in str(value) and bool(PROSE.search(str(value)))


def reworded(value: str | Promise) -> str:
    """Return nonsense with the same placeholders and elements."""
    text = str(value)
    return " ".join([f"Lorem {zlib.crc32(text.encode()):x}", *FIELDS.findall(text)])


def modules() -> Iterator[ModuleType]:
    """Import and yield the product's modules."""
    for package in PACKAGES:
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not re.search(r"\.(tests|migrations|management)\b", module.name):
                yield importlib.import_module(module.name)


@pytest.fixture(autouse=True)
def _own_words_again() -> Iterator[None]:
    with other_words.forgotten_afterward():
        yield


class OtherWords:
    """A language in which each sentence is nonsense."""

    # The list of countries asks for it.
    _fallback = None

    def gettext(self, message: str) -> str:
        text = message.rpartition(chr(4))[2]
        return reworded(text) if is_prose(text) else text

    def ngettext(self, one: str, many: str, number: int) -> str:
        return self.gettext(one if number == 1 else many)

    def to_language(self) -> str:
        return "en-us"

    def language(self) -> str:
        return "en-us"


def reword_everything(patch: pytest.MonkeyPatch) -> int:
    """Replace each translated sentence, and each that a module holds; return how many it held."""
    words = dict.fromkeys(("en", "en-us"), OtherWords())
    patch.setattr(trans_real, "_translations", words)
    translation.activate("en-us")
    count = 0
    seen: set[int] = set()
    for module in modules():
        for name, value in list(vars(module).items()):
            if f"{module.__name__}.{name}".startswith(NOT_OURS) or not name.strip("_").isupper():
                continue
            if is_prose(value):
                patch.setattr(module, name, reworded(value))
                count += 1
            if isinstance(value, dict) and id(value) not in seen:
                seen.add(id(value))
                for key in [key for key, one in value.items() if is_prose(one)]:
                    patch.setitem(value, key, reworded(value[key]))
                    count += 1
    return count


class Skeleton(HTMLParser):
    """What a page is without its words: its elements with their classes, addresses, and names."""

    KEPT = ("class", "href", "action", "name", "type", "data-tone")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, ...]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element's name and what is no word of it."""
        kept = (f"{name}={value}" for name, value in attrs if name in self.KEPT)
        self.tags.append((tag, *kept))


def payment(customer: Customer, **fields: Any) -> Payment:
    """Return a payment of an invoice of its own."""
    return factories.make_payment(invoice=factories.make_invoice(customer), **fields)


def refund(row: Payment, state: RefundState, **fields: Any) -> Refund:
    """Return a refund of $5.00 of it."""
    values = {"amount": 500, "amount_asked": 500, "currency": "usd", "origin": "member"}
    return Refund.objects.create(
        payment=row, customer=row.customer, state=state, created_at=timezone.now(),
        decided_at=timezone.now(), **values, **fields,
    )  # fmt: skip


@pytest.fixture
def alice() -> User:
    """A member with a payment of every kind, and a refund in every state."""
    policy(automatic_up_to=0)
    alice = factories.make_member()
    customer = factories.make_customer(alice)
    subscription = factories.make_subscription(customer)
    factories.make_payment(invoice=factories.make_invoice(customer, subscription=subscription))
    payment(customer, card_brand=OUTSIDE, card_last4="")
    payment(customer, amount_refunded=500)
    payment(customer, amount_refunded=2900)
    payment(customer, card_brand="us_bank_account", card_last4="6789")
    factories.make_dispute(payment(customer))
    factories.make_dispute(payment(customer), status=DisputeStatus.LOST)
    for status in (PaymentStatus.PROCESSING, PaymentStatus.REQUIRES_PAYMENT_METHOD):
        invoice = factories.make_invoice(customer, status=InvoiceStatus.OPEN, attempt_count=1)
        factories.make_payment(invoice=invoice, status=status)
    for state in RefundState:
        refund(payment(customer), state)
    return alice


def addresses(alice: User) -> dict[str, list[str]]:
    """Return the pages of a member, and of staff about them."""
    payments = Payment.objects.for_user(alice).order_by("pk")
    rows = Refund.objects.for_user(alice).order_by("pk")
    mine = [reverse(name) for name in ("home", "billing:membership", "billing:payments")]
    mine += [reverse("billing:invoice", args=[row.invoice_id]) for row in payments]
    mine += [reverse("billing:refund", args=[row.pk]) for row in rows]
    mine += [reverse("billing:request-refund", args=[payments[0].pk])]
    lists = ("payment", "invoice", "refund", "dispute", "subscription")
    theirs = [reverse("admin:index"), *(show.list_of(f"billing.{name}") for name in lists)]
    theirs += [show.page_of(row) for row in rows]
    theirs += [show.page_of(row) for kind in (Payment, Invoice) for row in kind.objects.all()[:3]]
    theirs += [show.page_of(row.disputes.get()) for row in payments.exclude(disputes=None)]
    return {alice.username: mine, "staff": theirs}


def pages(alice: User, staff: User) -> dict[str, str]:
    """Read all of them."""
    shown: dict[str, str] = {}
    for who, mine in zip((alice, staff), addresses(alice).values(), strict=True):
        client = Client()
        client.force_login(who)
        for address in mine:
            answer = client.get(address)
            assert answer.status_code == 200, address
            shown[address] = answer.content.decode()
    return shown


def states(alice: User) -> list[Any]:
    """Return all that is decided about a member's payments and refunds, without its words."""
    rows = list(Refund.objects.for_user(alice).order_by("pk"))
    payments = list(Payment.objects.for_user(alice).order_by("pk"))
    facts = [refund_facts.request(alice, row.pk) for row in payments]
    asked = [refund_preview.asking(one) for one in facts if one]
    return [
        [income.settlement(row, income.gone_back(row, rows).under_way) for row in payments],
        [labels.payment(row)[1] for row in payments],
        [labels.invoice(row)[1] for row in Invoice.objects.for_user(alice).order_by("pk")],
        [payment_line(row, "", rows).tone for row in payments],
        [lines.line_of(row).tone for row in rows],
        [(one.offer.url, len(one.offer.notes), one.terms) for one in asked],
        [
            refund_preview.preview(one, amount, cancels=True).tone
            for one in asked
            for amount in (1, 5000)
        ],
        [one.outcome and one.outcome.ending for one in asked],
    ]


@pytest.mark.slow
def test_other_words_lead_to_the_same_pages(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    staff = superuser()
    before, decided = pages(alice, staff), states(alice)
    assert set(Settlement) <= set(decided[0]), "each kind of payment is looked at"
    assert reword_everything(monkeypatch) > 200
    after = pages(alice, staff)
    assert states(alice) == decided
    for address, page in after.items():
        assert Skeleton(page).tags == Skeleton(before[address]).tags, address
    assert "Lorem" in after[reverse("billing:payments")]
    assert "Lorem" in after[show.list_of("billing.payment")]


def test_other_words_lead_to_the_same_refunds(monkeypatch: pytest.MonkeyPatch) -> None:
    reword_everything(monkeypatch)
    policy(automatic_up_to=3000, automatic_per_year=1)
    customer = factories.make_customer(factories.make_member())
    bob, member = approver("Bob Baker"), customer.user
    assert ask(member, payment(customer), 2900).state == RefundState.APPROVED
    first, second = (ask(member, payment(customer), 2900) for _ in range(2))
    assert (first.state, second.state) == (RefundState.REQUESTED, RefundState.REQUESTED)
    assert refunds.approve(first.pk, bob).state == RefundState.APPROVED
    assert refunds.withdraw(member, second.pk).state == RefundState.WITHDRAWN
    with pytest.raises(RefundError, match="Lorem"):
        ask(member, payment(customer), 2901)
    with pytest.raises(RefundError, match="Lorem"):
        ask(member, payment(customer, card_brand=OUTSIDE), 100)
    assert ledger.verify().problems == []
    assert not sending.overdue().exists()


def test_emails_say_their_own_words_again_afterward() -> None:
    message = Message(kind=Kind.REFUND_RECEIVED, context=SAMPLES[Kind.REFUND_RECEIVED])
    own = rendering.render_subject(message)
    with other_words.forgotten_afterward(), pytest.MonkeyPatch.context() as patch:
        reword_everything(patch)
        assert rendering.render_subject(message).startswith("Lorem")
    assert rendering.render_subject(message) == own


def test_every_test_that_replaces_words_forgets_them_afterward() -> None:
    replacing = re.compile(r"\b_translations\b|\bLOCALE_PATHS = ")
    files = [one for app in APPS for one in (ROOT / app).rglob("test_*.py")]
    found = [file for file in files if replacing.search(file.read_text())]
    assert len(found) > 3
    assert [file for file in found if "other_words.forgotten" not in file.read_text()] == []


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"state": RequestState.PAID}, AlreadyPaid),
        ({"state": RequestState.CANCELED}, CheckoutError),
        ({"expires_at": timezone.now() - timedelta(days=1)}, CheckoutError),
    ],
)
def test_other_words_lead_to_the_same_refusals(
    monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], error: type[Exception]
) -> None:
    reword_everything(monkeypatch)
    member = factories.make_member()
    values = {"amount": 500, "currency": "usd", "description": "Towel", "sent_at": timezone.now()}
    row = PaymentRequest.objects.create(user=member, **values, **fields)
    with pytest.raises(CheckoutError, match="Lorem") as refused:
        single_payments.pay_request(member, row.pk)
    assert type(refused.value) is error


def test_stripes_refusal_has_words_for_the_member_and_for_staff() -> None:
    for code, refusal in texts.REFUSALS.items():
        assert texts.failure(code, was_sent=False) == refusal.member
        assert texts.for_staff(code) == refusal.staff


APPS = ("billing", "business", "common", "emails", "members", "portal")
# Comparisons with words that somebody else chose.
COMPARED: dict[str, set[str]] = {
    "common/staff/values.py": {"True"},  # a boolean, as text
    # Stripe's messages of errors without a code.
    "billing/stripe/gateway/customers.py": {gateway.NO_PORTAL},
    "billing/stripe/gateway/subscriptions.py": {gateway.SCHEDULED},
    "common/fields.py": {"Cf"},  # Unicode's name of a category
    "common/staff/finding.py": {"Sc"},  # Unicode's name of a category
    "common/network.py": {"timed out"},  # Python's own error
    "emails/providers.py": {"disconnect/reset before headers"},  # a proxy's words
    # Words of providers' APIs.
    "portal/doctor/provider_checks.py": {"API key is invalid", "Active", "Sandbox"},
    "portal/start_checks.py": {"Portal", "Harbor Yoga"},  # the example's name
}


def compared(tree: ast.Module) -> Iterator[str]:
    """Yield the words that code compares with, or cuts off a text, by themselves or by name."""
    named = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        sides: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            sides += [one for side in sides for one in getattr(side, "elts", ())]
        elif isinstance(node, ast.MatchValue):
            sides = [node.value]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            cuts = {"startswith", "endswith", "removeprefix", "removesuffix", "replace"}
            sides = node.args[:1] if node.func.attr in cuts else []
        for one in sides:
            value = named.get(one.id, one) if isinstance(one, ast.Name) else one
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value.value


@pytest.mark.slow
def test_no_code_compares_with_words() -> None:
    paths = (one for app in APPS for one in (ROOT / app).rglob("*.py"))
    comparisons = [
        (name, words)
        for path in paths
        if not {"tests", "migrations"} & set(path.parts)
        for name in [path.relative_to(ROOT).as_posix()]
        for words in compared(ast.parse(path.read_text()))
        if is_prose(words) and words not in COMPARED.get(name, set())
    ]
    assert comparisons == []


def test_no_template_compares_with_words() -> None:
    for path in (ROOT / "templates").rglob("*.*"):
        for text in re.findall(r"""[=!]=\s*["']([^"']+)["']""", path.read_text()):
            assert not is_prose(text), path
