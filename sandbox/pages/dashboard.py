"""What staff make in Stripe's dashboard: customers, subscriptions, invoices; no metadata."""

from decimal import Decimal, InvalidOperation

from sandbox.rendering import Form
from sandbox.stripe import (
    customers,
    invoice_items,
    manual_invoices,
    payment_methods,
    prices,
    renewals,
    subscriptions,
)
from sandbox.stripe.errors import ApiError
from sandbox.world import Json, World

KINDS = {
    "customer": "Customer only",
    "subscription": "Subscription, paid by card",
    "sent": "Subscription, paid by invoice",
    "invoice": "Invoice, to be paid on its page",
}
CARD = "4242424242424242"
DUE_IN_DAYS = 30


def make(world: World, form: Form) -> None:
    """Make what a form asks for. Raises ValueError or ApiError if something is missing."""
    kind, email = form.get("kind", ""), form.get("email", "").strip()
    if kind not in KINDS or "@" not in email:
        raise ValueError("Say what to make, and the email address of the customer.")
    amount = amount_of(form.get("amount", "")) if kind == "invoice" else 0
    customer = None if kind == "customer" else _known(world, email)
    if customer is None:
        name = form.get("name", "").strip() or None
        customer = customers.create(world, {"email": email, "name": name})
    if kind == "subscription":
        _subscribe(world, customer, form.get("price", ""))
    elif kind == "sent":
        _start(world, customer, form.get("price", ""), days_until_due=DUE_IN_DAYS)
    elif kind == "invoice":
        _bill(world, customer, amount, form.get("description", "").strip() or "Made by hand")


def recurring_prices(world: World) -> list[tuple[str, str]]:
    """What can be subscribed to: IDs and labels."""
    recurring = world.objects.list("price", active=True, type="recurring")
    return [(price["id"], prices.text(price)) for price in reversed(recurring)]


def _known(world: World, email: str) -> Json | None:
    namesakes = world.objects.list("customer", email=email)
    return next((one for one in namesakes if not one.get("deleted")), None)


def _subscribe(world: World, customer: Json, price_id: str) -> None:
    method = customers.default_method(world, customer)
    if method is None:
        method = payment_methods.create(world, CARD, customer["email"], customer["name"])
        payment_methods.attach(world, method, customer["id"])
        customers.set_default(world, customer, method)
    _start(world, customer, price_id)


def _start(
    world: World, customer: Json, price_id: str, *, days_until_due: int | None = None
) -> None:
    made = subscriptions.create(
        world,
        customer,
        [(prices.find(world, price_id, param="price"), 1)],
        metadata={},
        trial_end=None,
        default_payment_method=None,
        days_until_due=days_until_due,
    )
    renewals.start(world, made, customer, collect=True)


def _bill(world: World, customer: Json, amount: int, description: str) -> None:
    invoice = manual_invoices.create(
        world,
        {
            "customer": customer["id"],
            "collection_method": "send_invoice",
            "days_until_due": DUE_IN_DAYS,
        },
    )
    wanted = {
        "customer": customer["id"],
        "amount": amount,
        "currency": invoice["currency"],
        "description": description,
    }
    manual_invoices.add(world, invoice, invoice_items.create(world, wanted))
    manual_invoices.send(world, invoice)


def amount_of(text: str) -> int:
    """Minor units of a currency with two decimals."""
    try:
        amount = Decimal(text.strip()) * 100
    except InvalidOperation as error:
        raise ValueError("Write the amount as 40.00.") from error
    if not 0 < amount < 10**9 or amount != int(amount):
        raise ValueError("Write the amount as 40.00.")
    return int(amount)


REFUSALS = (ApiError, ValueError)
