"""What the three pages with a card form share: trying the card, and 3-D Secure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from sandbox.pages import cards
from sandbox.pages.cards import CardForm
from sandbox.rendering import Visit, page
from sandbox.stripe.errors import ApiError
from sandbox.stripe.payment_intents import Outcome

REFUSED_BY_OWNER = (
    "We are unable to authenticate your payment method."
    " Please choose a different payment method and try again."
)


@dataclass(frozen=True)
class Confirmation:
    """The bank's question: where the answer goes, and what must be sent again."""

    action: str
    amount: str
    fields: dict[str, str]


def try_card(visit: Visit, pay: Callable[[CardForm, bool | None], Outcome]) -> Outcome:
    """Pay with a form's card, unless the form itself finds it invalid."""
    card = cards.read(visit.form)
    fault = cards.problem(card, visit.world.now())
    if fault:
        return Outcome("declined", fault)
    authenticate = answer(visit)
    try:
        outcome = pay(card, authenticate)
    except ApiError as error:
        return Outcome("declined", str(error))
    if authenticate is False and outcome.status == "requires_action":
        return Outcome("declined", REFUSED_BY_OWNER)
    return outcome


def answer(visit: Visit) -> bool | None:
    """The cardholder's answer to the bank; None before being asked."""
    return {"true": True, "false": False}.get(visit.form.get("authenticate", ""))


def ask_bank(visit: Visit, amount: str) -> Response:
    """The 3-D Secure page. It sends the form again, with the answer."""
    confirmation = Confirmation(visit.path, amount, {**visit.form})
    return page(
        visit, "three_d_secure.html", card=cards.read(visit.form), confirmation=confirmation
    )


def card_context(visit: Visit, here: str) -> dict[str, Any]:
    """What the card fields and the picker show: what was typed, or the picked test card.

    `here` is the page's own address; the form may have been sent to another one.
    """
    card = cards.read(visit.form) if visit.form else cards.picked(visit.query)
    return {"card": card, "cards": cards.PICKER, "here": here}
