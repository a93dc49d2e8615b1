"""Checkout sessions: made, changed, expired, and what the page does besides paying."""

from __future__ import annotations

from sandbox.stripe import (
    checkout_documents,
    checkout_rules,
    checkout_taxes,
    customers,
    discounts,
    promotion_codes,
    setup_intents,
)
from sandbox.stripe.errors import ApiError, invalid, missing
from sandbox.stripe.events import emit, private
from sandbox.stripe.params import merge_metadata
from sandbox.world import Json, World

MOST_LINES = 100


def create(world: World, params: Json) -> Json:
    """Create an open session; refuse, in Stripe's words, what can't be sold together."""
    checkout_rules.check(world, params)
    if params["mode"] == "setup":
        return _create_setup(world, params)
    wanted = enumerate(params["line_items"])
    lines = [checkout_documents.line(world, line, index) for index, line in wanted]
    checkout_rules.check_lines(params, lines)
    checkout_rules.check_currency_of_methods(params, lines[0]["currency"])
    if params["mode"] == "subscription" and params.get("customer"):
        customer = customers.find(world, params["customer"])
        customers.check_currency(world, customer, lines[0]["currency"])
    checkout_taxes.check(world, params, lines)
    checkout_taxes.default_rates(world, params)
    session = checkout_documents.blank(world, params, lines)
    private(session).update(
        lines=lines,
        named_methods=checkout_rules.named_methods(params),
        is_trial=bool(checkout_documents.trial_end(world, params)),
        subscription_data=params.get("subscription_data") or {},
        payment_intent_data=params.get("payment_intent_data") or {},
    )
    checkout_taxes.mark(world, session, params)
    if params.get("discounts"):
        _discount(world, session, params["discounts"])
    checkout_rules.check_total(session["amount_total"], session["currency"])
    return world.objects.put(session)


def _create_setup(world: World, params: Json) -> Json:
    """Create a session that saves a payment method; its setup intent is there from the start."""
    session = checkout_documents.blank_setup(world, params)
    data = params.get("setup_intent_data") or {}
    intent = setup_intents.create(
        world,
        {
            "customer": params.get("customer"),
            "description": data.get("description"),
            "metadata": data.get("metadata") or {},
            "payment_method_types": session["payment_method_types"],
        },
    )
    session["setup_intent"] = intent["id"]
    private(session).update(
        lines=[],
        named_methods=checkout_rules.named_methods(params),
        is_trial=False,
        subscription_data={},
        payment_intent_data={},
    )
    checkout_taxes.mark(world, session, params)
    return world.objects.put(session)


def apply_code(world: World, session: Json, code: str) -> Json:
    """Redeem a code typed on the page. Raises ApiError if that's impossible."""
    check_open(session)
    promotion = promotion_codes.by_code(world, code)
    if not session["allow_promotion_codes"] or promotion is None:
        raise invalid("This code is invalid.", param="promotion_code")
    _discount(world, session, [{"promotion_code": promotion["id"]}])
    return world.objects.put(session)


def remove_code(world: World, session: Json) -> Json:
    check_open(session)
    if session["allow_promotion_codes"]:
        _discount(world, session, [])
    return world.objects.put(session)


def _discount(world: World, session: Json, wanted: list[Json]) -> None:
    """Set the session's discounts, and every total that depends on them."""
    lines = private(session)["lines"]
    subtotal = sum(line["amount_subtotal"] for line in lines)
    chosen = discounts.choices(
        world,
        wanted,
        customer=session["customer"],
        amount=subtotal,
        currency=session["currency"],
    )
    for line in lines:
        line["amount_discount"] = 0
    for one in chosen:
        left = [line["amount_subtotal"] - line["amount_discount"] for line in lines]
        for line, amount in zip(lines, discounts.spread(one.coupon, left), strict=True):
            line["amount_discount"] += amount
    session["discounts"] = [one.of_session for one in chosen]
    checkout_taxes.assess(world, session)


def enter(world: World, session: Json, typed: checkout_taxes.Typed) -> None:
    """Take what was entered besides the card, and recalculate the tax."""
    with world.lock, world.undoing():
        check_open(session)
        checkout_taxes.type_in(world, session, typed)


def hear_from_bank(world: World, session: Json, *, paid: bool) -> None:
    """Settle a session with a delayed method: it's paid now, or never will be."""
    if session["payment_status"] != "unpaid" or private(session).get("answered"):
        return
    private(session)["answered"] = True
    if paid:
        session["payment_status"] = "paid"
    world.objects.put(session)
    word = "succeeded" if paid else "failed"
    emit(world, f"checkout.session.async_payment_{word}", session)


def cancel(world: World, session_id: str) -> Json:
    """Go back without paying: the session stays open, as at Stripe. Return the session."""
    with world.lock:
        return find(world, session_id)


def expire(world: World, session: Json) -> Json:
    if session["status"] != "open":
        raise invalid(
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of `{session['status']}`."
        )
    session |= {"status": "expired", "url": None}
    world.objects.put(session)
    emit(world, "checkout.session.expired", session)
    return session


def update(world: World, session: Json, params: Json) -> Json:
    if "metadata" in params:
        session["metadata"] = merge_metadata(session["metadata"], params["metadata"])
    return world.objects.put(session)


def check_open(session: Json) -> None:
    if session["status"] == "open":
        return
    word = "been completed" if session["status"] == "complete" else "expired"
    raise ApiError(400, "invalid_request_error", f"This Checkout Session has already {word}.")


def line_items(session: Json) -> list[Json]:
    lines: list[Json] = private(session)["lines"]
    return lines


def find(world: World, session_id: str) -> Json:
    session = world.objects.get(session_id)
    if session is None or session["object"] != "checkout.session":
        raise missing("checkout.session", session_id, param="session")
    return session
