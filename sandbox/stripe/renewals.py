"""A subscription's life: its first invoice, each renewal, the reminders before it, and the end."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.stripe import (
    customers,
    discounts,
    due_dates,
    invoice_items,
    invoices,
    periods,
    schedules,
    subscriptions,
)
from sandbox.stripe import invoice_documents as documents
from sandbox.stripe.errors import invalid
from sandbox.stripe.events import changing, emit, private
from sandbox.stripe.payment_intents import Outcome
from sandbox.stripe.periods import DAY
from sandbox.world import Json, World

TRIAL_WARNING_BEFORE = 3 * DAY
INCOMPLETE_FOR = 23 * 3600
"""Seconds until a subscription whose first invoice is not paid expires."""


def first_invoice(
    world: World, subscription: Json, customer: Json, intent: Json | None = None
) -> Json:
    """The open invoice that starts a subscription; free during a trial."""
    invoice = _first_draft(world, subscription, customer)
    return documents.finalize(world, invoice, customer, intent)


def _first_draft(world: World, subscription: Json, customer: Json) -> Json:
    now = world.now()
    invoice_id = world.new_id("in_1")
    subscription["latest_invoice"] = invoice_id
    world.objects.put(subscription)
    emit(world, "customer.subscription.created", subscription)
    invoice = _invoice(world, subscription, customer, "subscription_create", (now, now), invoice_id)
    if customer["currency"] != invoice["currency"]:
        with changing(world, customer, "customer.updated"):
            customer["currency"] = invoice["currency"]
    with changing(world, subscription, "customer.subscription.updated"):
        discounts.drop_used(world, subscription, invoice)
    return invoice


def start(world: World, subscription: Json, customer: Json, *, collect: bool) -> Outcome:
    """Invoice a new subscription, and charge the saved card if `collect` says so.

    If its invoices are sent, it's active right away; its first invoice stays a draft for an hour.
    """
    if subscription["collection_method"] == "send_invoice":
        _first_draft(world, subscription, customer)
        if subscription["status"] == "incomplete":
            subscriptions.set_status(world, subscription, "active")
        return Outcome("complete")
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
    """A draft for the items' current period; `period` is the invoice's own, which looks back."""
    trial = subscription["status"] == "trialing"
    lines = [
        documents.subscription_line(
            world, subscription, item, subscriptions.period(subscription), trial=trial
        )
        for item in subscription["items"]["data"]
    ]
    waiting = invoice_items.pending(world, customer["id"], subscription["id"])
    method = subscription["collection_method"]
    is_kept = _paused(subscription) == "keep_as_draft"
    invoice = documents.draft(
        world,
        customer,
        reason=reason,
        currency=subscription["currency"],
        lines=[*(invoice_items.line(world, item) for item in waiting), *lines],
        subscription=subscription,
        period=period,
        invoice_id=invoice_id,
        granted=discounts.of(world, subscription),
        wanted={
            "auto_advance": not is_kept,
            "collection_method": method,
            "due_date": due_dates.of(world, subscription) if method == "send_invoice" else None,
        },
    )
    invoice_items.settle(world, waiting, invoice)
    return invoice


def preview(world: World, subscription: Json, extra: Sequence[Json] = ()) -> Json:
    """The next invoice as it would be now, with `extra` lines first; it has no ID."""
    start, end = subscriptions.period(subscription)
    following = periods.end(
        subscription["billing_cycle_anchor"],
        end,
        subscription["items"]["data"][0]["price"]["recurring"],
    )
    waiting = invoice_items.pending(world, subscription["customer"], subscription["id"])
    lines = [
        *(invoice_items.line(world, item) for item in waiting),
        *extra,
        *(
            documents.subscription_line(world, subscription, item, (end, following))
            for item in subscription["items"]["data"]
        ),
    ]
    return previewed(
        world,
        subscription,
        lines,
        "upcoming",
        period=(start, end),
        attempt_at=end + documents.HOUR,
    )


def previewed(
    world: World,
    subscription: Json,
    lines: list[Json],
    reason: str,
    *,
    period: tuple[int, int],
    attempt_at: int,
) -> Json:
    """An invoice that's only previewed."""
    customer = customers.find(world, subscription["customer"])
    invoice = documents.blank(
        world,
        customer,
        reason=reason,
        currency=subscription["currency"],
        subscription=subscription,
        period=period,
    )
    invoice["lines"] = documents.line_list("upcoming", lines)
    is_charged = subscription["collection_method"] == "charge_automatically"
    invoice["collection_method"] = subscription["collection_method"]
    invoice["next_payment_attempt"] = attempt_at if is_charged else None
    documents.grant(world, invoice, discounts.of(world, subscription, at=period[1]))
    documents.add_up(invoice)
    return {name: value for name, value in invoice.items() if name != "id"}


def announce(world: World, subscription: Json) -> None:
    """Send `invoice.upcoming`, a few days before a renewal."""
    private(subscription)["announced"] = subscriptions.period(subscription)[1]
    world.objects.put(subscription)
    emit(world, "invoice.upcoming", preview(world, subscription))


def bill_free_time(world: World, subscription: Json) -> None:
    """A paid invoice of nothing for a trial that begins within a running subscription."""
    customer, now = customers.find(world, subscription["customer"]), world.now()
    with changing(world, subscription, "customer.subscription.updated"):
        invoice = _invoice(world, subscription, customer, "subscription_update", (now, now))
        subscription["latest_invoice"] = invoice["id"]
    invoices.mark_paid(world, finalize(world, invoice))


def warn_of_trial_end(world: World, subscription: Json) -> None:
    private(subscription)["warned"] = subscription["trial_end"]
    world.objects.put(subscription)
    emit(world, "customer.subscription.trial_will_end", subscription)


def turn(world: World, subscription: Json) -> None:
    """Start the next period, with a draft that's collected an hour later; unless it's the end."""
    if schedules.is_over(world, subscription, subscriptions.period(subscription)[1]):
        subscriptions.end(world, subscription)
        return
    customer = customers.find(world, subscription["customer"])
    over = subscriptions.period(subscription)
    with changing(world, subscription, "customer.subscription.updated"):
        if subscription["status"] == "trialing":
            subscription["status"] = "active"
        schedules.turn(world, subscription, over[1])
        _move_period(subscription, over[1])
        invoice = _invoice(world, subscription, customer, "subscription_cycle", over)
        discounts.drop_used(world, subscription, invoice)
        subscription["latest_invoice"] = invoice["id"]
    if subscription["status"] == "unpaid":
        invoice |= {"auto_advance": False, "automatically_finalizes_at": None}
        world.objects.put(invoice)
    elif _paused(subscription) in ("mark_uncollectible", "void"):
        _forgo(world, subscription, invoice)


def _move_period(subscription: Json, start: int) -> None:
    for item in subscription["items"]["data"]:
        item["current_period_start"] = start
        item["current_period_end"] = periods.end(
            subscription["billing_cycle_anchor"], start, item["price"]["recurring"]
        )


def advance_invoice(world: World, invoice: Json) -> None:
    """A draft's hour is over: open it, and collect or send it."""
    finalize(world, invoice)
    if invoice["status"] != "open":
        return
    if invoice["collection_method"] == "charge_automatically":
        invoices.collect(world, invoice)
    elif invoice["amount_due"]:
        emit(world, "invoice.sent", invoice)
    else:
        invoices.mark_paid(world, invoice)


def _paused(subscription: Json) -> str | None:
    """What happens to new invoices while collection is paused; older ones continue."""
    paused = subscription["pause_collection"]
    behavior: str | None = paused["behavior"] if paused else None
    return behavior


def _forgo(world: World, subscription: Json, invoice: Json) -> None:
    """Charge nothing: an invoice made during a pause is void or uncollectible right away."""
    finalize(world, invoice)
    if not invoice["amount_due"]:
        invoices.mark_paid(world, invoice)
    elif _paused(subscription) == "void":
        invoices.void(world, invoice)
    else:
        invoices.mark_uncollectible(world, invoice, "subscription_paused")


def resume_collection(world: World, subscription: Json) -> None:
    """End a pause at its set time."""
    subscriptions.update(world, subscription, {"pause_collection": None})


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
