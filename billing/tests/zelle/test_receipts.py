"""The receipt of a payment by Zelle: a PDF of our own, for its member alone."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from billing.core.bank_statuses import ExpectedState
from billing.facts import zelle
from billing.models import ExpectedTransfer, Payment
from billing.pages import attachments, zelle_receipts
from billing.refunds import by_zelle
from billing.refunds import service as refunds
from billing.tests.factories import make_member
from billing.tests.refund_world import policy, refund_request
from billing.tests.zelle.bank import Money, came, expect, memo_of, pay, staff
from billing.tests.zelle.world import make_terms
from billing.zelle import allocating
from conftest import Sandbox, run_jobs
from emails.catalog import Kind
from emails.models import Channel, Message

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid(sandbox: Sandbox) -> ExpectedTransfer:
    """A workshop that Łukasz has paid, with a name and words of the world."""
    make_terms(prefix="HY")
    policy()
    member = make_member("Łukasz Nguyễn-Þórsdóttir")
    expected = expect(member, 10_900, description="Wörkshop “Ruhe” 静けさ & more")
    manager = staff("Mia Manager")
    member_of_board = staff("Sam Second")
    expected = pay(expected, manager, name="LUKASZ NGUYEN", memo=memo_of(expected))
    if expected.state != ExpectedState.CONFIRMED:
        allocating.confirm(expected.allocations.get().pk, member_of_board)
        run_jobs()
    return ExpectedTransfer.objects.get(pk=expected.pk)


def path(row: ExpectedTransfer) -> str:
    return f"/zelle/{row.pk}/receipt/"


def test_it_says_what_was_paid_and_by_whom(paid: ExpectedTransfer) -> None:
    said = zelle_receipts.as_document(paid, timezone.now())
    facts = dict(said["facts"])
    assert said["title"] == f"Receipt {memo_of(paid)}"
    assert facts["For"] == "Łukasz Nguyễn-Þórsdóttir"
    assert facts["Paid for"] == "Wörkshop “Ruhe” 静けさ & more"
    assert paid.invoice
    assert facts["Invoice"] == paid.invoice.number
    [transfer] = said["transfers"]
    assert transfer == ["Mar 28, 2026", "LUKASZ NGUYEN", "27250625041", "$109.00"]
    assert said["refunds"] == []
    assert said["total"] == ["$109.00", "$0.00", "$109.00"]


def test_what_went_back_is_on_it(paid: ExpectedTransfer) -> None:
    row = refunds.give(Payment.objects.get().pk, staff("Tia Third"), refund_request(900))
    by_zelle.mark_sent(row.pk, staff("Una Fourth"), "30000000001")
    came(Money("LUKASZ NGUYEN", -900, "30000000001"))
    run_jobs()
    said = zelle_receipts.as_document(paid, timezone.now())
    assert [one[2] for one in said["refunds"]] == ["$9.00"]
    assert said["total"] == ["$109.00", "$9.00", "$100.00"]


def test_its_member_downloads_it_and_nobody_else(client: Client, paid: ExpectedTransfer) -> None:
    client.force_login(paid.user)
    assert path(paid) in client.get(f"/zelle/{paid.pk}/").content.decode()
    assert paid.invoice
    assert path(paid) in client.get(f"/payments/invoices/{paid.invoice.pk}/").content.decode()
    answer = client.get(path(paid))
    assert answer["Content-Type"] == "application/pdf"
    assert f"receipt-{memo_of(paid)}.pdf" in answer["Content-Disposition"]
    assert b"".join(answer).startswith(b"%PDF")
    client.force_login(make_member("Eve Stranger"))
    assert client.get(path(paid)).status_code == 404


def test_what_is_not_paid_has_none(client: Client, sandbox: Sandbox) -> None:
    make_terms()
    alice: User = make_member("Alice Archer")
    client.force_login(alice)
    assert client.get(path(expect(alice))).status_code == 404


def test_the_email_can_bring_the_pdf(paid: ExpectedTransfer) -> None:
    message = Message.objects.get(kind=Kind.ZELLE_RECEIVED, channel=Channel.EMAIL, user=paid.user)
    pdf = attachments.of(message)
    assert pdf is not None
    assert pdf.name == f"receipt-{zelle.shown(paid)}.pdf"
    assert pdf.content.startswith(b"%PDF-")
