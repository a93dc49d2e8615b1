"""Early fraud warnings on the control panel: what banks report about payments."""

from dataclasses import dataclass

from sandbox.rendering import Form, day, money
from sandbox.stripe import charges, fraud_warnings
from sandbox.stripe.errors import ApiError
from sandbox.world import Json, World

SHOWN = 20


@dataclass(frozen=True)
class Shown:
    """A warning as the panel lists it."""

    id: str
    who: str
    amount: str
    fraud_type: str
    state: str


def shown(world: World) -> list[Shown]:
    """The newest warnings."""
    return [_shown(world, one) for one in world.objects.list(fraud_warnings.KIND)[:SHOWN]]


def choices(world: World) -> list[tuple[str, str]]:
    """Charges that can be reported: IDs and labels, newest first."""
    return [(one["id"], _words(world, one)) for one in fraud_warnings.reportable(world)[:SHOWN]]


def warn(world: World, form: Form) -> None:
    """Report a charge, as its card's bank would. Raises if that's impossible."""
    charge = charges.find(world, form.get("charge", ""))
    fraud_warnings.warn(world, charge, form.get("fraud_type", ""))


def _words(world: World, charge: Json) -> str:
    amount = money(charge["amount"], charge["currency"])
    return f"{_who(world, charge)}, {amount}, {day(charge['created'])}"


def _shown(world: World, warning: Json) -> Shown:
    charge = charges.find(world, warning["charge"])
    return Shown(
        id=warning["id"],
        who=_who(world, charge),
        amount=money(charge["amount"], charge["currency"]),
        fraud_type=warning["fraud_type"],
        state="actionable" if warning["actionable"] else "not actionable",
    )


def _who(world: World, charge: Json) -> str:
    customer = world.objects.get(charge["customer"] or "") or {}
    return str(customer.get("name") or customer.get("email") or charge["id"])


REFUSALS = (ApiError, ValueError)
