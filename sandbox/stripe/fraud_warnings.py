"""Early fraud warnings: what cards' banks report about payments, before anyone disputes them."""

from __future__ import annotations

from sandbox.stripe.errors import missing
from sandbox.stripe.events import changing, emit, private
from sandbox.world import Json, World

KIND = "radar.early_fraud_warning"
FRAUD_TYPES = (
    "unauthorized_use_of_card",
    "made_with_stolen_card",
    "made_with_lost_card",
    "made_with_counterfeit_card",
    "card_never_received",
    "fraudulent_card_application",
    "misc",
)
"""What a bank says happened with its card."""
USUAL = FRAUD_TYPES[0]


def warn_planned(world: World, charge: Json) -> Json:
    """Let a test card's bank report a charge."""
    private(charge).pop("warned")
    world.objects.put(charge)
    return warn(world, charge)


def warn(world: World, charge: Json, fraud_type: str = USUAL) -> Json:
    """Let the card's bank report a charge as fraud: no money moves.

    Raises:
        ValueError: it can't be reported, or not as that.
    """
    if fraud_type not in FRAUD_TYPES:
        raise ValueError(f"Banks report {', '.join(FRAUD_TYPES)}.")
    if not _is_reportable(charge):
        raise ValueError("Banks report only payments by card that went through.")
    warning = {
        "id": world.new_id("issfr_1"),
        "object": KIND,
        "actionable": _is_actionable(world, charge),
        "charge": charge["id"],
        "created": world.now(),
        "fraud_type": fraud_type,
        "livemode": False,
        "payment_intent": charge["payment_intent"],
    }
    world.objects.put(warning)
    emit(world, f"{KIND}.created", warning)
    return warning


def reportable(world: World) -> list[Json]:
    """Charges that a bank could report, newest first."""
    return [charge for charge in world.objects.list("charge") if _is_reportable(charge)]


def judge(world: World, charge: Json) -> None:
    """See whether a charge's warnings still ask for something, after it was refunded or disputed.

    (Stripe's API reference, "The early fraud warning object": actionable.)
    """
    for warning in world.objects.list(KIND, charge=charge["id"]):
        with changing(world, warning, f"{KIND}.updated"):
            warning["actionable"] = _is_actionable(world, charge)


def _is_reportable(charge: Json) -> bool:
    is_paid = charge["status"] == "succeeded" and charge["captured"]
    return is_paid and "card" in charge["payment_method_details"]


def _is_actionable(world: World, charge: Json) -> bool:
    is_disputed = bool(world.objects.list("dispute", charge=charge["id"]))
    return not charge["refunded"] and not is_disputed


def find(world: World, warning_id: str) -> Json:
    warning = world.objects.get(warning_id)
    if warning is None or warning["object"] != KIND:
        raise missing("early_fraud_warning", warning_id)
    return warning
