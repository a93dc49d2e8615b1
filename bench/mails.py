"""How long it takes to render a mail from its template."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

# Many short rounds: some are left alone by whatever else runs.
ROUNDS = 40
MAILS = 50
RECEIPT: dict[str, Any] = {
    "name": "Anna Keller",
    "amount": "$29.00",
    "description": "Membership, December",
    "invoice_number": "HY-0012-0003",
    "paid_on": "2026-11-24T09:30:00+00:00",
    "method": "Visa ending in 4242",
    "method_picture": "visa",
    "on_statement": "HARBOR YOGA",
    "full_price": "",
    "full_price_on": "",
    "lines": [{"description": "1 × Membership (at $29.00 / month)", "amount": "$29.00"}],
    "recovered": False,
    "next_card": "",
    "home_url": "https://portal.example.com/",
    "is_direct": False,
    "taxes": [],
    "taxes_included": [],
    "tax_note": "",
    "discount_label": "",
    "credits": [],
    "discount": "",
    "receipt_url": "https://portal.example.com/payments/3/receipt/",
    "url": "https://portal.example.com/payments/invoices/3/",
}


def measure() -> float:
    """Return the processor time in seconds that one receipt takes in the best of many rounds."""
    from common import region  # noqa: PLC0415  (Django must be set up first)
    from emails.catalog import Kind  # noqa: PLC0415
    from emails.models import Channel, Message  # noqa: PLC0415
    from emails.rendering import render_email  # noqa: PLC0415

    paid_at = datetime.fromisoformat(RECEIPT["paid_on"])
    # Each was paid at a time of its own, so no day has been written before.
    receipts = [
        Message(
            kind=Kind.PAYMENT_RECEIVED,
            channel=Channel.EMAIL,
            recipient="anna.keller@example.com",
            context=RECEIPT | {"paid_on": (paid_at + timedelta(seconds=number)).isoformat()},
        )
        for number in range(ROUNDS * MAILS)
    ]
    render_email(receipts[0])  # loads the templates

    def one_round(mails: list[Message]) -> float:
        start = time.thread_time()
        for mail in mails:
            render_email(mail)
        return (time.thread_time() - start) / MAILS

    # As in the worker, whose jobs have the business's zone and language in force.
    with region.in_force():
        return min(one_round(receipts[at : at + MAILS]) for at in range(0, len(receipts), MAILS))
