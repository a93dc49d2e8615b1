"""Step 3 for early fraud warnings: read one again, write it after its payment, announce it."""

from __future__ import annotations

from django.db import transaction

from billing.models import FraudWarning
from billing.models.locks import locked_customer
from billing.stripe import gateway
from billing.sync import changes, refresh, writing
from billing.sync.columns import fraud_warning_columns
from billing.sync.writing import NotOurs


def sync_fraud_warning(warning_id: str) -> FraudWarning:
    """Read a warning and write it, after its payment: a refund of it may have settled it.

    Raises:
        NotOurs: its payment is nobody's here.
    """
    read_at = writing.database_now()
    snapshot = gateway.read_fraud_warning(warning_id)
    if not snapshot.payment_intent_id:
        raise NotOurs("The fraud warning is about a charge without a payment intent.")
    payment = refresh.sync_payment(snapshot.payment_intent_id)
    values = fraud_warning_columns(snapshot) | {"payment": payment}
    with transaction.atomic():
        customer = locked_customer(pk=payment.customer_id)
        links = {"customer": customer}
        old, new = writing.write(FraudWarning, warning_id, read_at, values | links)
        changes.announce(changes.of_fraud_warning(old, new))
    return new
