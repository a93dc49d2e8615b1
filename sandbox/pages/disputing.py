"""Disputes on the control panel: what cardholders, staff in Stripe's dashboard, and banks do."""

from dataclasses import dataclass

from sandbox.rendering import Form, day, money
from sandbox.stripe import charges, disputes
from sandbox.stripe.errors import ApiError
from sandbox.world import Json, World

SHOWN = 20
KINDS = {"dispute": "Dispute: the money is taken back", "inquiry": "Inquiry: the bank asks first"}
# What can be done next about a dispute, by its status: the button and what it means.
ANSWERS = {"win": disputes.WINNING, "lose": disputes.LOSING, "escalate": disputes.ESCALATING}
STEPS = {
    "needs_response": {
        "win": "Send winning evidence",
        "lose": "Send losing evidence",
        "accept": "Accept",
    },
    "warning_needs_response": {"win": "Answer well", "escalate": "Answer badly"},
    "under_review": {"decide": "Decide now"},
    "warning_under_review": {"decide": "Decide now"},
}


@dataclass(frozen=True)
class Shown:
    """A dispute as the panel lists it."""

    id: str
    who: str
    amount: str
    status: str
    due: str
    steps: dict[str, str]


def shown(world: World) -> list[Shown]:
    """The newest disputes."""
    return [_shown(world, one) for one in world.objects.list("dispute")[:SHOWN]]


def choices(world: World) -> list[tuple[str, str]]:
    """Charges that can be disputed: IDs and labels, newest first."""
    return [(charge["id"], _words(world, charge)) for charge in disputes.disputable(world)[:SHOWN]]


def _words(world: World, charge: Json) -> str:
    amount = money(charge["amount"], charge["currency"])
    return f"{_who(world, charge)}, {amount}, {day(charge['created'])}"


def _shown(world: World, dispute: Json) -> Shown:
    charge = charges.find(world, dispute["charge"])
    return Shown(
        id=dispute["id"],
        who=_who(world, charge),
        amount=money(dispute["amount"], dispute["currency"]),
        status=dispute["status"],
        due=day(dispute["evidence_details"]["due_by"]),
        steps=STEPS.get(dispute["status"], {}),
    )


def _who(world: World, charge: Json) -> str:
    customer = world.objects.get(charge["customer"] or "") or {}
    return str(customer.get("name") or customer.get("email") or charge["id"])


def open_one(world: World, form: Form) -> None:
    """Dispute a charge, as the cardholder would. Raises if that's impossible."""
    kind, reason = form.get("kind", ""), form.get("reason", "")
    if kind not in KINDS or reason not in disputes.REASONS:
        raise ValueError("Say which payment is disputed, how, and why.")
    charge = charges.find(world, form.get("charge", ""))
    if charge not in disputes.disputable(world):
        raise ValueError("This payment can't be disputed (any more).")
    disputes.open_for(world, charge, reason, inquiry=kind == "inquiry")


def go_on(world: World, dispute_id: str, step: str) -> None:
    """Take a dispute's next step. Raises if it's not one of its steps."""
    dispute = disputes.find(world, dispute_id)
    if step not in STEPS.get(dispute["status"], {}):
        raise ValueError("That is not what comes next in this dispute.")
    if step == "decide":
        disputes.decide(world, dispute)
    elif step == "accept":
        disputes.accept(world, dispute)
    else:
        disputes.update(world, dispute, {"evidence": {"uncategorized_text": ANSWERS[step]}})


REFUSALS = (ApiError, ValueError)
