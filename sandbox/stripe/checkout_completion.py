"""A Checkout session's payment, and everything that follows from it."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.stripe import (
    cards,
    checkout_documents,
    checkout_taxes,
    customers,
    discounts,
    invoices,
    payment_intents,
    payment_methods,
    renewals,
    setup_intents,
    subscription_taxes,
    subscriptions,
    tax_rates,
)
from sandbox.stripe.checkout import check_open, find
from sandbox.stripe.errors import invalid
from sandbox.stripe.events import emit, private
from sandbox.stripe.params import new_metadata
from sandbox.stripe.payment_intents import Outcome
from sandbox.stripe.shown import copy
from sandbox.world import Json, World

_UNCONFIRMED = (
    "We are unable to authenticate your payment method. Please choose a different payment method "
    "and try again."
)


def complete(
    world: World,
    session_id: str,
    card: cards.TypedCard | str,
    authenticate: bool | None,
    email: str | None = None,
    typed: checkout_taxes.Typed | None = None,
) -> Outcome:
    """Pay a session as its page does. Raises ApiError if it's closed or not a test card."""
    with world.lock, world.undoing():
        session = find(world, session_id)
        check_open(session)
        if typed:
            checkout_taxes.type_in(world, session, typed)
        checkout_taxes.check_complete(world, session)
        method = payment_methods.create(world, card, email or _known_email(session))
        _check_method(session, method)
        if _will_pay(cards.of_method(method), authenticate):
            outcome = _COMPLETE[session["mode"]](world, session, method, authenticate, email)
        else:
            outcome = _refused(world, session, method, authenticate)
        world.save()
        return outcome


def _check_method(session: Json, method: Json) -> None:
    """Refuse methods other than those the session was made for, if it names any."""
    named = private(session)["named_methods"]
    if named and method["type"] not in named:
        raise invalid(f"This Checkout Session does not take {method['type']}.")


def _known_email(session: Json) -> str | None:
    details = session["customer_details"]
    email: str | None = details["email"] if details else None
    return email


def _will_pay(card: cards.Card, authenticate: bool | None) -> bool:
    """What the card will do, known before the session changes anything."""
    if card.needs_authentication(off_session=False) and authenticate is not True:
        return False
    return not card.is_declined(off_session=False)


def _refused(world: World, session: Json, method: Json, authenticate: bool | None) -> Outcome:
    """A failed try leaves the session open, with its payment intent to be reused."""
    if session["mode"] == "setup":
        return _not_set_up(cards.of_method(method), authenticate)
    intent = _intent(world, session) or _new_intent(world, session, session["customer"])
    private(session)["intent"] = intent["id"]
    if session["mode"] == "payment":
        session["payment_intent"] = intent["id"]
    world.objects.put(session)
    return payment_intents.confirm(
        world, intent, method, off_session=False, authenticate=authenticate
    )


def _intent(world: World, session: Json) -> Json | None:
    kept = private(session).get("intent")
    return world.objects.get(kept) if kept else None


def _new_intent(world: World, session: Json, customer_id: str | None) -> Json:
    wanted = private(session)["payment_intent_data"]
    subscribing = session["mode"] == "subscription"
    return payment_intents.create(
        world,
        amount=session["amount_total"]
        or sum(line["amount_total"] for line in private(session)["lines"]),
        currency=session["currency"],
        customer=customer_id,
        description="Subscription creation" if subscribing else wanted.get("description"),
        metadata=new_metadata(wanted),
        receipt_email=wanted.get("receipt_email"),
        setup_future_usage="off_session" if subscribing else wanted.get("setup_future_usage"),
    )


def _customer(world: World, session: Json, method: Json, email: str | None) -> Json:
    if session["customer"]:
        return customers.find(world, session["customer"])
    address = email or _known_email(session)
    if not address:
        raise invalid("An email address is needed.", param="email")
    return customers.create(world, {"email": address, "name": method["billing_details"]["name"]})


def _subscribe(
    world: World, session: Json, method: Json, authenticate: bool | None, email: str | None
) -> Outcome:
    customer = _customer(world, session, method, email)
    checkout_taxes.save(world, session, customer, method)
    payment_methods.attach(world, method, customer["id"])
    data, lines = private(session)["subscription_data"], private(session)["lines"]
    subscription = subscriptions.create(
        world,
        customer,
        [(line["price"], line["quantity"]) for line in lines if line["price"]["recurring"]],
        metadata=new_metadata(data),
        trial_end=checkout_documents.trial_end(
            world, {"mode": "subscription", "subscription_data": data}
        ),
        default_payment_method=method["id"],
        description=data.get("description"),
    )
    _set_taxes(world, session, subscription)
    _redeem(world, session, customer["id"], subscription)
    invoice = renewals.first_invoice(
        world, subscription, customer, _adopted(world, session, customer)
    )
    session |= {"subscription": subscription["id"], "invoice": invoice["id"]}
    if invoice["amount_due"]:
        outcome = invoices.attempt(
            world, invoice, method, automatic=False, authenticate=authenticate
        )
    else:
        invoices.mark_paid(world, invoice)
        outcome = Outcome("complete")
    _finish(world, session, customer, method, outcome)
    return outcome


def _set_taxes(world: World, session: Json, subscription: Json) -> None:
    """Tax the subscription as its session was; rates archived since then still count."""
    lines = [line for line in private(session)["lines"] if line["price"]["recurring"]]
    for item, line in zip(subscription["items"]["data"], lines, strict=True):
        item["tax_rates"] = [copy(tax_rates.find(world, one)) for one in private(line)["rates"]]
    defaults = private(session)["subscription_data"].get("default_tax_rates") or []
    subscription["default_tax_rates"] = [copy(tax_rates.find(world, one)) for one in defaults]
    if session["automatic_tax"]["enabled"]:
        subscription_taxes.set_automatic(world, subscription, enabled=True)


def _adopted(world: World, session: Json, customer: Json) -> Json | None:
    """The payment intent of an earlier failed try, now for this customer."""
    intent = _intent(world, session)
    if intent:
        intent["customer"] = customer["id"]
        if session["amount_total"]:
            intent["amount"] = session["amount_total"]
    return intent


def _redeem(world: World, session: Json, customer: str | None, subscription: Json | None) -> None:
    """Turn what the session promised into a discount, once it's complete."""
    chosen = discounts.choices(
        world,
        session["discounts"] or [],
        customer=customer,
        amount=sum(line["amount_subtotal"] for line in private(session)["lines"]),
        currency=session["currency"],
    )
    made = [
        discounts.redeem(
            world,
            one,
            customer,
            subscription=subscription["id"] if subscription else None,
            session=session["id"],
        )
        for one in chosen
    ]
    if subscription:
        subscription["discounts"] = [one["id"] for one in made]


def _pay_once(
    world: World, session: Json, method: Json, authenticate: bool | None, email: str | None
) -> Outcome:
    customer = None
    if session["customer"] or session["customer_creation"] == "always":
        customer = _customer(world, session, method, email)
    checkout_taxes.save(world, session, customer, method)
    customer_id = customer["id"] if customer else None
    _redeem(world, session, customer_id, None)
    if not session["amount_total"]:
        outcome = Outcome("complete")
        _finish(world, session, customer, method, outcome)
        return outcome
    intent = _intent(world, session) or _new_intent(world, session, customer_id)
    intent |= {"customer": customer_id, "amount": session["amount_total"]}
    if customer and intent["setup_future_usage"]:
        payment_methods.attach(world, method, customer["id"])
    outcome = payment_intents.confirm(
        world, intent, method, off_session=False, authenticate=authenticate
    )
    session["payment_intent"] = intent["id"]
    _finish(world, session, customer, method, outcome)
    return outcome


def _set_up(
    world: World, session: Json, method: Json, authenticate: bool | None, email: str | None
) -> Outcome:
    """Save the payment method; nothing is charged, and no default changes."""
    customer = _customer(world, session, method, email) if session["customer"] else None
    setup_intents.succeed(world, setup_intents.find(world, session["setup_intent"]), method)
    outcome = Outcome("complete")
    _finish(world, session, customer, method, outcome)
    return outcome


def _not_set_up(card: cards.Card, authenticate: bool | None) -> Outcome:
    """A card that its bank refuses, or asks about first."""
    if card.is_declined(off_session=False):
        return Outcome("declined", str(cards.refused(card)))
    return Outcome("requires_action" if authenticate is None else "declined", _UNCONFIRMED)


_Completion = Callable[[World, Json, Json, bool | None, str | None], Outcome]
_COMPLETE: dict[str, _Completion] = {
    "subscription": _subscribe,
    "payment": _pay_once,
    "setup": _set_up,
}


def _finish(
    world: World, session: Json, customer: Json | None, method: Json, outcome: Outcome
) -> None:
    details = method["billing_details"]
    paid = "unpaid" if outcome.status == "processing" else "paid"
    session |= {
        "customer": customer and customer["id"],
        "customer_details": checkout_documents.details(details["email"], details["name"])
        | checkout_taxes.details(world, session, customer),
        "payment_status": paid if session["amount_total"] else "no_payment_required",
        "status": "complete",
        "url": None,
    }
    world.objects.put(session)
    emit(world, "checkout.session.completed", session)
