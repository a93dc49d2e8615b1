"""What our texts cost, as Twilio tells it: the price is known only after a text was sent."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.utils import timezone

from emails.models import Channel, Message
from emails.text_messages import asked, client, segments_told

logger = logging.getLogger(__name__)

# A price usually comes within minutes; texts that were never billed don't get one.
ASK_AFTER, ASK_FOR = timedelta(minutes=5), timedelta(days=3)
# Twilio's list is asked, a thousand texts at a time, rather than text by text.
PAGE_SIZE, MOST = 1000, 10_000
CLOCK_SKEW = timedelta(minutes=1)


def update() -> int:
    """Store the prices of the last days' texts that have none yet; return how many got one.

    Raises:
        DeliveryProblem: Twilio can't be asked.
    """
    now = timezone.now()
    unpriced = Message.objects.filter(
        channel=Channel.SMS, price=None, sent_at__range=(now - ASK_FOR, now - ASK_AFTER)
    ).exclude(provider_id="")
    rows = {row.provider_id: row for row in unpriced.only("provider_id", "sent_at", "segments")}
    if not rows or not settings.TWILIO_ACCOUNT_SID:
        return 0
    oldest = min(row.sent_at for row in rows.values() if row.sent_at)
    with asked():
        told = client().messages.stream(
            date_sent_after=oldest - CLOCK_SKEW, page_size=PAGE_SIZE, limit=MOST
        )
        priced = [*_priced(rows, told)]
    Message.objects.bulk_update(priced, ["segments", "price", "price_currency"], batch_size=500)
    logger.info("Twilio told the price of %s of %s texts.", len(priced), len(rows))
    return len(priced)


def _priced(rows: dict[str, Message], told: Iterable[Any]) -> Iterable[Message]:
    for text in told:
        row = rows.get(str(text.sid))
        price = _price(text.price)
        if row is None or price is None:
            continue
        row.price, row.price_currency = price, str(text.price_unit or "USD").upper()[:3]
        row.segments = segments_told(text) or row.segments
        yield row


def _price(told: Any) -> Decimal | None:
    """Return a price as a cost: Twilio writes what it takes as a negative number."""
    if told in (None, ""):
        return None
    try:
        return abs(Decimal(str(told)))
    except InvalidOperation:
        logger.exception("Twilio told a price that isn't a number: %r", told)
        return None
