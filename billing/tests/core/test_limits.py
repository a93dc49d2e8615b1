"""Texts of any length, from Stripe and to Stripe: nothing is refused for its length."""

from __future__ import annotations

import ast
from dataclasses import fields
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.core.management import call_command
from django.db import models
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from billing.core import limits
from billing.core.fitted import Fitted
from billing.models import (
    CreditNote,
    Customer,
    Dispute,
    Invoice,
    Payment,
    Plan,
    Refund,
    Subscription,
    TaxAccount,
    TaxRate,
    UnassignedCustomer,
)
from billing.reconcile import history
from billing.stripe import gateway, snapshots, tax_snapshots
from billing.sync import catalog, refresh
from billing.tests.altered_stripe import Json, altered
from billing.tests.life import DISPUTED_CARD, deliver, paid_member, sign_up, subscribe
from conftest import Sandbox
from testing import thorough
from testing.thorough import examples

pytestmark = pytest.mark.django_db

# What people and Stripe write as they like, by object.
TEXTS = {
    "charge": ("description", "receipt_url", "calculated_statement_descriptor"),
    "credit_note": ("memo", "number", "reason", "pdf"),
    "customer": ("name", "email"),
    "dispute": ("reason", "network_reason_code"),
    "invoice": ("number", "billing_reason", "hosted_invoice_url", "invoice_pdf"),
    "line_item": ("description",),
    "payment_intent": ("description",),
    "product": ("name", "description"),
    "refund": ("reason", "failure_reason", "pending_reason"),
}
# By how the columns of a row come from a snapshot. A refund's reason is ours, not Stripe's.
ROWS: list[tuple[type[Fitted], type[models.Model]]] = [
    (snapshots.CustomerSnapshot, Customer),
    (snapshots.CustomerSnapshot, UnassignedCustomer),
    (snapshots.SubscriptionSnapshot, Subscription),
    (snapshots.InvoiceSnapshot, Invoice),
    (snapshots.CreditNoteSnapshot, CreditNote),
    (snapshots.PaymentSnapshot, Payment),
    (snapshots.DisputeSnapshot, Dispute),
    (snapshots.RefundSnapshot, Refund),
    (snapshots.PlanSnapshot, Plan),
    (tax_snapshots.TaxRateSnapshot, TaxRate),
    (tax_snapshots.TaxAccountSnapshot, TaxAccount),
]


def agrees() -> bool:
    """Whether the comparison with Stripe finds nothing; it exits with an error otherwise."""
    call_command("reconcile", stdout=StringIO())
    return True


@pytest.mark.parametrize(("snapshot", "model"), ROWS, ids=lambda one: one.__name__)
def test_every_text_of_stripes_fits_its_column(
    snapshot: type[Fitted], model: type[models.Model]
) -> None:
    columns = {column.name: column for column in model._meta.concrete_fields}
    compared = 0
    for part in fields(snapshot):
        column = columns.get(part.name)
        is_ours = part.name == "id" or (model is Refund and part.name == "reason")
        if isinstance(column, models.CharField) and not is_ours:
            kept = limits.longest(snapshot.__name__, part.name)
            assert kept <= (column.max_length or kept), part.name
            compared += 1
    assert compared


@pytest.mark.parametrize("model", [Subscription, Payment])
def test_every_card_fits_its_columns(model: type[models.Model]) -> None:
    for part in ("brand", "last4"):
        column: Any = model._meta.get_field(f"card_{part}")
        assert limits.longest("Card", part) <= column.max_length


@pytest.mark.slow
def test_stripes_longest_texts_are_written_as_they_are(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    customer = Customer.objects.get().stripe_id
    name, email = "N" * 256, f"{'e' * 500}@example.com"
    sandbox.stripe.v1.customers.update(customer, {"name": name, "email": email})
    product = Plan.objects.get().product_id if Plan.objects.exists() else "prod_membership"
    described: Any = {"name": "P" * 5_000, "description": "D" * 5_000}
    sandbox.stripe.v1.products.update(product, described)
    intent = Payment.objects.get().stripe_id
    sandbox.stripe.v1.payment_intents.update(intent, {"description": "I" * 1_000})
    refresh.sync_customer(customer)
    catalog.sync_current_plan()
    refresh.sync_payment(intent)
    row = Customer.objects.get()
    assert (row.name, row.email) == (name, email)
    plan = Plan.objects.get(stripe_id="price_membership_monthly")
    assert (plan.name, plan.description) == ("P" * 5_000, "D" * 5_000)
    assert Payment.objects.get().description == "I" * 1_000
    assert agrees()


@thorough.MARK
def test_whatever_stripe_says_is_written_and_agrees(sandbox: Sandbox, settings: Settings) -> None:
    alice = sign_up()
    subscribe(sandbox, alice, DISPUTED_CARD)
    sandbox.control("clock", advance_seconds=5)
    deliver(sandbox.events())
    customer = Customer.objects.get().stripe_id
    odd = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)

    @hypothesis_settings(
        max_examples=examples(few=2, many=5),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(piece=odd, times=st.sampled_from([0, 1, 7, 300, 3_000]))
    def faults(piece: str, times: int) -> None:
        def alter(answer: Json) -> Json:
            names = TEXTS.get(answer["object"], ())
            return answer | {name: piece * times for name in names if name in answer}

        with altered(sandbox, settings, alter):
            # Subscriptions are named by the product as it is known.
            catalog.sync_current_plan()
            history.read_history(customer)
            assert agrees()

    faults()
    assert Dispute.objects.exists()


def test_a_part_of_an_address_is_no_address() -> None:
    link = f"https://stripe.example/{'x' * 6_000}"
    assert limits.fitted("InvoiceSnapshot", "hosted_url", link) == ""
    assert limits.fitted("InvoiceSnapshot", "hosted_url", link[:5_000]) == link[:5_000]


@pytest.mark.slow
def test_a_part_of_a_currency_is_another_currency(sandbox: Sandbox, settings: Settings) -> None:
    paid_member(sandbox)
    intent = Payment.objects.get().stripe_id

    def alter(answer: Json) -> Json:
        return answer | ({"currency": "usdc"} if answer["object"] == "payment_intent" else {})

    with altered(sandbox, settings, alter), pytest.raises(gateway.StripeFault, match="currency"):
        gateway.read_payment(intent)


# What we send


@pytest.mark.slow
def test_what_we_send_is_as_long_as_stripe_takes(sandbox: Sandbox, settings: Settings) -> None:
    name, comment = "Ł" * 301, "c" * 6_000
    with altered(sandbox, settings, lambda answer: answer) as sent:
        made = gateway.create_customer(1, "alice@example.com", name, "en")
        gateway.update_customer(made.id, "alice@example.com", name, "en")
        session = gateway.create_payment_checkout(
            gateway.SinglePayment(
                key="portal-checkout-1",
                customer_id=made.id,
                user_id=1,
                checkout_pk=1,
                amount=500,
                currency="usd",
                description="d" * 6_000,
                tax=None,
                success_url="https://portal.example.com/done/",
                cancel_url="https://portal.example.com/",
            )
        )
        assert session.id
        sandbox.control(f"customers/{made.id}/card", card="4242424242424242")
        item: Any = {"price": "price_membership_monthly"}
        subscription = sandbox.stripe.v1.subscriptions.create(
            {"customer": made.id, "items": [item]}
        )
        gateway.schedule_end(subscription.id, "other", comment, "portal-end-1")
    values = {
        key: max(map(len, values_sent))
        for _path, body in sent
        for key, values_sent in parse_qs(body, keep_blank_values=True).items()
    }
    assert values["name"] == 256
    assert values["cancellation_details[comment]"] == 5_000
    assert values["payment_intent_data[description]"] == 1_000
    assert values["line_items[0][price_data][product_data][name]"] == 250
    shown = sandbox.stripe.v1.customers.retrieve(made.id)
    assert shown.name == f"{'Ł' * 255}…"


def test_metadata_fits_too() -> None:
    long: dict[str, Any] = {"metadata": {"k" * 50: "v" * 600, "portal_user": "7"}}
    assert limits.sendable(long) == {"metadata": {"k" * 40: "v" * 500, "portal_user": "7"}}


def test_what_we_send_can_be_shown() -> None:
    written: dict[str, Any] = {
        "name": "Ali\x0bce\ufffe",
        "cancellation_details": {"comment": "Too\x00 far\u202e away"},
        "line_items": [{"price_data": {"product_data": {"name": "Yoga\x07 mat"}}}],
        "metadata": {"words": "bell\x07", "portal_user": "7"},
    }
    assert limits.sendable(written) == {
        "name": "Ali\nce",
        "cancellation_details": {"comment": "Too far away"},
        "line_items": [{"price_data": {"product_data": {"name": "Yoga mat"}}}],
        "metadata": {"words": "bell", "portal_user": "7"},
    }


def test_whatever_is_written_to_stripe_goes_through_one_place() -> None:
    """Each `create` and `update` of the gateway takes its parameters from `limits.sendable`."""
    writes = [
        node
        for path in Path(gateway.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"create", "update"}
        and ast.unparse(node.func).startswith("client().")
    ]
    assert len(writes) > 8
    for write in writes:
        params = [ast.unparse(one) for one in write.args if not is_id_or_options(one)]
        assert all(one.startswith("limits.sendable(") for one in params), ast.unparse(write)


def is_id_or_options(argument: ast.expr) -> bool:
    """Whether an argument names the object, or says under which key a request is made once."""
    text = ast.unparse(argument)
    return text.endswith("_id") or "idempotency_key" in text or text == "made_once"
