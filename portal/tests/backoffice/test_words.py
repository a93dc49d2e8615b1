"""The staff site uses one term per thing in sidebar, title, and breadcrumb, and no jargon."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import Client

from billing.core.statuses import RefundAction, RefundState
from billing.models import LedgerText, Refund, RefundEntry
from billing.refunds import service as refunds
from billing.refunds import texts as refund_texts
from billing.tests import factories, refund_world
from billing.tests.refund_world import policy, refund_request
from billing.tests.staff_world import make_world, superuser
from common.staff import show
from portal.backoffice.navigation import SECTIONS, Item

pytestmark = pytest.mark.django_db
ITEMS = [item for section in SECTIONS for item in section.items]


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(superuser())
    return client


def read(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, url
    return unescape(answer.content.decode())


def heading(page: str) -> list[str]:
    """Return the parts of the breadcrumb."""
    match = re.search(r"<h1.*?</h1>", page, re.DOTALL)
    assert match
    parts = re.findall(r'<(?:a|span)[^>]*tracking-tight">(.*?)</', match[0], re.DOTALL)
    return [part.strip() for part in parts]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.model)
def test_a_list_is_called_what_the_sidebar_calls_it(boss: Client, item: Item) -> None:
    page = read(boss, item.address)
    section = next(one for one in SECTIONS if item in one.items)
    shown = heading(page)
    assert (shown[0], shown[-1]) == (section.title, item.title)
    assert "Payments › Payments" not in " › ".join(shown)
    assert f"{item.title} | " in page.split("<title>")[1].split("</title>")[0]
    assert "Select " not in page.split("<title>")[1].split("</title>")[0]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("billing/refund/", "Nobody has asked for a refund yet."),
        ("billing/refund/?needs=decision", "No refund waits for a decision."),
        ("billing/refund/?q=zoe", "Nothing matches this search or these filters."),
        ("billing/refund/?needs=decision&q=zoe", "Nothing matches this search or these filters."),
        ("billing/dispute/?stage=answer", "No dispute waits for your answer."),
        ("billing/stripeevent/", "Stripe has told us nothing yet."),
        ("billing/stripeevent/?state__exact=failed", "Every event could be processed."),
        ("emails/message/", "No message has been written yet."),
        ("emails/message/?state__exact=failed", "Every message could be delivered."),
        ("billing/payment/", "Nobody has paid yet."),
        ("billing/creditnote/", "There is nothing here yet."),
    ],
)
def test_an_empty_list_says_so_in_a_sentence(boss: Client, address: str, words: str) -> None:
    page = read(boss, f"/staff/{address}")
    assert words in page
    assert "yielded" not in page
    assert ("Show all" in page.split('id="changelist-form"')[1]) is ("?" in address)


def test_what_is_nothing_is_a_dash_of_one_kind(boss: Client) -> None:
    world = make_world()
    page = read(boss, show.page_of(world.payment))
    assert show.NOTHING in page
    assert not re.search(r">\s*-\s*<", page)


def test_a_payment_is_called_by_its_amount_and_not_by_stripes_words(boss: Client) -> None:
    invoice = factories.make_invoice()
    paid = factories.make_payment(invoice=invoice, description="Subscription creation")
    alone = factories.make_payment(description="Guest pass")
    page = read(boss, show.page_of(paid))
    assert heading(page)[-1] == "$29.00"
    assert "Subscription creation" not in page
    assert heading(read(boss, show.page_of(alone)))[-1] == "$29.00: Guest pass"


def test_filters_are_called_by_what_they_mean(boss: Client) -> None:
    make_world()
    page = " ".join(read(boss, "/staff/billing/payment/").split())
    assert "By day paid" in page
    assert "By paid at" not in page
    page = read(boss, "/staff/billing/refundentry/")
    assert "Actor name" not in page
    assert "1 ledger entry" in " ".join(page.split())


@pytest.fixture
def sent_back() -> Refund:
    """A refund that the bank sent back, after it had succeeded."""
    policy()
    payer: User = factories.make_member("Dora Diaz")
    payment = factories.make_payment(factories.make_customer(payer), amount=5000)
    row = approved_refund(payer, payment.pk)
    last = row.entries.order_by("number").last()
    assert last
    for number, (action, before, after, words) in enumerate(
        [
            (RefundAction.STRIPE, RefundState.SENDING, RefundState.PENDING, "charge_pending"),
            (RefundAction.REOPENED, RefundState.SUCCEEDED, RefundState.FAILED, "declined"),
        ],
        start=last.number + 1,
    ):
        entry = RefundEntry.objects.create(
            number=number,
            refund=row,
            at=last.at,
            action=action,
            from_state=before,
            to_state=after,
            amount=row.amount,
            currency=row.currency,
            previous_hash=last.hash,
            hash=last.hash,
        )
        LedgerText.objects.create(entry=entry, kind="words", text=words)
    Refund.objects.filter(pk=row.pk).update(failure_reason="lost_or_stolen_card")
    return row


def approved_refund(payer: User, payment_pk: int) -> Refund:
    """Return a refund that somebody has approved."""
    row = refunds.request(payer, payment_pk, refund_request(4000))
    refunds.approve(row.pk, refund_world.approver("Bob Baker"), 4000)
    return row


def test_why_a_refund_failed_is_said_to_staff_in_words(boss: Client, sent_back: Refund) -> None:
    page = read(boss, show.page_of(sent_back))
    for words in (
        "The payment itself is not quite through yet.",
        "The member’s bank did not take it.",
        "The member’s card was reported lost or stolen.",
    ):
        assert words in page
    assert "lost_or_stolen" not in page
    assert "Lost or stolen card" not in page
    assert refund_texts.for_staff("new_word") == "Stripe says: new word."
    assert refund_texts.for_staff("") == ""
