"""Checkout sessions: a payment page, and everything that follows from it."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.stripe import (
    cards,
    checkout_rules,
    checkout_taxes,
    customers,
    discounts,
    invoices,
    payment_intents,
    payment_methods,
    prices,
    products,
    promotion_codes,
    renewals,
    subscription_taxes,
    subscriptions,
    tax_rates,
)
from sandbox.stripe.errors import ApiError, invalid, missing
from sandbox.stripe.events import emit, private
from sandbox.stripe.params import merge_metadata, new_metadata
from sandbox.stripe.payment_intents import Outcome
from sandbox.stripe.periods import DAY
from sandbox.stripe.shown import copy
from sandbox.world import Json, World

__all__ = ["Outcome", "cancel", "complete", "create", "expire", "find"]

MOST_LINES = 100


def create(world: World, params: Json) -> Json:
    """Create an open session; refuse, in Stripe's words, what can't be sold together."""
    checkout_rules.check(world, params)
    lines = [_line(world, line, index) for index, line in enumerate(params["line_items"])]
    checkout_rules.check_lines(params, lines)
    checkout_rules.check_currency_of_methods(params, lines[0]["currency"])
    if params["mode"] == "subscription" and params.get("customer"):
        customer = customers.find(world, params["customer"])
        customers.check_currency(world, customer, lines[0]["currency"])
    checkout_taxes.check(world, params, lines)
    checkout_taxes.default_rates(world, params)
    session = _blank(world, params, lines)
    private(session).update(
        lines=lines,
        named_methods=checkout_rules.named_methods(params),
        is_trial=bool(_trial_end(world, params)),
        subscription_data=params.get("subscription_data") or {},
        payment_intent_data=params.get("payment_intent_data") or {},
    )
    checkout_taxes.mark(world, session, params)
    if params.get("discounts"):
        _discount(world, session, params["discounts"])
    checkout_rules.check_total(session["amount_total"], session["currency"])
    return world.objects.put(session)


def apply_code(world: World, session: Json, code: str) -> Json:
    """Redeem a code typed on the page. Raises ApiError if that's impossible."""
    _check_open(session)
    promotion = promotion_codes.by_code(world, code)
    if not session["allow_promotion_codes"] or promotion is None:
        raise invalid("This code is invalid.", param="promotion_code")
    _discount(world, session, [{"promotion_code": promotion["id"]}])
    return world.objects.put(session)


def remove_code(world: World, session: Json) -> Json:
    _check_open(session)
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


def _line(world: World, wanted: Json, index: int) -> Json:
    quantity = wanted["quantity"]
    if wanted.get("price"):
        price = prices.find(world, wanted["price"], param=f"line_items[{index}][price]")
        checkout_rules.check_price(world, price, f"line_items[{index}]")
    else:
        price = _inline_price(world, wanted["price_data"])
    total = price["unit_amount"] * quantity
    line = {
        "id": world.new_id("li_1"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": price["currency"],
        "description": products.find(world, price["product"])["name"],
        "discounts": [],
        "metadata": {},
        "price": copy(price),
        "quantity": quantity,
        "taxes": [],
    }
    private(line)["rates"] = checkout_taxes.rates_of(world, wanted, price, index)
    return line


def _inline_price(world: World, wanted: Json) -> Json:
    """The price made for one sale; Stripe stores it inactive, so nobody else can use it."""
    price = prices.create(world, wanted)
    price["active"] = False
    return world.objects.put(price)


def _blank(world: World, params: Json, lines: list[Json]) -> Json:
    session_id = world.new_id("cs_test_a1", 56)
    now = world.now()
    subtotal = sum(line["amount_subtotal"] for line in lines)
    total = 0 if _trial_end(world, params) else subtotal
    mode = params["mode"]
    created_customer = None if params.get("customer") else "always"
    if mode == "payment" and created_customer:
        created_customer = params.get("customer_creation") or "if_required"
    return {
        "id": session_id,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": params.get("allow_promotion_codes"),
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "amount_subtotal": total if mode == "subscription" else subtotal,
        "amount_total": total,
        "automatic_tax": None,
        "billing_address_collection": params.get("billing_address_collection"),
        "branding_settings": None,
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": now,
        "currency": lines[0]["currency"],
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": (params.get("custom_text") or {}).get("submit"),
            "terms_of_service_acceptance": None,
        },
        "customer": params.get("customer"),
        "customer_account": None,
        "customer_creation": created_customer,
        "customer_details": _customer_details(world, params),
        "customer_email": params.get("customer_email"),
        "discounts": [],
        "excluded_payment_method_types": None,
        "expires_at": checkout_rules.expiry(world, params.get("expires_at")),
        "integration_identifier": None,
        "invoice": None,
        "invoice_creation": _no_invoice() if mode == "payment" else None,
        "livemode": False,
        "locale": params.get("locale"),
        "managed_payments": {"enabled": False},
        "metadata": new_metadata(params),
        "mode": mode,
        "name_collection": None,
        "optional_items": None,
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": params.get("payment_method_collection")
        or ("always" if mode == "subscription" else "if_required"),
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": checkout_rules.methods(world, params, lines[0]["currency"]),
        "payment_status": "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "presentment_details": None,
        "recovered_from": None,
        "redirect_on_completion": None,
        "return_url": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": params.get("submit_type"),
        "subscription": None,
        "success_url": params["success_url"],
        "tax_id_collection": None,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": f"{world.base_url}/checkout/{session_id}",
        "wallet_options": None,
    }


def _no_invoice() -> Json:
    settings: Json = {
        "account_tax_ids": None,
        "custom_fields": None,
        "description": None,
        "footer": None,
        "issuer": None,
        "metadata": {},
        "rendering_options": None,
    }
    return {"enabled": False, "invoice_data": settings}


def _customer_details(world: World, params: Json) -> Json | None:
    customer = world.objects.get(params["customer"]) if params.get("customer") else None
    email = customer["email"] if customer else params.get("customer_email")
    if customer is None and email is None:
        return None
    return _details(email, customer["name"] if customer else None)


def _details(email: str | None, name: str | None) -> Json:
    return {
        "address": None,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": name,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": None,
    }


def _trial_end(world: World, params: Json) -> int | None:
    """When the trial of a new subscription ends, as the session says.

    Stripe documentation, "The Price object": its `trial_period_days` count only with
    `trial_from_plan`, which sessions no longer accept.
    """
    if params["mode"] != "subscription":
        return None
    chosen = params.get("subscription_data") or {}
    if chosen.get("trial_end"):
        end: int = chosen["trial_end"]
        return end
    days = chosen.get("trial_period_days")
    return world.now() + days * DAY if days else None


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
        _check_open(session)
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


def enter(world: World, session: Json, typed: checkout_taxes.Typed) -> None:
    """Take what was entered besides the card, and recalculate the tax."""
    with world.lock, world.undoing():
        _check_open(session)
        checkout_taxes.type_in(world, session, typed)


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
        trial_end=_trial_end(world, {"mode": "subscription", "subscription_data": data}),
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


_Completion = Callable[[World, Json, Json, bool | None, str | None], Outcome]
_COMPLETE: dict[str, _Completion] = {"subscription": _subscribe, "payment": _pay_once}


def _finish(
    world: World, session: Json, customer: Json | None, method: Json, outcome: Outcome
) -> None:
    details = method["billing_details"]
    paid = "unpaid" if outcome.status == "processing" else "paid"
    session |= {
        "customer": customer and customer["id"],
        "customer_details": _details(details["email"], details["name"])
        | checkout_taxes.details(world, session, customer),
        "payment_status": paid if session["amount_total"] else "no_payment_required",
        "status": "complete",
        "url": None,
    }
    world.objects.put(session)
    emit(world, "checkout.session.completed", session)


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


def _check_open(session: Json) -> None:
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
