"""Collection on the control panel: pauses, open invoices, payments outside of Stripe."""

from dataclasses import dataclass

from sandbox.rendering import Form, day, money
from sandbox.stripe import customers, invoices, subscriptions
from sandbox.stripe.errors import ApiError
from sandbox.stripe.periods import DAY
from sandbox.world import Json, World

SHOWN = 20
BEHAVIORS = {
    "void": "Void its invoices",
    "mark_uncollectible": "Mark its invoices uncollectible",
    "keep_as_draft": "Keep its invoices as drafts",
}


@dataclass(frozen=True)
class Due:
    """An open invoice as the panel lists it."""

    id: str
    who: str
    amount: str
    state: str


def pause(world: World, subscription_id: str, form: Form) -> None:
    """Pause a subscription's collection for some days or until further notice, or resume it."""
    subscription = subscriptions.find(world, subscription_id)
    behavior = form.get("behavior", "")
    if behavior not in BEHAVIORS and behavior != "resume":
        raise ValueError("Say what becomes of invoices during the pause.")
    wanted: Json | None = None
    if behavior != "resume":
        days = form.get("days", "").strip()
        if days and not (days.isdecimal() and 0 < int(days) <= 1825):
            raise ValueError("A pause lasts from 1 to 1825 days, or until it is ended.")
        wanted = {"behavior": behavior}
        if days:
            wanted["resumes_at"] = world.now() + int(days) * DAY
    subscriptions.update(world, subscription, {"pause_collection": wanted})


def paused(subscription: Json | None) -> str:
    """`paused until 4 December 2026`, or nothing."""
    wanted = subscription["pause_collection"] if subscription else None
    if not wanted:
        return ""
    return f"paused until {day(wanted['resumes_at'])}" if wanted["resumes_at"] else "paused"


def open_invoices(world: World) -> list[Due]:
    """The newest unpaid invoices."""
    unpaid = world.objects.list("invoice", status="open")
    return [_due(world, invoice) for invoice in unpaid[:SHOWN]]


def pay_outside(world: World, invoice_id: str) -> None:
    """Mark an invoice as paid outside of Stripe."""
    invoices.pay_out_of_band(world, invoices.find(world, invoice_id))


def _due(world: World, invoice: Json) -> Due:
    customer = customers.find(world, invoice["customer"])
    due = f"due on {day(invoice['due_date'])}" if invoice["due_date"] else "charged automatically"
    return Due(
        id=invoice["id"],
        who=str(customer.get("name") or customer.get("email") or customer["id"]),
        amount=money(invoice["amount_remaining"], invoice["currency"]),
        state=due,
    )


REFUSALS = (ApiError, ValueError)
