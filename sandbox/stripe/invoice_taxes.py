"""Which tax rates apply to each invoice line, and how much they are."""

from __future__ import annotations

from sandbox.stripe import automatic_tax, customers, subscription_taxes, taxes
from sandbox.stripe.events import changing, emit, private
from sandbox.stripe.tax_places import Place
from sandbox.world import Json, World


def mark(line: Json, *, rates: list[Json], behavior: str | None) -> Json:
    """Remember on a line its own rates, and whether its price includes tax.

    A line without rates uses the invoice's.
    """
    private(line).update(rates=[rate["id"] for rate in rates], behavior=behavior)
    return line


def assess(world: World, invoice: Json) -> None:
    """Set each line's taxes, after discounts, and their totals."""
    place = _place(world, invoice)
    without = 0
    for line in invoice["lines"]["data"]:
        assessed = _assessed(world, invoice, line, place)
        less = sum(int(entry["amount"]) for entry in line["discount_amounts"])
        line["taxes"] = _entries(line["amount"] - less, assessed)
        without += line["amount"] - taxes.inclusive(_entries(line["amount"], assessed))
    invoice["total_taxes"] = taxes.summed(
        entry for line in invoice["lines"]["data"] for entry in line["taxes"]
    )
    invoice["subtotal_excluding_tax"] = without


def _entries(amount: int, assessed: automatic_tax.Assessed) -> list[Json]:
    return [tax.of_document for tax in taxes.on(amount, assessed.rates, assessed.reason)]


def _place(world: World, invoice: Json) -> Place | None:
    """The place that Stripe Tax uses, and whether it's known."""
    if not invoice["automatic_tax"]["enabled"]:
        return None
    customer = customers.find(world, invoice["customer"])
    place = automatic_tax.place_of(world, customer, _subscription(world, invoice))
    invoice["automatic_tax"]["status"] = "complete" if place else "requires_location_inputs"
    return place


def _subscription(world: World, invoice: Json) -> Json | None:
    details = (invoice["parent"] or {}).get("subscription_details")
    return world.objects.get(details["subscription"]) if details else None


def _assessed(
    world: World, invoice: Json, line: Json, place: Place | None
) -> automatic_tax.Assessed:
    """A line's rates, and why they apply or not."""
    if invoice["automatic_tax"]["enabled"]:
        if place is None:
            return automatic_tax.Assessed([], "")
        return _by_place(world, invoice, line, place)
    own = [world.objects.get(one) for one in private(line).get("rates", [])]
    rates = [rate for rate in own if rate] or invoice["default_tax_rates"]
    reason = taxes.ZERO_REASONS.get(invoice["customer_tax_exempt"], "not_available")
    return automatic_tax.Assessed(rates, reason)


def _by_place(world: World, invoice: Json, line: Json, place: Place) -> automatic_tax.Assessed:
    chosen = automatic_tax.behavior(world, private(line).get("behavior"), line["currency"])
    details = (line["pricing"] or {}).get("price_details") or {}
    return automatic_tax.assess(
        world,
        customers.find(world, invoice["customer"]),
        place,
        inclusive=chosen == "inclusive",
        product=details.get("product"),
    )


def before_finalizing(world: World, invoice: Json) -> None:
    """Recalculate for the customer's current location.

    Stripe documentation, "Collect customer addresses": if it's unknown, a subscription's invoice
    continues without tax, which is disabled on both; a manual invoice is refused.
    """
    if not invoice["automatic_tax"]["enabled"]:
        return
    assess(world, invoice)
    if invoice["automatic_tax"]["status"] == "complete":
        return
    subscription = _subscription(world, invoice)
    if subscription is None:
        _refuse(world, invoice)
        return
    subscription_taxes.disable(world, subscription)
    with changing(world, invoice, "invoice.updated"):
        invoice["automatic_tax"] |= {
            "disabled_reason": "finalization_requires_location_inputs",
            "enabled": False,
            "status": None,
        }
    assess(world, invoice)


def _refuse(world: World, invoice: Json) -> None:
    error = automatic_tax.unrecognized()
    with changing(world, invoice, "invoice.updated"):
        invoice["last_finalization_error"] = {
            "code": "customer_tax_location_invalid",
            "message": str(error),
            "type": error.kind,
        }
    emit(world, "invoice.finalization_failed", invoice)
    # The invoice says why, so this request did have a result.
    error.is_outcome = True
    raise error
