"""A receipt's email brings the PDF if the owner wants that, or goes without if that fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core import mail as outbox
from pytest_django import Settings

from billing.models import Payment
from billing.tests import factories
from billing.tests.staff_world import owner as owner_user
from billing.tests.staff_world import signed_in_now
from common import documents
from emails import mail
from emails.catalog import Kind
from emails.models import Channel, Message
from portal.backoffice.message_samples import SAMPLES

pytestmark = pytest.mark.django_db

PAGE = "/staff/business/attachmentsversion/"


@pytest.fixture
def payment(settings: Settings) -> Payment:
    settings.ATTACH_RECEIPTS = True
    customer = factories.make_customer(factories.make_member("Zoë Łukasz"))
    return factories.make_payment(customer, invoice=factories.make_invoice(customer))


def attached(payment: Payment, kind: Kind, cause: str) -> list[tuple[str, bytes]]:
    """Send a message to the member who paid; return the files that came with it."""
    message = Message.objects.create(
        kind=kind,
        channel=Channel.EMAIL,
        recipient="zoe@example.com",
        user=payment.customer.user,
        context=SAMPLES[kind],
        cause=cause,
        dedupe_key=f"{kind}:{cause}",
    )
    mail.send(message)
    sent = outbox.outbox[-1]
    assert isinstance(sent, outbox.EmailMultiAlternatives)
    assert all(one[2] == "application/pdf" for one in sent.attachments)
    return [(str(one[0]), one[1]) for one in sent.attachments]


def test_a_receipt_comes_as_a_pdf(payment: Payment) -> None:
    assert payment.invoice is not None
    for kind, cause in (
        (Kind.PAYMENT_RECEIVED, payment.invoice.stripe_id),
        (Kind.JOINED, payment.invoice.stripe_id),
        (Kind.RECEIPT_AGAIN, f"{payment.stripe_id}:2026-11-24T12"),
    ):
        [(name, content)] = attached(payment, kind, cause)
        assert name == f"receipt-{payment.paid_at:%Y}-{payment.pk:06d}.pdf"
        assert content.startswith(b"%PDF-")


def test_nothing_is_attached_that_is_not_the_members_receipt(payment: Payment) -> None:
    stranger = factories.make_payment(factories.make_customer(factories.make_member("Max")))
    assert attached(payment, Kind.PAYMENT_RECEIVED, stranger.stripe_id) == []
    assert attached(payment, Kind.WELCOME, payment.stripe_id) == []
    assert attached(payment, Kind.ZELLE_RECEIVED, "zelle4711:2026-11-24") == []


def test_nothing_is_attached_unless_the_owner_wants_it(
    payment: Payment, settings: Settings
) -> None:
    settings.ATTACH_RECEIPTS = False
    assert attached(payment, Kind.PAYMENT_RECEIVED, payment.stripe_id) == []


def test_what_owners_saved_wins_over_the_environment(payment: Payment) -> None:
    assert payment.invoice is not None
    about, owner = payment.invoice.stripe_id, signed_in_now(owner_user())
    assert "Environment (ATTACH_RECEIPTS)" in owner.get(PAGE).content.decode()

    owner.post(PAGE, {"receipts": "no", "based_on": 0})
    assert attached(payment, Kind.PAYMENT_RECEIVED, about) == []
    page = owner.get(PAGE).content.decode()
    assert "linked only" in page
    assert "Version 1" in page

    owner.post(PAGE, {"receipts": "", "based_on": 1})
    assert len(attached(payment, Kind.JOINED, about)) == 1
    assert owner.post(PAGE, {"receipts": "maybe", "based_on": 2}).status_code == 400


def test_an_email_goes_without_a_pdf_that_cannot_be_made(
    payment: Payment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(documents, "FOLDER", tmp_path)
    assert attached(payment, Kind.PAYMENT_RECEIVED, payment.stripe_id) == []
    assert "goes without its PDF" in caplog.text
