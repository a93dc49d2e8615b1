"""Our PDFs are worded, dated, and sized as the owner's locale has it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone, translation
from pytest_django import Settings

from billing.facts import statements
from billing.models import Customer
from billing.pages import receipts
from billing.tests import factories
from common import documents

pytestmark = pytest.mark.django_db
LETTER, A4 = b"[0 0 612 792]", b"[0 0 595.2756 841.8898]"


@pytest.fixture
def customer() -> Customer:
    """A member with a payment in 2026."""
    customer = factories.make_customer(factories.make_member("Zoë Łukasz"))
    factories.make_payment(customer, paid_at=datetime(2026, 12, 4, 15, tzinfo=UTC))
    return customer


def statement(customer: Customer) -> tuple[dict[str, Any], bytes]:
    """Return a year's statement, as facts and as PDF."""
    yearly = statements.statement_of(customer.user, 2026)
    assert yearly
    now = timezone.now()
    content = yearly.as_document(now)
    return content, documents.render("statement", content, made_at=now)


def test_a_statement_is_us_english_on_us_letter_by_default(customer: Customer) -> None:
    content, pdf = statement(customer)
    assert content["title"] == "Statement for 2026"
    facts = dict(content["facts"])
    assert facts["Period"] == "January 1 to December 31, 2026"
    [row] = content["payments"]
    assert (row[0], row[-1]) == ("Dec 4, 2026", "$29.00")
    assert LETTER in pdf
    assert b"/Lang (en" in pdf or b"/Lang(en" in pdf


def test_a_statement_follows_the_owners_locale(customer: Customer, settings: Settings) -> None:
    settings.LOCALE = "de_DE"
    content, pdf = statement(customer)
    facts = dict(content["facts"])
    assert facts["Period"] == "1 January to 31 December 2026"
    [row] = content["payments"]
    assert (row[0], row[-1]) == ("4 Dec 2026", "29,00\u00a0$")
    assert LETTER not in pdf


def test_a_receipt_names_its_day_in_the_readers_language(
    customer: Customer, settings: Settings
) -> None:
    settings.LOCALE = "de_DE"
    row = statements.payments_of(customer.user).get()
    whose = receipts.payer(customer.user)
    with translation.override("de"):
        content = receipts._content(row, statements.paid(row, whose.names), whose, timezone.now())
    assert "4. Dezember 2026" in [value for _label, value in content["facts"]]
    assert documents.render("payment_receipt", content, made_at=timezone.now()).startswith(b"%PDF-")


@pytest.mark.parametrize(
    "amount", ["29,00\u00a0$", "1\u202f234,50\u00a0€", "￥2,900", "−CHF\u00a05.00"]
)
def test_every_form_of_money_has_its_characters(amount: str) -> None:
    content = {
        "title": "Receipt", "facts": [], "head": ["For", "Amount"], "lines": [["Mat", amount]],
        "totals": [["Paid", amount]],
    }  # fmt: skip
    documents.render("payment_receipt", content, made_at=timezone.now(), refuses_boxes=True)
