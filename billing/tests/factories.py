"""Rows for tests that need no Stripe: plain functions, sensible defaults, any column by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from billing.core.statuses import (
    CreditNoteStatus,
    DisputeStatus,
    EventState,
    InvoiceStatus,
    PaymentStatus,
    SubscriptionStatus,
)
from billing.models import (
    CreditNote,
    Customer,
    Dispute,
    FraudWarning,
    Invoice,
    Payment,
    PaymentMethod,
    Plan,
    StripeEvent,
    Subscription,
)
from members.models import Member

PRICE_ID = "price_membership_monthly"
PLAN_PRODUCT = "prod_membership"
PRICE = 2900
CURRENCY = "usd"
MONTH = timedelta(days=30)

_numbers = count(1)


def make_member(name: str = "Alice Archer", **fields: Any) -> User:
    """Return a user of this name; the database makes their `Member` row.

    The email address is the first name's, with a number. Keywords are columns of the user.
    """
    first, _, last = name.partition(" ")
    email = f"{first.lower()}{next(_numbers)}@example.com"
    values = {"username": email, "email": email, "first_name": first, "last_name": last}
    return User.objects.create_user(**values | fields)


def set_member(user: User, **fields: Any) -> Member:
    """Change columns of a user's profile and return it: `phone="+14155552671"`."""
    Member.objects.filter(user=user).update(**fields)
    return Member.objects.select_related("user").get(user=user)


def make_plan(**fields: Any) -> Plan:
    """Return the plan: $29.00 a month."""
    values: dict[str, Any] = {
        "stripe_id": PRICE_ID,
        "product_id": PLAN_PRODUCT,
        "name": "Membership",
        "amount": PRICE,
        "currency": CURRENCY,
        "interval": "month",
        "read_at": timezone.now(),
    }
    return Plan.objects.create(**values | fields)


def make_customer(user: User | None = None, **fields: Any) -> Customer:
    """Return the Stripe customer of a user, or of a new one."""
    owner = user or make_member()
    values: dict[str, Any] = {
        "user": owner,
        "stripe_id": f"cus_factory{next(_numbers)}",
        "email": owner.email,
        "name": owner.get_full_name(),
        "created_at": timezone.now(),
        "read_at": timezone.now(),
    }
    return Customer.objects.create(**values | fields)


def make_payment_method(customer: Customer | None = None, **fields: Any) -> PaymentMethod:
    """Return a Visa card that a customer saved."""
    now = timezone.now()
    values: dict[str, Any] = {
        "customer": customer or make_customer(),
        "stripe_id": f"pm_factory{next(_numbers)}",
        "kind": "card",
        "card_brand": "visa",
        "card_last4": "4242",
        "card_expires": f"{now.year + 4}-12",
        "created_at": now,
        "read_at": now,
    }
    return PaymentMethod.objects.create(**values | fields)


def make_subscription_item(**fields: Any) -> dict[str, Any]:
    """Return a subscription's item: the membership, unless its product is another."""
    now = timezone.now()
    values: dict[str, Any] = {
        "id": f"si_factory{next(_numbers)}",
        "price_id": PRICE_ID,
        "product_id": PLAN_PRODUCT,
        "quantity": 1,
        "unit_amount": PRICE,
        "currency": CURRENCY,
        "interval": "month",
        "interval_count": 1,
        "period_start": int((now - MONTH / 2).timestamp()),
        "period_end": int((now + MONTH / 2).timestamp()),
        "name": "Membership",
    }
    return values | fields


def make_other_subscription(customer: Customer | None = None, **fields: Any) -> Subscription:
    """Return an active subscription to something else: a locker, $9.00 a month."""
    locker = {"price_id": "price_locker", "product_id": "prod_locker", "unit_amount": 900}
    values: dict[str, Any] = {
        "is_membership": False,
        "name": "Locker rental",
        "items": [make_subscription_item(name="Locker rental", **locker)],
        "price_id": "price_locker",
        "amount": 900,
        "plan_amount": 0,
    }
    return make_subscription(customer, **values | fields)


def make_subscription(customer: Customer | None = None, **fields: Any) -> Subscription:
    """Return an active membership in the middle of its month."""
    now = timezone.now()
    price = {"price_id": fields.get("price_id", PRICE_ID)}
    price |= {"unit_amount": fields.get("amount", PRICE)}
    price |= {name: fields[name] for name in ("currency", "interval") if name in fields}
    values: dict[str, Any] = {
        "customer": customer or make_customer(),
        "stripe_id": f"sub_factory{next(_numbers)}",
        "status": SubscriptionStatus.ACTIVE,
        "name": "Membership",
        "items": [make_subscription_item(**price)],
        "price_id": PRICE_ID,
        "amount": PRICE,
        "plan_amount": fields.get("amount", PRICE),
        "currency": CURRENCY,
        "interval": "month",
        "current_period_start": now - MONTH / 2,
        "current_period_end": now + MONTH / 2,
        "started_at": now - MONTH / 2,
        "card_brand": "visa",
        "card_last4": "4242",
        "card_expires": f"{now.year + 4}-12",
        "read_at": now,
    }
    return Subscription.objects.create(**values | fields)


def make_invoice(customer: Customer | None = None, **fields: Any) -> Invoice:
    """Return a paid invoice of one month. `total` and `status` set the other amounts."""
    number = next(_numbers)
    now = timezone.now()
    total = fields.get("total", PRICE)
    is_paid = fields.get("status", InvoiceStatus.PAID) == InvoiceStatus.PAID
    values: dict[str, Any] = {
        "customer": customer or make_customer(),
        "stripe_id": f"in_factory{number}",
        "number": f"F{number:07d}-0001",
        "status": InvoiceStatus.PAID,
        "billing_reason": "subscription_cycle",
        "currency": CURRENCY,
        "subtotal": total,
        "total": total,
        "amount_due": total,
        "amount_paid": total if is_paid else 0,
        "amount_remaining": 0 if is_paid else total,
        "lines": [_line(total, now)],
        "created_at": now,
        "finalized_at": now,
        "paid_at": now if is_paid else None,
        "read_at": now,
    }
    return Invoice.objects.create(**values | fields)


def make_credit_note(invoice: Invoice, **fields: Any) -> CreditNote:
    """Return a credit note of $5.00 on a paid invoice, kept for the member's next ones."""
    number = next(_numbers)
    amount = fields.get("amount", 500)
    values: dict[str, Any] = {
        "customer": invoice.customer,
        "invoice": invoice,
        "stripe_id": f"cn_factory{number}",
        "number": f"{invoice.number}-CN-{number:02d}",
        "status": CreditNoteStatus.ISSUED,
        "currency": invoice.currency,
        "amount": amount,
        "credited": amount,
        "pdf_url": "https://stripe.example/credit-note.pdf",
        "created_at": timezone.now(),
        "read_at": timezone.now(),
    }
    return CreditNote.objects.create(**values | fields)


def make_payment(customer: Customer | None = None, **fields: Any) -> Payment:
    """Return a payment that went through; give `invoice=` to make it that invoice's."""
    invoice: Invoice | None = fields.get("invoice")
    payer = customer or (invoice.customer if invoice else make_customer())
    number = next(_numbers)
    now = timezone.now()
    amount = fields.get("amount", invoice.total if invoice else PRICE)
    has_succeeded = fields.get("status", PaymentStatus.SUCCEEDED) == PaymentStatus.SUCCEEDED
    values: dict[str, Any] = {
        "customer": payer,
        "stripe_id": f"pi_factory{number}",
        "charge_id": f"ch_factory{number}",
        "status": PaymentStatus.SUCCEEDED,
        "amount": amount,
        "amount_received": amount if has_succeeded else 0,
        "currency": CURRENCY,
        "description": "Membership",
        "card_brand": "visa",
        "card_last4": "4242",
        "created_at": now,
        "paid_at": now if has_succeeded else None,
        "read_at": now,
    }
    return Payment.objects.create(**values | fields)


def make_dispute(payment: Payment | None = None, **fields: Any) -> Dispute:
    """Return a dispute of a whole payment that waits for evidence, due in nine days."""
    disputed = payment or make_payment()
    now = timezone.now()
    values: dict[str, Any] = {
        "customer": disputed.customer,
        "payment": disputed,
        "stripe_id": f"du_factory{next(_numbers)}",
        "charge_id": disputed.charge_id,
        "status": DisputeStatus.NEEDS_RESPONSE,
        "reason": "fraudulent",
        "network_reason_code": "10.4",
        "amount": disputed.amount,
        "currency": disputed.currency,
        "evidence_due_at": now + timedelta(days=9, hours=1),
        "created_at": now,
        "read_at": now,
    }
    return Dispute.objects.create(**values | fields)


def make_fraud_warning(payment: Payment | None = None, **fields: Any) -> FraudWarning:
    """Return a bank's warning about the charge of a payment, which a refund can still settle."""
    reported = payment or make_payment()
    now = timezone.now()
    values: dict[str, Any] = {
        "customer": reported.customer,
        "payment": reported,
        "stripe_id": f"issfr_factory{next(_numbers)}",
        "charge_id": reported.charge_id,
        "fraud_type": "made_with_stolen_card",
        "is_actionable": True,
        "created_at": now,
        "read_at": now,
    }
    return FraudWarning.objects.create(**values | fields)


def make_event(customer: Customer | None = None, **fields: Any) -> StripeEvent:
    """Return a processed webhook event about an invoice, without a job."""
    number = next(_numbers)
    customer_id = customer.stripe_id if customer else ""
    kind = fields.get("type", "invoice.paid")
    object_id = fields.get("object_id", f"in_factory{number}")
    about = {"id": object_id, "object": kind.split(".")[0], "customer": customer_id or None}
    values: dict[str, Any] = {
        "stripe_id": f"evt_factory{number}",
        "type": kind,
        "object_id": object_id,
        "customer_id": customer_id,
        "api_version": "2026-10-28.endive",
        "created_at": timezone.now(),
        "state": EventState.PROCESSED,
        "attempts": 1,
        "payload": {"id": f"evt_factory{number}", "type": kind, "data": {"object": about}},
        "processed_at": timezone.now(),
    }
    return StripeEvent.objects.create(**values | fields)


def _line(amount: int, start: datetime) -> dict[str, Any]:
    begin = start.astimezone(UTC)
    return {
        "description": "1 × Membership (at $29.00 / month)",
        "quantity": 1,
        "amount": amount,
        "period_start": int(begin.timestamp()),
        "period_end": int((begin + MONTH).timestamp()),
    }
