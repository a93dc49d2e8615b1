"""What the three pages with a card form share: trying the card, asking for 3-D Secure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.pages import cards
from sandbox.pages.cards import CardForm
from sandbox.pages.render import Form, page
from sandbox.stripe.errors import ApiError
from sandbox.stripe.payment_intents import Outcome
from sandbox.world import World

REFUSED_BY_OWNER = (
    "We are unable to authenticate your payment method."
    " Please choose a different payment method and try again."
)


@dataclass(frozen=True)
class Confirmation:
    """The question of the card's bank: where its answer goes, and what must be sent again."""

    action: str
    amount: str
    fields: dict[str, str]


def try_card(world: World, form: Form, pay: Callable[[CardForm, bool | None], Outcome]) -> Outcome:
    """Pay with the card of a form, unless the form itself finds a fault with it."""
    card = cards.read(form)
    fault = cards.problem(card, world.now())
    if fault:
        return Outcome("declined", fault)
    authenticate = answer(form)
    try:
        outcome = pay(card, authenticate)
    except ApiError as error:
        return Outcome("declined", str(error))
    if authenticate is False and outcome.status == "requires_action":
        return Outcome("declined", REFUSED_BY_OWNER)
    return outcome


def answer(form: Form) -> bool | None:
    """What the card's owner answered to the bank; None before being asked."""
    return {"true": True, "false": False}.get(form.get("authenticate", ""))


def ask_bank(request: Request, form: Form, action: str, amount: str) -> Response:
    """The 3-D Secure page. It sends the form again, with the answer."""
    confirmation = Confirmation(action, amount, {**form})
    return page(request, "three_d_secure.html", card=cards.read(form), confirmation=confirmation)


def card_context(request: Request, form: Form) -> dict[str, Any]:
    """What the card fields and the picker show: what was typed, else the test card picked."""
    card = cards.read(form) if form else cards.picked(request.query_params)
    return {"card": card, "cards": cards.PICKER}
