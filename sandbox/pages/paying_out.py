"""Payouts on the control panel: what the business's bank does with them."""

from dataclasses import dataclass

from sandbox.rendering import day, money
from sandbox.stripe import payouts
from sandbox.stripe.errors import ApiError
from sandbox.world import Json, World

SHOWN = 10
BUTTONS = {"arrive": "Let it arrive", "fail": "Let it fail", "cancel": "Cancel it"}
REFUSALS = (ApiError, ValueError)


@dataclass(frozen=True)
class Shown:
    """A payout as the panel lists it."""

    id: str
    amount: str
    status: str
    made: str
    steps: dict[str, str]


def shown(world: World) -> list[Shown]:
    """The newest payouts."""
    return [_shown(payouts.shown(world, one)) for one in world.objects.list("payout")[:SHOWN]]


def go_on(world: World, payout_id: str, step: str) -> None:
    """Take a payout's next step. Raises if it's not one of its steps."""
    payouts.go_on(world, payouts.find(world, payout_id), step)


def _shown(payout: Json) -> Shown:
    made = "automatic" if payout["automatic"] else "made by hand"
    return Shown(
        id=payout["id"],
        amount=money(payout["amount"], payout["currency"]),
        status=payout["status"],
        made=f"{day(payout['created'])}, {made}",
        steps={step: BUTTONS[step] for step in payouts.NEXT.get(payout["status"], {})},
    )
