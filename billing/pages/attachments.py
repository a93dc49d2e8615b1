"""The receipt as a PDF, for the email that is one, if owners want it to come along."""

from __future__ import annotations

from django.db.models import Q
from django.utils import timezone

from billing.facts import statements, zelle
from billing.models import ExpectedTransfer
from billing.pages import receipts, zelle_receipts
from common import documents
from emails.attachments import Attachment
from emails.catalog import Kind
from emails.models import Message

RECEIPTS = frozenset({Kind.PAYMENT_RECEIVED, Kind.RECEIPT_AGAIN, Kind.JOINED})


def of(message: Message) -> Attachment | None:
    """Return the receipt that a message is about, or None if it's about none.

    A message's cause begins with the id of the payment, of its invoice, or of the payment by Zelle.
    """
    user, about = message.user, message.cause.split(":")[0]
    if user is None:
        return None
    if message.kind in RECEIPTS:
        own = statements.payments_of(user)
        row = own.filter(Q(stripe_id=about) | Q(invoice__stripe_id=about)).last()
        if row is None:
            return None
        content = receipts.pdf(row, receipts.payer(user), timezone.localtime())
        return Attachment(f"receipt-{receipts.number(row)}.pdf", content)
    if message.kind in {Kind.ZELLE_RECEIVED, Kind.ZELLE_JOINED}:
        paid = zelle_receipts.of(user, int(about.removeprefix("zelle")))
        return _by_zelle(paid) if paid else None
    return None


def _by_zelle(row: ExpectedTransfer) -> Attachment:
    now = timezone.localtime()
    content = documents.render("receipt", zelle_receipts.as_document(row, now), made_at=now)
    return Attachment(f"receipt-{zelle.shown(row)}.pdf", content)
