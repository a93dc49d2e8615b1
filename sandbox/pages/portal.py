"""The hosted billing portal: the card, the plan, the invoices."""

from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import Route

from sandbox.pages import paying
from sandbox.pages.cards import CardForm
from sandbox.pages.people import card_text, next_step
from sandbox.rendering import Visit, endpoint, interval, missing, money, page, see_other
from sandbox.stripe import customers, subscriptions
from sandbox.stripe.cards import by_number
from sandbox.stripe.payment_intents import Outcome
from sandbox.world import Json, World

ABSENT = "This billing page has expired. Open it again from where you came."
DONE = {
    "card": "Your new card is saved.",
    "cancel": "Your plan ends with this period.",
    "keep": "Your plan goes on.",
}
CANCELLABLE = ("active", "trialing", "past_due")


@dataclass(frozen=True)
class Plan:
    """A subscription in words."""

    id: str
    name: str
    status: str
    price: str
    next: str
    ending: bool
    cancellable: bool


def show(visit: Visit) -> Response:
    session = _session(visit)
    if session is None:
        return missing(visit, ABSENT)
    done = DONE.get(visit.query.get("done", ""), "")
    return _page(visit, session, done=done)


def save_card(visit: Visit) -> Response:
    """Make a new card the one that pays; the bank may ask for confirmation first."""
    session = _session(visit)
    if session is None:
        return missing(visit, ABSENT)

    def save(card: CardForm, confirmed: bool | None) -> Outcome:
        if asks_bank(card) and not confirmed:
            return Outcome("requires_action")
        customers.set_card(visit.world, session["customer"], card.typed)
        return Outcome("complete")

    outcome = paying.try_card(visit, save)
    if outcome.status == "requires_action":
        return paying.ask_bank(visit, "")
    if outcome.status == "declined":
        return _page(visit, session, message=outcome.message, status=402)
    return _done(session, "card")


def cancel(visit: Visit) -> Response:
    return _set_ending(visit, "cancel")


def keep(visit: Visit) -> Response:
    return _set_ending(visit, "keep")


def _set_ending(visit: Visit, wish: str) -> Response:
    session = _session(visit)
    subscription = visit.world.objects.get(visit.form.get("subscription", ""))
    if session is None or subscription is None or not _owns(session, subscription):
        return missing(visit, ABSENT)
    if not _features(visit.world, session)["subscription_cancel"]:
        return missing(visit, "Canceling is switched off for this portal.")
    if subscription["status"] in CANCELLABLE:
        subscriptions.cancel_at_period_end(visit.world, subscription["id"], wish == "cancel")
    return _done(session, wish)


def asks_bank(card: CardForm) -> bool:
    """Whether a card's bank asks for confirmation before the card is saved."""
    return by_number(card.digits).needs_authentication(off_session=False)


def _session(visit: Visit) -> Json | None:
    session = visit.world.objects.get(visit.named("session"))
    return session if session and session["object"] == "billing_portal.session" else None


def _owns(session: Json, subscription: Json) -> bool:
    mine: bool = subscription.get("customer") == session["customer"]
    return mine and subscription["object"] == "subscription"


def _page(
    visit: Visit,
    session: Json,
    *,
    message: str = "",
    done: str = "",
    status: int = 200,
) -> Response:
    world = visit.world
    customer = world.objects.get(session["customer"])
    if customer is None or customer.get("deleted"):
        return missing(visit, ABSENT)
    owned = world.objects.list("subscription", customer=customer["id"])
    invoices = world.objects.list("invoice", customer=customer["id"])
    flow = session["flow"]
    return page(
        visit,
        "portal.html",
        status,
        session_id=session["id"],
        return_url=session["return_url"],
        features=_features(world, session),
        only_card=bool(flow and flow["type"] == "payment_method_update"),
        customer=customer,
        plans=[_plan(world, subscription) for subscription in owned],
        invoices=[invoice for invoice in invoices if invoice["status"] != "draft"],
        card_line=card_text(world, customer) or "no card",
        message=message,
        done=done,
        **paying.card_context(visit, f"/portal/{session['id']}"),
    )


def _features(world: World, session: Json) -> dict[str, bool]:
    """What the portal's configuration allows a customer to do."""
    configuration = world.objects.get(session["configuration"])
    features: Json = configuration["features"] if configuration else {}
    return {name: bool(feature["enabled"]) for name, feature in features.items()}


def _plan(world: World, subscription: Json) -> Plan:
    price = subscription["items"]["data"][0]["price"]
    product = world.objects.get(price["product"])
    amount = money(price["unit_amount"], price["currency"])
    return Plan(
        id=subscription["id"],
        name=product["name"] if product else "Plan",
        status=subscription["status"],
        price=f"{amount} per {interval(price['recurring'])}",
        next=next_step(subscription),
        ending=bool(subscription["cancel_at"]),
        cancellable=subscription["status"] in CANCELLABLE,
    )


def _done(session: Json, what: str) -> Response:
    """Show what was done, or go to the end of a single-purpose flow."""
    after = (session["flow"] or {}).get("after_completion") or {}
    if after.get("type") == "redirect":
        return see_other(after["redirect"]["return_url"])
    return see_other(f"/portal/{session['id']}?done={what}")


routes = [
    Route("/portal/{session}", endpoint(show)),
    Route("/portal/{session}/card", endpoint(save_card), methods=["POST"]),
    Route("/portal/{session}/cancel", endpoint(cancel), methods=["POST"]),
    Route("/portal/{session}/keep", endpoint(keep), methods=["POST"]),
]
