"""Refunds on the control panel: made in Stripe's dashboard, and what the bank does with them."""

from dataclasses import dataclass

from sandbox.pages import dashboard
from sandbox.rendering import Form, day, money
from sandbox.stripe import balance as stripe_balance
from sandbox.stripe import charges, refunds
from sandbox.stripe.errors import ApiError
from sandbox.world import Json, World

SHOWN = 20
CURRENCY = "usd"
BUTTONS = {
    "answer": "The member answers",
    "cancel": "Cancel it",
    "succeed": "Let it arrive",
    "refer": "Bank gives a number",
    "fail": "Let it fail",
}


@dataclass(frozen=True)
class Shown:
    """A refund as the panel lists it."""

    id: str
    who: str
    amount: str
    status: str
    made: str
    origin: str
    steps: dict[str, str]


def shown(world: World) -> list[Shown]:
    """The newest refunds."""
    return [_shown(world, one) for one in world.objects.list("refund")[:SHOWN]]


def choices(world: World) -> list[tuple[str, str]]:
    """Charges that can still be refunded: IDs and labels, newest first."""
    refundable = [
        charge for charge in world.objects.list("charge", status="succeeded") if _left(charge)
    ]
    return [(charge["id"], _words(world, charge)) for charge in refundable[:SHOWN]]


def make(world: World, form: Form) -> None:
    """Refund a charge in full or in part. Raises if that's impossible."""
    if not form.get("charge"):
        raise ValueError("Say which payment is refunded.")
    charge = charges.find(world, form["charge"])
    text = form.get("amount", "").strip()
    wanted: Json = {"charge": charge["id"], "reason": "requested_by_customer"}
    if text:
        wanted["amount"] = dashboard.amount_of(text)
    refunds.create(world, wanted)


def go_on(world: World, refund_id: str, step: str) -> None:
    """Take a refund's next step. Raises if it's not one of its steps."""
    refunds.go_on(world, refunds.find(world, refund_id), step)


def balance(world: World) -> str:
    """The account's balance, as text."""
    return money(stripe_balance.total(world, CURRENCY), CURRENCY)


def set_balance(world: World, form: Form) -> None:
    """Set the account's balance. Raises ValueError if it's not an amount."""
    text = form.get("available", "").strip()
    amount = 0 if text in ("0", "0.00") else dashboard.amount_of(text)
    stripe_balance.set_total(world, CURRENCY, amount)


def _left(charge: Json) -> int:
    return 0 if charge["disputed"] else int(charge["amount"] - charge["amount_refunded"])


def _words(world: World, charge: Json) -> str:
    left = money(_left(charge), charge["currency"])
    return f"{_who(world, charge)}, {left} left, {day(charge['created'])}"


def _shown(world: World, refund: Json) -> Shown:
    charge = charges.find(world, refund["charge"])
    return Shown(
        id=refund["id"],
        who=_who(world, charge),
        amount=money(refund["amount"], refund["currency"]),
        status=refund["status"],
        made=day(refund["created"]),
        origin="from the portal" if refund["metadata"] else "from the dashboard",
        steps={step: BUTTONS[step] for step in refunds.NEXT.get(refund["status"], {})},
    )


def _who(world: World, charge: Json) -> str:
    customer = world.objects.get(charge["customer"] or "") or {}
    return str(customer.get("name") or customer.get("email") or charge["id"])


REFUSALS = (ApiError, ValueError)
