"""Payments, refunds, disputes, and fraud warnings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from billing.core.fitted import Fitted
from billing.stripe.snapshots.cards import Card, method_card
from billing.stripe.snapshots.fields import (
    CHECKOUT_KEY,
    REFUND_KEY,
    Json,
    object_id,
    own_key,
    part,
    required_time,
    text,
    time,
)

# A payment intent that nobody has used, or that was canceled before anyone did.
UNTRIED = frozenset({"requires_payment_method", "requires_confirmation", "canceled"})
# A refund's status if Stripe doesn't say.
PENDING = "pending"


@dataclass(frozen=True)
class PaymentSnapshot(Fitted):
    """A payment intent and its latest charge."""

    id: str
    customer_id: str
    charge_id: str
    status: str
    amount: int
    amount_received: int
    amount_refunded: int
    currency: str
    description: str
    card: Card
    method_id: str
    failure_code: str
    failure_message: str
    receipt_url: str
    statement_descriptor: str
    created_at: datetime
    paid_at: datetime | None
    attempted_at: datetime | None
    checkout_pk: int | None = None  # from our metadata

    @property
    def is_tried(self) -> bool:
        """Whether anyone has tried to pay: Stripe makes one with each invoice and page."""
        return bool(self.charge_id or self.failure_code) or self.status not in UNTRIED


@dataclass(frozen=True)
class RefundSnapshot(Fitted):
    """A refund. `key` is our row's, from our metadata; `reference` is the bank's.

    `answer_by` is when the member must have said where the money should go (`requires_action`).
    """

    id: str
    payment_intent_id: str
    amount: int
    currency: str
    status: str
    reason: str
    failure_reason: str
    pending_reason: str
    answer_by: datetime | None
    reference: str
    key: str
    created_at: datetime


@dataclass(frozen=True)
class DisputeSnapshot(Fitted):
    """A dispute; its customer comes from the payment intent or the charge."""

    id: str
    customer_id: str
    payment_intent_id: str
    charge_id: str
    status: str
    reason: str
    network_reason_code: str
    amount: int
    currency: str
    evidence_due_at: datetime | None
    has_evidence: bool
    submission_count: int
    created_at: datetime


@dataclass(frozen=True)
class FraudWarningSnapshot(Fitted):
    """An early fraud warning; its customer comes from the payment intent or the charge."""

    id: str
    customer_id: str
    payment_intent_id: str
    charge_id: str
    fraud_type: str
    is_actionable: bool
    created_at: datetime


def payment(data: Json) -> PaymentSnapshot:
    """Read a payment intent with its latest charge expanded.

    If it was reserved and only partly captured, the amount is what arrived.
    """
    charge = data.get("latest_charge") or {}
    error = data.get("last_payment_error") or {}
    paid, received = data["status"] == "succeeded", data.get("amount_received") or 0
    method = charge.get("payment_method_details") or {}
    return PaymentSnapshot(
        id=data["id"],
        customer_id=object_id(data.get("customer")),
        charge_id=text(charge.get("id")),
        status=data["status"],
        amount=received if paid and received else data["amount"],
        amount_received=received,
        amount_refunded=charge.get("amount_refunded") or 0,
        currency=data["currency"],
        description=text(data.get("description")),
        card=method_card(method) if method else method_card(error.get("payment_method")),
        method_id=object_id(charge.get("payment_method") or data.get("payment_method")),
        failure_code=text(error.get("decline_code") or error.get("code")),
        failure_message=text(error.get("message")),
        receipt_url=text(charge.get("receipt_url")),
        statement_descriptor=text(charge.get("calculated_statement_descriptor")),
        created_at=required_time(data["created"]),
        paid_at=_settled_at(charge) if paid else None,
        attempted_at=time(charge.get("created")),
        checkout_pk=own_key(data, CHECKOUT_KEY),
    )


def _settled_at(charge: Json) -> datetime | None:
    """Return when a charge's money arrived: from a bank, days after the charge was made.

    The booking time says so if `balance_transaction` is expanded. A card pays immediately, but may
    be booked later: its day must not move between reads.
    """
    method = charge.get("payment_method_details") or {}
    if method.get("type") == "card":
        return time(charge.get("created"))
    booked = charge.get("balance_transaction")
    times = [charge.get("created"), booked.get("created") if isinstance(booked, Mapping) else None]
    return time(max((moment for moment in times if moment), default=None))


def refund(data: Json) -> RefundSnapshot:
    """Read a refund. The bank's reference is known a few days after it was made."""
    details = data.get("destination_details") or {}
    way = details.get(text(details.get("type"))) or {}
    to_do = (data.get("next_action") or {}).get("display_details") or {}
    return RefundSnapshot(
        id=data["id"],
        payment_intent_id=object_id(data.get("payment_intent")),
        amount=data["amount"],
        currency=data["currency"],
        status=text(data.get("status")) or PENDING,
        reason=text(data.get("reason")),
        failure_reason=text(data.get("failure_reason")),
        pending_reason=text(data.get("pending_reason")),
        answer_by=time(to_do.get("expires_at")),
        reference=text(way.get("reference")),
        key=text((data.get("metadata") or {}).get(REFUND_KEY)),
        created_at=required_time(data["created"]),
    )


def dispute(data: Json) -> DisputeSnapshot:
    """Read a dispute with charge and payment intent expanded; it names no customer itself."""
    charge, intent = part(data.get("charge")), part(data.get("payment_intent"))
    evidence = data.get("evidence_details") or {}
    card = (data.get("payment_method_details") or {}).get("card") or {}
    code = data.get("network_reason_code") or card.get("network_reason_code")
    return DisputeSnapshot(
        id=data["id"],
        customer_id=object_id(intent.get("customer")) or object_id(charge.get("customer")),
        payment_intent_id=object_id(data.get("payment_intent"))
        or object_id(charge.get("payment_intent")),
        charge_id=object_id(data.get("charge")),
        status=data["status"],
        reason=text(data.get("reason")),
        network_reason_code=text(code),
        amount=data["amount"],
        currency=data["currency"],
        evidence_due_at=time(evidence.get("due_by")),
        has_evidence=bool(evidence.get("has_evidence")),
        submission_count=evidence.get("submission_count") or 0,
        created_at=required_time(data["created"]),
    )


def fraud_warning(data: Json) -> FraudWarningSnapshot:
    """Read an early fraud warning with charge and payment intent expanded, if it names one."""
    charge, intent = part(data.get("charge")), part(data.get("payment_intent"))
    return FraudWarningSnapshot(
        id=data["id"],
        customer_id=object_id(intent.get("customer")) or object_id(charge.get("customer")),
        payment_intent_id=object_id(data.get("payment_intent"))
        or object_id(charge.get("payment_intent")),
        charge_id=object_id(data.get("charge")),
        fraud_type=text(data.get("fraud_type")),
        is_actionable=bool(data.get("actionable")),
        created_at=required_time(data["created"]),
    )
