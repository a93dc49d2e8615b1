"""Drafts that were deleted at Stripe: nothing else can be deleted there."""

from __future__ import annotations

import logging

from billing.core.statuses import InvoiceStatus
from billing.models import Invoice
from billing.stripe import gateway
from billing.sync import refresh

logger = logging.getLogger(__name__)


def sync_deleted(invoice_id: str) -> None:
    """Read an invoice that's said to be deleted; forget the draft if it's gone.

    Raises:
        gateway.StripeMissing: it's gone, and wasn't a draft here.
    """
    try:
        refresh.sync_invoice(invoice_id)
    except gateway.StripeMissing:
        if not forget(invoice_id):
            raise


def forget(invoice_id: str) -> bool:
    """Remove a draft that's no longer at Stripe; return whether there was one.

    Any other status means that we're asking the wrong account, and then no row may be removed.
    """
    drafts = Invoice.objects.filter(stripe_id=invoice_id, status=InvoiceStatus.DRAFT)
    is_removed = bool(drafts.filter(payments=None).delete()[0])
    if is_removed:
        logger.info("The draft %s was deleted at Stripe.", invoice_id)
    return is_removed
