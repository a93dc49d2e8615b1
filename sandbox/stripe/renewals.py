"""A subscription's life: its first invoice, each renewal, the reminders before it, and the end."""

from __future__ import annotations

from sandbox.stripe import customers, discounts, invoices, periods, subscriptions
from sandbox.stripe import invoice_documents as documents
from sandbox.stripe.errors import invalid
from sandbox.stripe.events import changing, emit, private
from sandbox.stripe.payment_intents import Outcome
from sandbox.stripe.periods import DAY
from sandbox.world import Json, World

UPCOMING_BEFORE = 7 * DAY
TRIAL_WARNING_BEFORE = 3 * DAY
INCOMPLETE_FOR = 23 * 3600
"""Seconds until a subscription whose first invoice is not paid expires."""


def first_invoice(
    world: World, subscription: Json, customer: Json, intent: Json | None = None
) -> Json:
    """The opened invoice that starts a subscription; free while it is on trial."""
    now = world.now()
    invoice_id = world.new_id("in_1")
    subscription["latest_invoice"] = invoice_id
    world.objects.put(subscription)
    emit(world, "customer.subscription.created", subscription)
    invoice = _invoice(world, subscription, customer, "subscription_create", (now, now), invoice_id)
    if customer["currency"] is None:
        with changing(world, customer, "customer.updated"):
            customer["currency"] = invoice["currency"]
    with changing(world, subscription, "customer.subscription.updated"):
        discounts.drop_used(world, subscription, invoice)
    return documents.finalize(world, invoice, customer, intent)


def start(world: World, subscription: Json, customer: Json, *, collect: bool) -> Outcome:
    """Invoice a new subscription, and pay that from the saved card if `collect` says so."""
    invoice = first_invoice(world, subscription, customer)
    if not invoice["amount_due"]:
        invoices.mark_paid(world, invoice)
        return Outcome("complete")
    method = invoices.saved_method(world, invoice)
    if not collect or method is None:
        return Outcome("declined", "There is no card to charge.")
    return invoices.attempt(world, invoice, method, automatic=False)


def _invoice(
    world: World,
    subscription: Json,
    customer: Json,
    reason: str,
    period: tuple[int, int],
    invoice_id: str | None = None,
) -> Json:
    """A draft for the items' current period; `period` is the invoice's own and looks back."""
    trial = subscription["status"] == "trialing"
    lines = [
        documents.subscription_line(
            world, subscription, item, subscriptions.period(subscription), trial=trial
        )
        for item in subscription["items"]["data"]
    ]
    return documents.draft(
        world,
        customer,
        reason=reason,
        currency=subscription["currency"],
        lines=lines,
        subscription=subscription,
        period=period,
        invoice_id=invoice_id,
        granted=discounts.of(world, subscription),
    )


def preview(world: World, subscription: Json) -> Json:
    """The next invoice as it would be now; it has no id."""
    customer = customers.find(world, subscription["customer"])
    start, end = subscriptions.period(subscription)
    following = periods.end(
        subscription["billing_cycle_anchor"],
        end,
        subscription["items"]["data"][0]["price"]["recurring"],
    )
    invoice = documents.blank(
        world,
        customer,
        reason="upcoming",
        currency=subscription["currency"],
        subscription=subscription,
        period=(start, end),
    )
    lines = [
        documents.subscription_line(world, subscription, item, (end, following))
        for item in subscription["items"]["data"]
    ]
    invoice["lines"] = documents.line_list("upcoming", lines)
    invoice["next_payment_attempt"] = end + documents.HOUR
    documents.grant(world, invoice, discounts.of(world, subscription))
    documents.add_up(invoice)
    return {name: value for name, value in invoice.items() if name != "id"}


def announce(world: World, subscription: Json) -> None:
    """`invoice.upcoming`, some days before a renewal."""
    private(subscription)["announced"] = subscriptions.period(subscription)[1]
    world.objects.put(subscription)
    emit(world, "invoice.upcoming", preview(world, subscription))


def warn_of_trial_end(world: World, subscription: Json) -> None:
    private(subscription)["warned"] = subscription["trial_end"]
    world.objects.put(subscription)
    emit(world, "customer.subscription.trial_will_end", subscription)


def turn(world: World, subscription: Json) -> None:
    """The period is over: the next one begins, with a draft that is collected an hour later."""
    customer = customers.find(world, subscription["customer"])
    over = subscriptions.period(subscription)
    with changing(world, subscription, "customer.subscription.updated"):
        if subscription["status"] == "trialing":
            subscription["status"] = "active"
        _move_period(subscription, over[1])
        invoice = _invoice(world, subscription, customer, "subscription_cycle", over)
        discounts.drop_used(world, subscription, invoice)
        subscription["latest_invoice"] = invoice["id"]
    if subscription["status"] == "unpaid":
        invoice |= {"auto_advance": False, "automatically_finalizes_at": None}
        world.objects.put(invoice)


def _move_period(subscription: Json, start: int) -> None:
    for item in subscription["items"]["data"]:
        item["current_period_start"] = start
        item["current_period_end"] = periods.end(
            subscription["billing_cycle_anchor"], start, item["price"]["recurring"]
        )


def advance_invoice(world: World, invoice: Json) -> None:
    """The hour of a draft is over: it is opened and collected."""
    finalize(world, invoice)
    if invoice["status"] == "open":
        invoices.collect(world, invoice)


def finalize(world: World, invoice: Json) -> Json:
    if invoice["status"] != "draft":
        raise invalid(
            "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
            code="invoice_not_editable",
        )
    return documents.finalize(world, invoice, customers.find(world, invoice["customer"]))


def retry(world: World, invoice: Json) -> None:
    """The next automatic attempt to collect."""
    invoice["next_payment_attempt"] = None
    invoices.collect(world, invoice)
