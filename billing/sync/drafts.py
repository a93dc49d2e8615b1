"""Drafts that were deleted at Stripe: nothing else can be deleted there."""

from __future__ import annotations

import logging

from billing.core.statuses import InvoiceStatus
from billing.models import Invoice
from billing.stripe import gateway
from billing.sync import refresh

logger = logging.getLogger(__name__)


def sync_deleted(invoice_id: str) -> None:
    """Read an invoice that's said to be deleted; forget the draft if it's gone."""
    try:
        refresh.sync_invoice(invoice_id)
    except gateway.StripeMissing:
        forget(invoice_id)


def forget(invoice_id: str) -> None:
    """Remove a draft that's no longer at Stripe.

    Any other status means that we're asking the wrong account, and then no row may be removed.
    """
    drafts = Invoice.objects.filter(stripe_id=invoice_id, status=InvoiceStatus.DRAFT)
    if drafts.filter(payments=None).delete()[0]:
        logger.info("The draft %s was deleted at Stripe.", invoice_id)
