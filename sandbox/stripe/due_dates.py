"""Invoices that are sent rather than charged: when they're due, and what follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sandbox.stripe import subscriptions
from sandbox.stripe.errors import invalid
from sandbox.stripe.events import emit, private
from sandbox.stripe.params import missing_parameter
from sandbox.stripe.periods import DAY
from sandbox.world import PRIVATE, Json, World

REMINDED_BEFORE = 3 * DAY
"""When an automation tells of an invoice that will be due."""
Step = tuple[int, Callable[[World, Json], object]]


def check(method: str, params: Json) -> None:
    """Refuse a due date if a card is charged, and a sent invoice without one."""
    days, date = params.get("days_until_due"), params.get("due_date")
    if method == "charge_automatically" and (days is not None or date):
        raise invalid("You can only specify a due date if collection_method is `send_invoice`.")
    if method == "send_invoice" and days is None and not date:
        raise missing_parameter("days_until_due")


def of(world: World, params: Json) -> int | None:
    """The due date that the parameters or the subscription ask for."""
    days, date = params.get("days_until_due"), params.get("due_date")
    due: int | None = date or (None if days is None else world.now() + days * DAY)
    return due


def ahead(world: World, invoice: Json) -> Iterator[Step]:
    """What will happen because an open invoice has a due date."""
    due = invoice["due_date"]
    if not due:
        return
    remembered = invoice.get(PRIVATE, {})
    automated = world.switches.invoice_automations
    if automated and not remembered.get("will_be_due") and world.now() < due:
        yield max(due - REMINDED_BEFORE, invoice["created"]), _tell_will_be_due
    if not remembered.get("overdue"):
        yield due, _let_it_be_overdue


def _tell_will_be_due(world: World, invoice: Json) -> None:
    private(invoice)["will_be_due"] = True
    world.objects.put(invoice)
    emit(world, "invoice.will_be_due", invoice)


def _let_it_be_overdue(world: World, invoice: Json) -> None:
    """The day has passed: if it's the subscription's newest invoice, that's past due."""
    private(invoice)["overdue"] = True
    world.objects.put(invoice)
    if world.switches.invoice_automations:
        emit(world, "invoice.overdue", invoice)
    subscription = world.objects.get(subscriptions.of_invoice(invoice) or "")
    if subscription and subscription["status"] in ("active", "trialing"):
        subscriptions.set_status(world, subscription, "past_due")
