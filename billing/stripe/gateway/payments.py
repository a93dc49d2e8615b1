"""Reads payments, refunds, disputes, and fraud warnings from Stripe, and makes refunds."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import stripe

from billing.core import idempotency, limits
from billing.stripe import snapshots
from billing.stripe.gateway.client import client, translated_errors
from billing.stripe.gateway.errors import StripeNotAllowed
from billing.stripe.gateway.lists import Unreadable, each_read, every, of_customer

logger = logging.getLogger(__name__)


def read_payment(payment_intent_id: str) -> snapshots.PaymentSnapshot:
    """Read a payment intent with its latest charge."""
    with translated_errors():
        answer = client().v1.payment_intents.retrieve(
            payment_intent_id, {"expand": ["latest_charge.balance_transaction"]}
        )
        return snapshots.payment(answer.to_dict())


def list_payments(
    customer_id: str = "", bad: list[Unreadable] | None = None
) -> Iterator[snapshots.PaymentSnapshot]:
    """Yield every payment intent with its latest charge."""
    params = {"expand": ["data.latest_charge.balance_transaction"]} | of_customer(customer_id)
    listed = every(client().v1.payment_intents.list, params)
    yield from each_read(snapshots.payment, listed, bad)


def invoice_of_payment(payment_intent_id: str) -> str:
    """Return the ID of the invoice that a payment intent pays, or an empty string."""
    with translated_errors():
        page = client().v1.invoice_payments.list(
            {
                "payment": {"type": "payment_intent", "payment_intent": payment_intent_id},
                "limit": 1,
            }
        )
        return snapshots.object_id(page.data[0].invoice) if page.data else ""


def read_refund(refund_id: str) -> snapshots.RefundSnapshot:
    """Read a refund."""
    with translated_errors():
        return snapshots.refund(client().v1.refunds.retrieve(refund_id).to_dict())


def refunds_of(payment_intent_id: str) -> list[snapshots.RefundSnapshot]:
    """Return all refunds of a payment, oldest first, including failed ones."""
    params = {"payment_intent": payment_intent_id}
    listed = every(client().v1.refunds.list, params)
    return sorted(map(snapshots.refund, listed), key=lambda one: (one.created_at, one.id))


def list_refunds(bad: list[Unreadable] | None = None) -> Iterator[snapshots.RefundSnapshot]:
    """Yield every refund."""
    yield from each_read(snapshots.refund, every(client().v1.refunds.list, {}), bad)


def create_refund(
    payment_intent_id: str, amount: int, key: str, *, is_duplicate: bool = False
) -> snapshots.RefundSnapshot:
    """Refund a part of a payment (minor units), once per key.

    The key is the idempotency key, which Stripe may forget after a day. It also stays in the
    refund's metadata: look there before asking again (`refunds_of`).

    The reason is never `fraudulent`: Stripe's documentation, "Block lists", says that it blocks all
    of the customer's cards and email addresses, and a bank's report may be about the victim.

    Raises:
        StripeRefused: it can't be refunded; `code` says why (`charge_already_refunded`, …).
    """
    params: stripe.params.RefundCreateParams = {
        "payment_intent": payment_intent_id,
        "amount": amount,
        "reason": "duplicate" if is_duplicate else "requested_by_customer",
        "metadata": {snapshots.REFUND_KEY: key},
    }
    made_once: stripe.RequestOptions = {"idempotency_key": idempotency.key("refund", key)}
    with translated_errors():
        made = client().v1.refunds.create(limits.sendable(params), made_once)
        return snapshots.refund(made.to_dict())


def read_dispute(dispute_id: str) -> snapshots.DisputeSnapshot:
    """Read a dispute with its charge and payment intent, which name the customer."""
    with translated_errors():
        answer = client().v1.disputes.retrieve(dispute_id, {"expand": ["charge", "payment_intent"]})
        return snapshots.dispute(answer.to_dict())


def list_disputes(
    since: datetime | None = None, bad: list[Unreadable] | None = None
) -> Iterator[snapshots.DisputeSnapshot]:
    """Yield the account's disputes opened since a time, with their customers.

    Stripe can list them by charge, but not by customer.
    """
    params: dict[str, Any] = {"expand": ["data.charge", "data.payment_intent"]}
    if since:
        params["created"] = {"gte": int(since.timestamp())}
    listed = every(client().v1.disputes.list, params)
    yield from each_read(snapshots.dispute, listed, bad)


def read_fraud_warning(warning_id: str) -> snapshots.FraudWarningSnapshot:
    """Read an early fraud warning with its charge and payment intent, which name the customer."""
    params: Any = {"expand": ["charge", "payment_intent"]}
    with translated_errors():
        answer = client().v1.radar.early_fraud_warnings.retrieve(warning_id, params)
        return snapshots.fraud_warning(answer.to_dict())


def list_fraud_warnings(
    since: datetime | None = None, bad: list[Unreadable] | None = None
) -> Iterator[snapshots.FraudWarningSnapshot]:
    """Yield the account's early fraud warnings made since a time, with their customers.

    Stripe can list them by charge, but not by customer. A restricted key from before we read them
    may not: then there are none, an import's rest goes on, and the doctor names what's missing.
    """
    params: dict[str, Any] = {"expand": ["data.charge", "data.payment_intent"]}
    if since:
        params["created"] = {"gte": int(since.timestamp())}
    listed = every(client().v1.radar.early_fraud_warnings.list, params)
    try:
        yield from each_read(snapshots.fraud_warning, listed, bad)
    except StripeNotAllowed as error:
        logger.warning("Early fraud warnings aren't read: %s", error)
