"""Whatever Stripe may say or leave out, in every API version, is read correctly.

The shapes come from `stripe_shapes`: whatever is nullable there is null here, once each.
"""

from __future__ import annotations

import itertools
import json
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError
from pytest_django import Settings

from billing.core import statuses
from billing.core.statuses import EventState, RefundState
from billing.inbound import events, inbox
from billing.models import Customer, Dispute, Invoice, Payment, Refund, StripeEvent, Subscription
from billing.stripe import gateway, snapshots, tax_snapshots
from billing.sync import refresh
from billing.tests.altered_stripe import altered
from billing.tests.inbound.test_events import forget_everything_but_the_customer, rows
from billing.tests.life import DISPUTED_CARD, deliver, sign_up, subscribe
from conftest import Sandbox, run_jobs
from stripe_shapes import VERSIONS, Fill, bared, example, shape, violations, without_each
from testing import thorough
from testing.thorough import one_in

Read = Callable[[Mapping[str, Any]], Any]
MOMENT = datetime(2026, 6, 9, 10, 13, 20, tzinfo=UTC)
ITEM = {"items.data.quantity": 1}
# Each kind that is read: by what, what of it is asked for in full, and what an example must have.
READ: dict[str, tuple[Read, tuple[str, ...], dict[str, Any]]] = {
    "balance_transaction": (snapshots.transaction, (), {}),
    "checkout.session": (snapshots.checkout, (), {}),
    "coupon": (snapshots.coupon, (), {}),
    "credit_note": (snapshots.credit_note, (), {}),
    "customer": (snapshots.customer, ("tax_ids",), {}),
    "dispute": (snapshots.dispute, ("charge", "payment_intent"), {}),
    # One that is only foreseen has no id; it is read by `next_charge` and `switch` alone.
    "invoice": (snapshots.invoice, gateway.INVOICE_PARTS, {"id": "in_1"}),
    "payment_intent": (
        snapshots.payment,
        ("latest_charge.balance_transaction",),
        {"status": "succeeded", "latest_charge.payment_method_details.type": "card"},
    ),
    "payment_method": (snapshots.payment_method, (), {"type": "card"}),
    "payout": (snapshots.payout, (), {}),
    "price": (snapshots.plan, ("product",), {}),
    "product": (snapshots.product, (), {}),
    "radar.early_fraud_warning": (
        snapshots.fraud_warning,
        ("charge", "payment_intent"),
        {},
    ),
    "refund": (snapshots.refund, (), {"destination_details.type": "card"}),
    "subscription": (
        snapshots.subscription,
        # Sources are written down nowhere any more; `test_cards` has them.
        tuple(one for one in gateway.SUBSCRIPTION_PARTS if "default_source" not in one),
        {**ITEM, "default_payment_method.type": "card"},
    ),
    "tax.settings": (tax_snapshots.tax_account, (), {}),
    "tax_rate": (tax_snapshots.tax_rate, (), {}),
}
BOOKED = "fee_details description"
# What the examples come to: all said, and as little as possible.
WHOLE: dict[str, dict[str, Any]] = {
    "balance_transaction": {
        "fees": [{"type": "fee_details type", "amount": 100, "description": BOOKED}],
        "exchange_rate": Decimal("12.5"),
        "source_id": "other_1",
        "available_at": MOMENT,
    },
    "checkout.session": {"status": "complete", "customer_id": "customer_1", "tax": 100},
    "coupon": {"name": "the name", "percent_off": 12.5, "amount_off": 100, "months": 100},
    "credit_note": {"refunded": 100, "out_of_band": 100, "credited": 0, "voided_at": MOMENT},
    "customer": {
        "email": "nina@example.com",
        "business_name": "the business_name",
        "tax_ids": [{"type": "data type", "value": "data value", "status": "pending"}],
    },
    "dispute": {"customer_id": "customer_1", "evidence_due_at": MOMENT},
    "invoice": {
        "customer_id": "customer_1",
        "subscription_id": "subscription_1",
        "number": "the number",
        "tax": 100,
        "amount_paid_outside": 100,
        "due_at": MOMENT,
        "payment_intent_ids": ["payment_intent_1"],
        "given_up_reason": "max_payment_attempts",
    },
    "payment_intent": {
        "customer_id": "customer_1",
        "charge_id": "latest_charge id",
        "card": snapshots.Card("card brand", "4242", "2034-08"),
        "failure_message": "last_payment_error message",
        "paid_at": MOMENT,
    },
    "payment_method": {
        "customer_id": "customer_1",
        "kind": "card",
        "card": snapshots.Card("card brand", "4242", "2034-08"),
        "fingerprint": "card fingerprint",
    },
    "payout": {"failure_code": "the failure_code", "trace": "trace_id value", "automatic": True},
    "price": {"amount": 100, "interval": "day", "trial_days": 100, "tax_behavior": "exclusive"},
    "product": {"name": "the name"},
    "radar.early_fraud_warning": {"customer_id": "customer_1", "is_actionable": True},
    "refund": {"reference": "card reference", "answer_by": MOMENT, "reason": "duplicate"},
    "subscription": {
        "customer_id": "customer id",
        "trial_end": MOMENT,
        "has_free_time": False,
        "card": snapshots.Card("card brand", "4242", "2034-08"),
        "balance": 100,
        "pause_behavior": "keep_as_draft",
        "resumes_at": MOMENT,
    },
    "tax.settings": {"status": "active", "behavior": "exclusive"},
    "tax_rate": {"percentage": Decimal("12.5"), "jurisdiction": "the jurisdiction"},
}
BARE: dict[str, dict[str, Any]] = {
    "balance_transaction": {"fees": [], "exchange_rate": None, "source_id": "", "description": ""},
    "checkout.session": {"status": "", "customer_id": "", "url": "", "tax": 0},
    "coupon": {"name": "", "percent_off": None, "amount_off": None, "months": None},
    "credit_note": {"refunded": 0, "out_of_band": 0, "credited": 100, "voided_at": None},
    "customer": {"email": "", "name": "", "business_name": "", "tax_ids": [], "deleted": False},
    "dispute": {"customer_id": "", "evidence_due_at": None, "network_reason_code": ""},
    "invoice": {
        "customer_id": "",
        "subscription_id": "",
        "number": "",
        "status": "draft",
        "tax": 0,
        "taxes": [],
        "total": 100,
        "amount_paid_outside": 0,
        "due_at": None,
        "payment_intent_ids": [],
        "lines": [],
    },
    "payment_intent": {
        "customer_id": "",
        "amount": 100,
        "card": snapshots.Card(),
        "failure_code": "",
        "paid_at": MOMENT,
    },
    "payment_method": {"customer_id": "", "wallet": ""},
    "payout": {"failure_code": "", "trace": "", "description": "", "arrives_at": MOMENT},
    "price": {"amount": 0, "interval": "", "interval_count": 1, "trial_days": 0},
    "product": {"name": "the name"},
    "radar.early_fraud_warning": {"customer_id": "", "payment_intent_id": "payment_intent id"},
    "refund": {"payment_intent_id": "", "status": "pending", "reason": "", "answer_by": None},
    "subscription": {
        "trial_end": None,
        "cancel_at": None,
        "card": snapshots.Card(),
        "method_id": "",
        "discounts": [],
        "balance": 0,
        "pause_behavior": "",
    },
    "tax.settings": {"status": "active", "behavior": ""},
    "tax_rate": {"percentage": Decimal("12.5"), "jurisdiction": ""},
}


def made(kind: str, fill: Fill) -> dict[str, Any]:
    """Return an example of a kind as the gateway asks for it."""
    _, expand, but = READ[kind]
    if fill == Fill.BARE:
        # These are asked for, and there: what they say of themselves is bare.
        expand = {"subscription": (), "invoice": (), "customer": ()}.get(kind, expand)
        but = {name: value for name, value in but.items() if "." not in name} | (
            ITEM if kind == "subscription" else {}
        )
    answer = example(kind, fill, expand=expand, but=but)
    assert not list(violations(answer))
    return answer


def mistyped(snapshot: Any) -> Iterator[str]:
    """Yield the fields of a snapshot that hold another type than they say, as null for a text."""
    cls: Any = type(snapshot)
    for one in fields(snapshot):
        value = getattr(snapshot, one.name)
        for part in value if isinstance(value, list) else [value]:
            if is_dataclass(part):
                yield from mistyped(part)
        try:
            types_of(cls)[one.name].validate_python(value, strict=True)
        except ValidationError:
            yield f"{cls.__name__}.{one.name} is {value!r}"


@cache
def types_of(cls: type) -> dict[str, TypeAdapter[Any]]:
    return {name: TypeAdapter(kind) for name, kind in typing.get_type_hints(cls).items()}


@pytest.mark.parametrize("kind", READ)
@pytest.mark.parametrize("fill", Fill)
def test_a_snapshot_says_what_stripe_says(kind: str, fill: Fill) -> None:
    snapshot = READ[kind][0](made(kind, fill))
    assert not list(mistyped(snapshot))
    if fill != Fill.EMPTY_LISTS:
        wanted = WHOLE[kind] if fill == Fill.FULL else BARE[kind]
        assert {name: getattr(snapshot, name) for name in wanted} == wanted


@pytest.mark.slow
@pytest.mark.parametrize("kind", READ)
def test_nothing_that_stripe_may_leave_out_is_needed(kind: str) -> None:
    read, expand, but = READ[kind]
    count = 0
    for path, one in without_each(kind, expand=expand, but=but):
        if path not in but:
            assert not list(mistyped(read(one))), path
            count += 1
    assert count


@pytest.mark.slow
@pytest.mark.parametrize("fill", Fill)
def test_a_preview_is_read_however_little_it_says(fill: Fill) -> None:
    preview = example("invoice", fill)
    assert not list(mistyped(snapshots.next_charge(preview)))
    assert not list(mistyped(snapshots.switch(preview)))
    for path, one in without_each("invoice"):
        assert not list(mistyped(snapshots.next_charge(one))), path
        assert not list(mistyped(snapshots.switch(one))), path


@pytest.mark.parametrize(
    ("kind", "name", "known"),
    [
        ("credit_note", "status", statuses.CreditNoteStatus),
        ("dispute", "status", statuses.DisputeStatus),
        ("invoice", "status", statuses.InvoiceStatus),
        ("payment_intent", "status", statuses.PaymentStatus),
        ("subscription", "collection_method", statuses.CollectionMethod),
        ("subscription", "status", statuses.SubscriptionStatus),
    ],
)
def test_every_word_for_a_state_is_known(kind: str, name: str, known: type[StrEnum]) -> None:
    for version in VERSIONS:
        assert set(shape(kind, version)[name].words) <= {one.value for one in known}


# The kind of object that each type of event is about, where its name does not say so.
ABOUT = {
    "charge.dispute": "dispute",
    "charge.refund": "refund",
    "checkout.session": "checkout.session",
    "customer.discount": "discount",
    "customer.subscription": "subscription",
    "customer.tax_id": "tax_id",
    "radar.early_fraud_warning": "radar.early_fraud_warning",
}


def about(kind: str) -> str:
    """Return the kind of object of a type of event: `customer.subscription.updated`."""
    parts = kind.split(".")
    return ABOUT.get(".".join(parts[:2]), parts[0])


@thorough.MARK
@pytest.mark.django_db
@pytest.mark.parametrize(("version", "fill"), one_in(4, list(itertools.product(VERSIONS, Fill))))
def test_events_of_every_version_are_taken(sandbox: Sandbox, version: str, fill: Fill) -> None:
    for number, kind in enumerate(events.TARGETS):
        inbox.take(json.dumps(event(kind, f"evt_{number}", version, fill)))
    run_jobs()
    kept = StripeEvent.objects.all()
    assert {one.type for one in kept} == set(events.TARGETS)
    # Of all that these name Stripe has nothing, and that is said; no word of theirs is believed.
    odd = {(one.type, one.state, one.error) for one in kept if one.state != EventState.IGNORED}
    assert {one[0] for one in odd} <= {
        "price.created",
        "price.updated",
        "price.deleted",
        "product.updated",
    }
    assert not Customer.objects.exists()
    assert not Invoice.objects.exists()


def event(kind: str, event_id: str, version: str, fill: Fill) -> dict[str, Any]:
    """Return an event in a version's shape, about an object that Stripe does not have."""
    subject = example(about(kind), fill, version)
    but = {"id": event_id, "type": kind, "api_version": version, "livemode": False}
    payload = example("event", fill, version, but=but)
    payload["data"]["object"] = subject
    # Only those of connected accounts, which are ignored, name one.
    payload.pop("account", None)
    assert not list(violations(payload, version))
    return payload


@pytest.mark.parametrize("version", VERSIONS)
def test_a_renewal_that_is_foreseen_names_its_subscription(version: str) -> None:
    foreseen = example("invoice", Fill.FULL, version)
    target = events.TARGETS["invoice.upcoming"]
    assert target.id_in(foreseen) == "subscription_1"


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("version", [one for one in VERSIONS if one != gateway.API_VERSION])
def test_a_life_told_in_an_older_version_ends_in_the_same_rows(
    sandbox: Sandbox, version: str
) -> None:
    sandbox.control("switches", payload_version=version)
    subscribe(sandbox, sign_up(), DISPUTED_CARD)
    sandbox.control("clock", advance_seconds=5)
    told = sandbox.events()
    assert not list(violations(told))
    deliver(told)
    kept = StripeEvent.objects.exclude(state__in=[EventState.PROCESSED, EventState.IGNORED])
    assert not kept.exists()
    about_money = StripeEvent.objects.exclude(customer_id="")
    assert {one.api_version for one in about_money} == {version}
    by_events = rows()
    forget_everything_but_the_customer()
    stripe = sandbox.stripe.v1
    refresh.sync_subscription(stripe.subscriptions.list().data[0].id)
    refresh.sync_invoice(str(stripe.invoices.list().data[0].id))
    refresh.sync_dispute(stripe.disputes.list().data[0].id)
    assert rows() == by_events


KEPT = {
    "charge": ("customer", "payment_intent"),
    "checkout.session": ("customer", "payment_intent", "status", "subscription"),
    "credit_note": ("customer",),
    "customer": ("email", "metadata"),
    "dispute": ("payment_intent",),
    "invoice": ("customer", "id", "parent", "payments", "status", "status_transitions"),
    "invoice_payment": ("payment",),
    "payment_intent": ("customer", "latest_charge"),
    "price": ("recurring", "unit_amount"),
    "refund": ("charge", "payment_intent", "status"),
}
# Without these nothing would hang together, or nothing would have been paid.
NEEDED = [f"{kind}.{name}" for kind, names in KEPT.items() for name in names]


@pytest.mark.slow
@pytest.mark.django_db
def test_rows_are_written_of_the_barest_answers(sandbox: Sandbox, settings: Settings) -> None:
    subscribe(sandbox, sign_up())
    charge = sandbox.stripe.v1.charges.list().data[0]
    sandbox.stripe.v1.refunds.create({"charge": charge.id, "amount": 500})
    sandbox.control(f"charges/{charge.id}/dispute")
    sandbox.control("clock", advance_seconds=5)
    told = bared(sandbox.events(), keep=NEEDED)
    with altered(sandbox, settings, lambda one: bared(one, keep=NEEDED)):
        deliver(told)
    failed = StripeEvent.objects.exclude(state__in=[EventState.PROCESSED, EventState.IGNORED])
    assert [(one.type, one.error) for one in failed] == []
    subscription = Subscription.objects.get()
    assert (subscription.status, subscription.amount, subscription.card_last4) == (
        "active",
        2900,
        "",
    )
    invoice = Invoice.objects.get()
    assert (invoice.status, invoice.total, invoice.number) == ("paid", 2900, "")
    payment = Payment.objects.get()
    assert (payment.status, payment.amount, payment.description) == ("succeeded", 2900, "")
    assert (payment.amount_refunded, Refund.objects.get().state) == (500, RefundState.SUCCEEDED)
    assert Dispute.objects.get().status == "needs_response"


@pytest.mark.slow
@pytest.mark.django_db
def test_a_refund_without_a_status_is_on_its_way(sandbox: Sandbox, settings: Settings) -> None:
    subscribe(sandbox, sign_up())
    charge = sandbox.stripe.v1.charges.list().data[0]
    sandbox.stripe.v1.refunds.create({"charge": charge.id, "amount": 500})

    def unsaid(one: dict[str, Any]) -> dict[str, Any]:
        return one | {"status": None} if one["object"] == "refund" else one

    with altered(sandbox, settings, unsaid):
        deliver(sandbox.events())
    assert Refund.objects.get().state == RefundState.PENDING
    deliver(sandbox.events())
